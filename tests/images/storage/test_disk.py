"""Pictures in a folder: who may read them, and which outlast a power cut."""

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from images.storage.disk import DiskStorage
from lib import durable_files

KEY = "users/a/picture.png"


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
def test_nobody_but_the_services_user_and_group_reads_a_picture(tmp_path: Path) -> None:
    root = tmp_path / "images"
    DiskStorage(location=root).write(KEY, BytesIO(b"bytes"))
    made = {path: path.stat().st_mode & 0o777 for path in [root, *root.rglob("*")]}
    assert made.pop(root / KEY) == 0o640
    assert set(made.values()) == {0o750}


@pytest.mark.usefixtures("usual_umask")
def test_a_folder_hands_its_group_down(tmp_path: Path) -> None:
    """As it is set for an nginx that has no other group in common with the service."""
    root = tmp_path / "images"
    root.mkdir()
    root.chmod(0o2750)
    DiskStorage(location=root).write(KEY, BytesIO(b"bytes"))
    assert Path(root / "users" / "a").stat().st_mode & 0o7777 == 0o2750


def test_names_are_flushed_of_what_is_stored_before_a_file_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever tries again finds them there, and does not store them."""
    storage, source = DiskStorage(location=tmp_path / "images"), tmp_path / "source"
    source.write_bytes(b"bytes")
    storage.save("users/a/taken.png", source)
    flushed: list[Path] = []
    flush = durable_files.sync_folder

    def note(folder: Path) -> None:
        flushed.append(folder)
        flush(folder)

    monkeypatch.setattr(durable_files, "sync_folder", note)
    with pytest.raises(FileExistsError):
        storage.save_all({KEY: source, "users/a/taken.png": source})
    assert storage.exists(KEY)
    assert flushed[-1:] == [tmp_path / "images" / "users" / "a"]


def test_a_share_is_no_less_mounted_for_somebodys_first_picture_of_all(tmp_path: Path) -> None:
    """It is stored, and its row is there, after another upload has found no folder yet."""
    storage = DiskStorage(tmp_path)

    def store_first() -> bool:
        DiskStorage(tmp_path).write("users/a/first.jpg", BytesIO(b"first"))
        return True

    storage.expects_files = store_first
    assert not storage.exists("users/b/second.jpg")
