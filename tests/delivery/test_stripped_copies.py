"""How the copy without metadata is kept, and what becomes of those that earlier releases made."""

from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path

import pytest
from django.core.files.storage import storages
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from delivery import stripped_copies
from delivery.access import file_for
from delivery.stripped_copies import stripped_key
from images.exceptions import StrippingFailed
from images.ledger import Usage
from images.models import STRIPPING_VERSION, Picture
from images.services import request_thumbnails
from images.storage.base import picture_storage
from tests.factories import make_picture
from tests.metadata_fixtures import picture_with_metadata
from tests.pictures import encode, jpeg, png, waves
from tests.storages import StoredKeys
from thumbnails.models import Thumbnail
from thumbnails.services import ensure_thumbnails

pytestmark = pytest.mark.django_db


def reload(picture: Picture) -> Picture:
    return Picture.objects.with_owner().get(pk=picture.pk)


def make_anew_what_was_made_by(
    version: int, picture: Picture, capture: DjangoCaptureOnCommitCallbacks
) -> str:
    Picture.objects.filter(pk=picture.pk).update(clean_version=version)
    with capture(execute=True):
        return stripped_key(reload(picture))


def test_a_copy_that_an_earlier_release_made_is_made_anew_and_the_old_file_removed(
    alice: User,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    picture = make_picture(alice, picture_with_metadata("JPEG"))
    first = stripped_key(picture)
    assert stripped_key(reload(picture)) == first
    second = make_anew_what_was_made_by(0, picture, django_capture_on_commit_callbacks)
    assert second != first
    assert set(stored_keys()) == {picture.key, second}
    usage = Usage.objects.get(owner=alice)
    assert usage.other_bytes == picture_storage.size(second) == reload(picture).clean_bytes


def test_what_an_earlier_release_found_clean_is_looked_at_again(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    picture = make_picture(alice, picture_with_metadata("JPEG"))
    Picture.objects.filter(pk=picture.pk).update(clean_key=picture.key)
    key = make_anew_what_was_made_by(0, picture, django_capture_on_commit_callbacks)
    assert key != picture.key
    picture = make_picture(alice, jpeg(40, 30))
    assert stripped_key(picture) == picture.key
    assert picture.clean_copy == Picture.CleanCopy.READY


def test_what_cannot_be_stripped_is_tried_once_until_the_next_release_or_until_staff_ask(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def fail(*args: object) -> None:
        tried.append(args)
        raise StrippingFailed("nothing works today")

    monkeypatch.setattr(stripped_copies, "strip_metadata", fail)
    picture = make_picture(alice, picture_with_metadata("JPEG"))
    for _ in range(2):
        with pytest.raises(StrippingFailed):
            stripped_key(reload(picture))
    assert len(tried) == 1
    assert reload(picture).clean_copy == Picture.CleanCopy.RENDITION
    Picture.objects.filter(pk=picture.pk).update(clean_version=STRIPPING_VERSION - 1)
    monkeypatch.undo()
    assert stripped_key(reload(picture)) != picture.key
    Picture.objects.filter(pk=picture.pk).update(clean_key="", clean_version=STRIPPING_VERSION)
    request_thumbnails([picture.pk], replace=True)
    assert reload(picture).clean_copy is None


def _writes(content: bytes) -> Callable[[Path, Path, str], bool]:
    def write(source: Path, target: Path, format_name: str) -> bool:
        target.write_bytes(content)
        return True

    return write


@pytest.mark.parametrize(
    "copy", [jpeg(40, 30)[:-20], jpeg(30, 40), png(40, 30)], ids=["broken", "turned", "another"]
)
def test_a_copy_that_no_upload_would_be_the_same_picture_by_is_not_kept(
    alice: User, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch, copy: bytes
) -> None:
    monkeypatch.setattr(stripped_copies, "strip_metadata", _writes(copy))
    picture = make_picture(alice, jpeg(40, 30))
    with pytest.raises(StrippingFailed):
        stripped_key(picture)
    assert set(stored_keys()) == {picture.key}


def test_a_size_that_an_earlier_release_told_otherwise_costs_no_copy(alice: User) -> None:
    picture = make_picture(alice, picture_with_metadata("JPEG"))
    Picture.objects.filter(pk=picture.pk).update(width=5, height=4)
    assert stripped_key(reload(picture)) != picture.key


def test_while_a_disk_takes_no_copy_a_link_gives_the_best_thumbnail(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = make_picture(alice, picture_with_metadata("JPEG"))
    assert ensure_thumbnails(picture.pk) is False
    best = Thumbnail.objects.filter(picture=picture).order_by("height").last()
    assert best

    def full(*_: object) -> None:
        raise OSError(ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr(type(storages["default"]), "save_all", full)
        given = file_for(None, reload(picture), by_link=True)
    assert given.key == best.key
    assert reload(picture).clean_copy is None
    # Once there is room, it is the copy.
    given = file_for(None, reload(picture), by_link=True)
    assert given.key == reload(picture).clean_key != ""


def jpeg_with_corrupt_data() -> bytes:
    """Return a JPEG that every decoder shows, and of which none can say where its data ends."""
    whole = bytearray(encode(waves(160, 120), "JPEG", quality=80, restart_marker_blocks=10))
    # In the first of the parts between which other bytes could lie.
    whole[whole.index(b"\xff\xda") + 14 + 9] = 0x7F
    return bytes(whole)


@pytest.mark.parametrize("has_thumbnails", [False, True])
def test_that_no_copy_can_be_made_is_known_at_the_upload(alice: User, has_thumbnails: bool) -> None:
    if not has_thumbnails:
        alice.tier.heights.all().delete()
    damaged = make_picture(alice, jpeg_with_corrupt_data())
    assert reload(damaged).clean_copy == Picture.CleanCopy.RENDITION
    with pytest.raises(StrippingFailed):
        stripped_key(reload(damaged))
    # A thorough try, such as staff may ask for, comes to the same.
    Picture.objects.filter(pk=damaged.pk).update(clean_version=0)
    with pytest.raises(StrippingFailed):
        stripped_key(reload(damaged))


@pytest.mark.unhurried
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIC", "TIFF"])
def test_of_a_copy_that_can_be_made_nothing_is_said_before_it_is(alice: User, name: str) -> None:
    picture = make_picture(alice, picture_with_metadata(name))
    assert reload(picture).clean_copy is None
    assert stripped_key(reload(picture)) != picture.key
    assert reload(picture).clean_copy == Picture.CleanCopy.READY
