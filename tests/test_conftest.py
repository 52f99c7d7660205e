"""No test hides behind another of the same id, and a file with a chosen test is read."""

from types import SimpleNamespace
from typing import cast

import pytest

from devkit.tests import NIGHTLY
from tests.api.conftest import API_TESTS, OF_DATABASES, OF_HTTP_ALONE
from tests.conftest import may_be_chosen, require_unique_ids


def collected(*ids: str) -> list[pytest.Item]:
    return cast("list[pytest.Item]", [SimpleNamespace(nodeid=each) for each in ids])


def test_two_tests_of_one_id_stop_the_run_by_name() -> None:
    with pytest.raises(pytest.UsageError, match=r"one id: a::b$"):
        require_unique_ids(collected("a::b", "a::c", "a::b"))


def test_tests_of_ids_of_their_own_run() -> None:
    require_unique_ids(collected("a::b", "a::b[1]", "a::b[2]"))


@pytest.mark.parametrize(
    ("source", "without_nightly", "nightly"),
    [
        ("pytestmark = pytest.mark.nightly\n", False, True),
        ("pytestmark = [\n    pytest.mark.s3,\n    pytest.mark.nightly,\n]\n", False, True),
        ("pytestmark = [pytest.mark.s3]\n\n@pytest.mark.nightly\ndef test_a(): ...\n", True, True),
        ("@pytest.mark.nightly\ndef test_a(): ...\n", True, True),
        ("def test_a(): ...\n", True, False),
    ],
)
def test_a_file_is_read_where_its_marks_may_be_chosen(
    source: str, *, without_nightly: bool, nightly: bool
) -> None:
    source = "import pytest\n\n" + source
    assert may_be_chosen("not nightly", source) == without_nightly
    assert may_be_chosen(NIGHTLY, source) == nightly
    assert may_be_chosen("", source)


def test_each_file_that_is_named_for_sqlite_is_there() -> None:
    names = {path.name for path in API_TESTS.rglob("test_*.py")}
    assert names >= OF_HTTP_ALONE | OF_DATABASES
    assert OF_HTTP_ALONE.isdisjoint(OF_DATABASES)
