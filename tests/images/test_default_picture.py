"""The default picture and the names under which it is copied."""

from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from images.default_picture import DEFAULT_FILE, FACTS, safe_stem
from images.formats.inspect import inspect
from images.formats.limits import Limits
from images.storage.keys import USERS, is_key

OWNER = "00000000-0000-4000-8000-000000000000"


def test_what_is_written_of_the_default_picture_is_true() -> None:
    limits = Limits(max_bytes=10_000_000, max_pixels=10_000_000)
    assert inspect(DEFAULT_FILE, limits) == FACTS
    assert DEFAULT_FILE.stat().st_size < 10_000


@given(st.text(max_size=300))
def test_no_name_leaves_its_folder_or_is_too_long_for_a_disk(name: str) -> None:
    stem = safe_stem(name)
    key = f"{USERS}/{OWNER}/{stem}.png"
    if stem:
        assert is_key(key)
        assert PurePosixPath(key).name == f"{stem}.png"
    assert len(stem) <= 100
