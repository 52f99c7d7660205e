"""What a power cut leaves: each file under its name, in each folder under its own."""

import os
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from images.storage import listing
from images.storage.disk import DiskStorage
from images.storage.keys import folder_of
from lib.durable_files import make_folder

KEY = "users/a/picture.png"


@pytest.fixture
def place(tmp_path: Path) -> DiskStorage:
    return DiskStorage(location=tmp_path / "images")


def test_the_first_file_of_an_account_is_kept_with_every_folder_above_it(
    place: DiskStorage, tmp_path: Path, flushed: list[Path]
) -> None:
    place.write(KEY, BytesIO(b"bytes"))
    draft = flushed.pop(3)
    assert draft.name.startswith(".picture.png.")
    images = tmp_path / "images"
    assert flushed == [tmp_path, images, images / "users", images / "users" / "a"]


def test_the_next_file_costs_two_flushes(place: DiskStorage, flushed: list[Path]) -> None:
    place.write(KEY, BytesIO(b"bytes"))
    del flushed[:]
    place.write("users/a/another.png", BytesIO(b"bytes"))
    assert len(flushed) == 2


def test_a_moved_file_is_kept_with_every_folder_above_it(
    place: DiskStorage, tmp_path: Path, flushed: list[Path]
) -> None:
    place.write(KEY, BytesIO(b"bytes"))
    del flushed[:]
    place.move(KEY, f"quarantine/now/{KEY}")
    assert flushed[0] == tmp_path / "images"
    assert flushed[-1] == tmp_path / "images" / "quarantine" / "now" / "users" / "a"
    assert len(flushed) == 5


def test_a_folder_that_is_there_costs_nothing(tmp_path: Path, flushed: list[Path]) -> None:
    make_folder(tmp_path)
    assert flushed == []


@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (Path, "replace")])
def test_a_folder_may_be_emptied_at_any_moment_of_an_upload(
    place: DiskStorage, monkeypatch: pytest.MonkeyPatch, owner: ModuleType | type[Path], call: str
) -> None:
    """Whoever deletes all removes the folder: when it is made, or when the file has its name."""
    account = uuid4()
    key, whole = f"{folder_of(account)}a.png", getattr(owner, call)

    def then_empty(*args: Any) -> None:
        monkeypatch.setattr(owner, call, whole)
        whole(*args)
        place.delete_folder(folder_of(account))

    place.write("users/another/a.png", BytesIO(b"bytes"))
    monkeypatch.setattr(owner, call, then_empty)
    place.write(key, BytesIO(b"bytes"))
    assert place.exists(key) == (call == "fsync"), "the caller looks under the lock"


def test_a_draft_may_get_its_name_while_its_folder_is_emptied(
    place: DiskStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = uuid4()
    place.write(f"{folder_of(account)}a.png", BytesIO(b"bytes"))
    monkeypatch.setattr(listing, "_names", lambda folder: iter([".a.png.1a2b3c4d"]))
    place.delete_folder(folder_of(account))
    assert place.exists(f"{folder_of(account)}a.png")
