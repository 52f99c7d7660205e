"""A file in memory: with other bytes in some places, and as it was behind that."""

import mmap
from pathlib import Path

import pytest

from images.formats.memory import changed

CHANGES = {2: b"XY", 7: b"the end"}


@pytest.mark.parametrize("size", [8, 12, 14, 30, mmap.PAGESIZE - 1, mmap.PAGESIZE])
@pytest.mark.parametrize("access", [mmap.ACCESS_COPY, mmap.ACCESS_READ, None])
def test_a_changed_file_is_as_if_it_were_copied(
    tmp_path: Path, size: int, access: int | None
) -> None:
    path, content = tmp_path / "file", bytes(n % 251 for n in range(size))
    path.write_bytes(content)
    with path.open("rb") as file:
        data = content if access is None else mmap.mmap(file.fileno(), 0, access=access)
    with changed(data, CHANGES) as file_changed:
        assert bytes(file_changed) == content[:2] + b"XY" + content[4:7] + b"the end"
    assert bytes(data) == content
    assert path.read_bytes() == content


def test_a_file_that_is_mapped_for_oneself_is_changed_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(12))
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    with changed(data, CHANGES):
        assert data[:12] == bytes(2) + b"XY" + bytes(3) + b"the e"


def test_what_fills_its_last_page_is_copied(tmp_path: Path) -> None:
    """Behind that there may be no memory at all."""
    path = tmp_path / "file"
    path.write_bytes(bytes(mmap.PAGESIZE))
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    with changed(data, {mmap.PAGESIZE - 1: b"end"}) as longer:
        assert bytes(longer) == bytes(mmap.PAGESIZE - 1) + b"end"
        assert not any(data[:])
