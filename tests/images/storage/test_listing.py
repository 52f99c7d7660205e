"""Walks through stored files in the byte order of their keys."""

import os
from pathlib import Path

import pytest

from images.storage import listing
from images.storage.listing import in_byte_order, walk_folder

NAMES = ["users/a/x", "users/a-b/x", "users/a.b", "users/A", "users/é", "users/a/.x.1", "users/b/"]


def keys(root: Path, folder: str = "users/") -> list[str]:
    return [each.key for each in walk_folder(root, folder)]


@pytest.mark.parametrize("at_once", [1, 2, 50_000])
def test_files_come_in_byte_order_however_many_names_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(listing, "_NAMES_AT_ONCE", at_once)
    files = [name for name in NAMES if not name.endswith("/")]
    for name in NAMES:
        path = tmp_path / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    (tmp_path / "users" / os.fsdecode(b"\xff\n")).write_text("odd")
    expected = sorted([*files, "users/" + os.fsdecode(b"\xff\n")], key=in_byte_order)
    assert keys(tmp_path) == expected
    assert keys(tmp_path, "users/a/") == ["users/a/.x.1", "users/a/x"]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert keys(tmp_path) == []
