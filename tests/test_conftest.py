"""No test hides behind another of the same id, and only nightly files are left unread."""

from types import SimpleNamespace
from typing import cast

import pytest

from tests.conftest import NIGHTLY_FILE, require_unique_ids


def collected(*ids: str) -> list[pytest.Item]:
    return cast("list[pytest.Item]", [SimpleNamespace(nodeid=each) for each in ids])


def test_two_tests_of_one_id_stop_the_run_by_name() -> None:
    with pytest.raises(pytest.UsageError, match=r"one id: a::b$"):
        require_unique_ids(collected("a::b", "a::c", "a::b"))


def test_tests_of_ids_of_their_own_run() -> None:
    require_unique_ids(collected("a::b", "a::b[1]", "a::b[2]"))


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("pytestmark = pytest.mark.nightly\n", True),
        ("pytestmark = [\n    pytest.mark.s3,\n    pytest.mark.nightly,\n]\n", True),
        ("pytestmark = [pytest.mark.s3]\n\n@pytest.mark.nightly\ndef test_a(): ...\n", False),
        ("@pytest.mark.nightly\ndef test_a(): ...\n", False),
    ],
)
def test_a_file_is_nightly_as_a_whole_by_its_own_mark_alone(marks: str, *, expected: bool) -> None:
    assert bool(NIGHTLY_FILE.search("import pytest\n\n" + marks)) == expected
