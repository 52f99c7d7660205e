"""What may go from a source once it was copied: what the target has byte for byte."""

from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import IO

import pytest
from django.core.management import call_command

from images.storage.base import PictureStorage
from images.storage.disk import DiskStorage
from images.storage.listing import StoredFile
from upkeep.copying import (
    _MAX_BYTES_IN_MEMORY,
    _THREADS,
    CopyDiffers,
    Outcome,
    copy_files,
    delete_copied_files,
)
from upkeep.named_storages import open_storage

SAME, OTHER_BYTES, LONGER, MISSING = (f"users/a/{name}.png" for name in "abcd")


@pytest.fixture
def source(tmp_path: Path) -> PictureStorage:
    return open_storage(f"file://{tmp_path / 'source'}")


@pytest.fixture
def target(tmp_path: Path) -> PictureStorage:
    return open_storage(f"file://{tmp_path / 'target'}")


@pytest.fixture
def _both(source: PictureStorage, target: PictureStorage) -> None:
    for key in (SAME, OTHER_BYTES, LONGER, MISSING):
        source.write(key, BytesIO(b"content"))
    for key, content in ((SAME, b"content"), (OTHER_BYTES, b"cOntent"), (LONGER, b"content!")):
        target.write(key, BytesIO(content))


def keys(place: PictureStorage) -> list[str]:
    return sorted(each.key for each in place.walk())


def content(place: PictureStorage, key: str) -> bytes:
    with place.open(key) as file:
        return file.read()


@pytest.mark.usefixtures("_both")
def test_a_source_whose_copy_differs_or_is_missing_is_kept(
    source: PictureStorage, target: PictureStorage
) -> None:
    outcomes = sorted(delete_copied_files(source, target))
    assert outcomes == [Outcome.KEPT, Outcome.KEPT, Outcome.KEPT, Outcome.REMOVED]
    assert keys(source) == [OTHER_BYTES, LONGER, MISSING]
    assert keys(target) == [SAME, OTHER_BYTES, LONGER]


@pytest.mark.django_db
@pytest.mark.usefixtures("_both")
def test_the_command_keeps_a_source_whose_copy_has_its_length_and_other_bytes(
    source: PictureStorage, target: PictureStorage
) -> None:
    """Without `--hash`, copying takes it for copied."""
    out = StringIO()
    options = {"source": source.url, "target": target.url, "remove_source": True}
    call_command("move_storage", stdout=out, stderr=StringIO(), **options)
    assert out.getvalue().splitlines() == [
        "2 copied, 2 there already.", "From the source: 1 kept, 3 removed.",
    ]  # fmt: skip
    assert keys(source) == [OTHER_BYTES]
    assert content(source, OTHER_BYTES) == b"content"
    assert {key: content(target, key) for key in (SAME, LONGER, MISSING)} == dict.fromkeys(
        (SAME, LONGER, MISSING), b"content"
    )


@pytest.mark.usefixtures("_both")
def test_only_what_is_named_is_copied(source: PictureStorage, target: PictureStorage) -> None:
    files = [each for each in source.walk() if each.key == MISSING]
    assert list(copy_files(files, source, target)) == [Outcome.COPIED]
    assert content(target, LONGER) == b"content!"


def test_a_key_that_somebody_else_writes_meanwhile_stops_it(
    source: PictureStorage, target: PictureStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.write(SAME, BytesIO(b"content"))
    open_file = DiskStorage.open

    def open_late(self: DiskStorage, key: str) -> IO[bytes]:
        if not target.exists(key):
            target.write(key, BytesIO(b"another"))
        return open_file(self, key)

    monkeypatch.setattr(DiskStorage, "open", open_late)
    with pytest.raises(CopyDiffers, match="somebody else writes there"):
        list(copy_files(source.walk(), source, target))
    monkeypatch.undo()
    assert content(target, SAME) == b"another"


@pytest.mark.usefixtures("_both")
def test_a_file_that_goes_meanwhile_is_passed_over(
    source: PictureStorage, target: PictureStorage
) -> None:
    files = list(source.walk())
    source.delete(MISSING)
    outcomes = list(copy_files(files, source, target))
    assert outcomes == [Outcome.THERE, Outcome.THERE, Outcome.COPIED, Outcome.GONE]
    assert keys(target) == [SAME, OTHER_BYTES, LONGER]


@pytest.mark.usefixtures("_both")
def test_a_file_is_noted_once_the_target_has_it(
    source: PictureStorage, target: PictureStorage
) -> None:
    """Copied now or before; what went meanwhile is not."""
    files, noted = list(source.walk()), list[str]()
    source.delete(MISSING)
    list(copy_files(files, source, target, note=noted.append))
    assert sorted(noted) == [SAME, OTHER_BYTES, LONGER]
    noted.clear()
    list(copy_files(source.walk(), source, target, compare_content=True, note=noted.append))
    assert sorted(noted) == keys(target) == [SAME, OTHER_BYTES, LONGER]
    assert content(target, OTHER_BYTES) == b"content"


@pytest.mark.usefixtures("_both")
def test_what_was_there_instead_is_kept_aside_as_it_was(
    source: PictureStorage, target: PictureStorage
) -> None:
    assert Outcome.COPIED in list(copy_files(source.walk(), source, target))
    [aside] = target.walk("quarantine/")
    assert aside.key.endswith(LONGER)
    assert content(target, aside.key) == b"content!"


@pytest.mark.parametrize("work", ["copy", "remove"])
def test_what_only_the_target_has_is_left_alone(
    source: PictureStorage, target: PictureStorage, work: str
) -> None:
    target.write(SAME, BytesIO(b"content"))
    outcomes = (
        copy_files(source.walk(), source, target)
        if work == "copy"
        else delete_copied_files(source, target)
    )
    assert list(outcomes) == []
    assert (keys(source), keys(target)) == ([], [SAME])


@pytest.mark.parametrize("damage", [b"cOntent", b"conten"])
def test_a_copy_that_reads_back_otherwise_stops_it(
    source: PictureStorage, target: PictureStorage, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    source.write(SAME, BytesIO(b"content"))
    write, noted = DiskStorage.write, list[str]()

    def damaging(self: DiskStorage, key: str, file: IO[bytes]) -> None:
        file.read()
        write(self, key, BytesIO(damage))

    monkeypatch.setattr(DiskStorage, "write", damaging)
    with pytest.raises(CopyDiffers, match=SAME):
        list(copy_files(source.walk(), source, target, note=noted.append))
    assert noted == []
    assert content(source, SAME) == b"content"


def test_a_large_file_is_copied_whole(source: PictureStorage, target: PictureStorage) -> None:
    """Larger than what is read at once, and than what is held in memory."""
    large = bytes(range(256)) * (_MAX_BYTES_IN_MEMORY // 256 + 10)
    source.write(SAME, BytesIO(large))
    assert list(copy_files(source.walk(), source, target)) == [Outcome.COPIED]
    assert content(target, SAME) == large


def test_no_more_is_listed_ahead_than_is_copied_at_once(
    source: PictureStorage, target: PictureStorage
) -> None:
    names = [f"users/a/{number:03}.png" for number in range(50)]
    for name in names:
        source.write(name, BytesIO(b"content"))
    listed: list[StoredFile] = []

    def walk() -> Iterator[StoredFile]:
        for each in source.walk():
            listed.append(each)
            yield each

    copying = copy_files(walk(), source, target)
    assert next(copying) == Outcome.COPIED
    assert len(listed) == 2 * _THREADS
    assert list(copying) == [Outcome.COPIED] * 49
    assert keys(target) == names
