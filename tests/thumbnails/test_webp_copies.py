"""Thumbnails kept twice: what is stored, named, and removed."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoCaptureOnCommitCallbacks

from images.default_picture import safe_stem
from images.models import Picture
from images.services import delete_picture
from images.storage.keys import copy_key, is_key, webp_beside
from lib import durable_files
from tests.storages import StoredKeys
from thumbnails.models import Thumbnail
from thumbnails.services import delete_thumbnail, ensure_thumbnails

pytestmark = pytest.mark.django_db


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
def test_the_webp_is_deleted_with_its_thumbnail(
    picture: Picture,
    stored_keys: StoredKeys,
    way: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    ensure_thumbnails(picture.pk)
    assert any(key.endswith(".webp") for key in stored_keys())
    with django_capture_on_commit_callbacks(execute=True):
        if way == "picture":
            delete_picture(picture)
        else:
            for row in picture.thumbnails.all():
                delete_thumbnail(row)
    assert stored_keys() == ([] if way == "picture" else [picture.key])


def test_a_webp_that_is_not_smaller_is_refused_by_the_database(picture: Picture) -> None:
    ensure_thumbnails(picture.pk)
    row = picture.thumbnails.earliest("height")
    assert 0 < row.webp_bytes < row.bytes
    with pytest.raises(IntegrityError), transaction.atomic():
        Thumbnail.objects.filter(pk=row.pk).update(webp_bytes=row.bytes)
    with pytest.raises(IntegrityError), transaction.atomic():
        Thumbnail.objects.exclude(pk=row.pk).update(webp_key=row.webp_key)


def test_a_key_says_whether_a_webp_is_stored_beside() -> None:
    original = "users/00000000-0000-0000-0000-000000000000/ana.png"
    with_webp = copy_key(original, "200", "jpg", has_webp=True)
    assert is_key(with_webp)
    assert webp_beside(with_webp) == with_webp.replace(".jpg", ".webp")
    for other in (original, copy_key(original, "200", "jpg"), with_webp + ".jpg"):
        assert webp_beside(other) is None


@given(st.text(max_size=120))
def test_no_requested_name_reads_as_if_a_webp_were_stored_beside(name: str) -> None:
    key = f"users/x/{safe_stem(name)}.png"
    assert webp_beside(key) is None


def test_a_long_requested_name_does_not_end_in_a_dash() -> None:
    assert safe_stem("a" * 88 + "_1_deadbeef-b.png") == "a" * 88 + "_1_deadbeef"
