"""No test hides behind another of the same id."""

from types import SimpleNamespace
from typing import cast

import pytest

from tests.conftest import require_unique_ids


def collected(*ids: str) -> list[pytest.Item]:
    return cast("list[pytest.Item]", [SimpleNamespace(nodeid=each) for each in ids])


def test_two_tests_of_one_id_stop_the_run_by_name() -> None:
    with pytest.raises(pytest.UsageError, match=r"one id: a::b$"):
        require_unique_ids(collected("a::b", "a::c", "a::b"))


def test_tests_of_ids_of_their_own_run() -> None:
    require_unique_ids(collected("a::b", "a::b[1]", "a::b[2]"))
