"""Thumbnails kept in several formats: what is stored, named, and removed."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from images import pixels
from images.default_picture import safe_stem
from images.ledger import Column
from images.models import Picture
from images.services import delete_picture
from images.storage.base import picture_storage
from images.storage.keys import (
    copy_key,
    is_key,
    key_before_beside,
    keys_beside,
    may_lack_beside,
)
from images.usage import usage_of
from lib import durable_files
from tests.factories import make_picture
from tests.pictures import encode, waves
from tests.storages import StoredKeys
from thumbnails.models import Thumbnail
from thumbnails.services import delete_thumbnail, ensure_thumbnails
from thumbnails.usage import count_rows, measure

pytestmark = pytest.mark.django_db


@pytest.fixture
def upload(alice: User) -> Picture:
    """A picture of which each format is smaller than the one before; its pixels are left."""
    return make_picture(alice, encode(waves(900, 600), "JPEG"))


@pytest.fixture
def picture(upload: Picture) -> Picture:
    """A picture of which all formats are rendered at once, from its original."""
    pixels.drop(upload.uid)
    return upload


def test_no_file_stays_when_one_cannot_be_stored(
    picture: Picture, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = durable_files.write
    saved: list[Path] = []

    def write_three(path: Path, chunks: Iterable[bytes], mode: int) -> None:
        if len(saved) == 3:
            raise OSError("No space left on device")
        saved.append(path)
        write(path, chunks, mode)

    monkeypatch.setattr(durable_files, "write", write_three)
    with pytest.raises(OSError, match="No space"):
        ensure_thumbnails(picture.pk)
    assert len(saved) == 3
    assert stored_keys() == [picture.key]


@pytest.mark.parametrize("way", ["picture", "thumbnail"])
def test_what_lies_beside_is_deleted_with_its_thumbnail(
    picture: Picture,
    stored_keys: StoredKeys,
    way: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    ensure_thumbnails(picture.pk)
    ends = sorted(key.rpartition(".")[2] for key in stored_keys() if key != picture.key)
    assert ends == ["avif"] * 2 + ["jpg"] * 2 + ["webp"] * 2
    with django_capture_on_commit_callbacks(execute=True):
        if way == "picture":
            delete_picture(picture)
        else:
            for row in picture.thumbnails.all():
                delete_thumbnail(row)
    assert stored_keys() == ([] if way == "picture" else [picture.key])


def test_what_is_not_smaller_is_refused_by_the_database(picture: Picture) -> None:
    ensure_thumbnails(picture.pk)
    row = picture.thumbnails.earliest("height")
    assert 0 < row.avif_bytes < row.webp_bytes < row.bytes
    for change in (
        {"webp_bytes": row.bytes},
        {"avif_bytes": row.webp_bytes},
        {"avif_bytes": 0},
        {"webp_key": "", "webp_bytes": 0},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Thumbnail.objects.filter(pk=row.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Thumbnail.objects.exclude(pk=row.pk).update(webp_key=row.webp_key)


def test_a_thumbnail_is_found_by_each_of_its_files(picture: Picture) -> None:
    ensure_thumbnails(picture.pk)
    for row in picture.thumbnails.all():
        assert len(row.keys) == 3
        for key in row.keys:
            assert list(Thumbnail.objects.with_file(key)) == [row]
    for key in ("", ".webp", "users/x/a.avif", picture.key):
        assert not Thumbnail.objects.with_file(key).exists()


def test_an_account_is_charged_for_every_file(picture: Picture, stored_keys: StoredKeys) -> None:
    ensure_thumbnails(picture.pk)
    sizes = [picture_storage.size(key) for key in stored_keys() if key != picture.key]
    assert len(sizes) == 6
    assert usage_of(picture.owner_id).thumbnails_bytes == sum(sizes)
    counted = measure(Picture.objects.filter(pk=picture.pk))
    assert counted == (7, picture.bytes + sum(sizes))
    assert count_rows([picture.owner_id])[picture.owner_id][Column.THUMBNAILS] == sum(sizes)


ORIGINAL = "users/00000000-0000-0000-0000-000000000000/ana.png"


@pytest.mark.parametrize("beside", [(), ("webp",), ("webp", "avif")])
def test_a_key_says_what_is_stored_beside(beside: tuple[str, ...]) -> None:
    key = copy_key(ORIGINAL, "200", "jpg", beside=beside)
    assert is_key(key)
    assert keys_beside(key) == {each: key.replace(".jpg", f".{each}") for each in beside}
    assert keys_beside(f"{key}.jpg") == keys_beside(ORIGINAL) == {}
    for each in keys_beside(key).values():
        assert keys_beside(each) == {}


@pytest.mark.parametrize(
    ("extension", "beside"), [("jpg", ["webp", "avif"]), ("png", ["webp"]), ("gif", ["webp"])]
)
def test_a_key_says_what_may_be_stored_beside_later(extension: str, beside: list[str]) -> None:
    key = key_before_beside(ORIGINAL, "200", extension)
    assert (is_key(key), may_lack_beside(key)) == (True, True)
    assert keys_beside(key) == {each: key.replace(f".{extension}", f".{each}") for each in beside}
    assert not any(map(may_lack_beside, keys_beside(key).values()))
    assert not may_lack_beside(copy_key(ORIGINAL, "200", "jpg", beside=("webp", "avif")))


@given(st.text(max_size=120))
def test_no_requested_name_reads_as_if_something_were_stored_beside(name: str) -> None:
    assert keys_beside(f"users/x/{safe_stem(name)}.png") == {}


def test_a_long_requested_name_does_not_end_in_a_dash() -> None:
    assert safe_stem("a" * 88 + "_1_deadbeef-b.png") == "a" * 88 + "_1_deadbeef"
