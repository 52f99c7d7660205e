import logging

import pytest
from django.db import transaction

from lib.after_commit import run_after_commit


def fail() -> None:
    raise OSError


@pytest.mark.django_db(transaction=True)
def test_a_failure_after_the_commit_is_logged_and_fails_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[int] = []
    with caplog.at_level(logging.ERROR), transaction.atomic():
        run_after_commit(fail)
        run_after_commit(done.append, 1)
        assert done == []
    assert done == [1]
    assert "OSError" in str(caplog.records[0].exc_info)
