"""What lies beside an upload's thumbnails is made after them: none is lost, none is left over."""

import errno
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from images.exceptions import PictureTooCostly, StorageAway
from images.ledger import Column
from images.models import Picture
from images.sandbox import pool
from images.services import delete_picture, request_thumbnails
from images.storage.base import picture_storage
from images.storage.keys import keys_beside, may_lack_beside
from images.usage import usage_of
from notifications.models import PictureEvent
from tests.factories import make_picture
from tests.pictures import encode, png, waves
from tests.storages import StoredKeys
from tests.thumbnails.rows import heights, keys, state
from thumbnails import claims, smaller_formats, tasks
from thumbnails.kept_pixels import KeptPixels, kept_pixels
from thumbnails.models import RenderClaim, Thumbnail
from thumbnails.precedence import upload_first
from thumbnails.services import delete_thumbnail, ensure_thumbnails
from thumbnails.smaller_formats import make_beside
from thumbnails.tasks import sweep
from thumbnails.usage import count_rows
from tiers.services import set_heights

pytestmark = pytest.mark.django_db


@pytest.fixture
def upload(alice: User) -> Picture:
    """An upload whose thumbnails are there; what lies beside them is not."""
    made = make_picture(alice, encode(waves(900, 600), "JPEG"))
    ensure_thumbnails(made.pk)
    return made


def formats(picture: Picture) -> list[str]:
    return sorted(key.rpartition(".")[2] for key in keys(picture))


def forget_pixels(picture: Picture) -> None:
    """Let the worker die that has them."""
    found = kept_pixels.take(picture.pk)
    assert found
    found.file.close()


def let_time_pass() -> None:
    past = timezone.now() - timedelta(seconds=1)
    RenderClaim.objects.update(beside_due_at=past)
    RenderClaim.objects.exclude(leased_until=None).update(leased_until=past)


ALL = ["avif", "avif", "jpg", "jpg", "webp", "webp"]


def test_a_picture_is_ready_before_and_told_of_once(
    upload: Picture, stored_keys: StoredKeys
) -> None:
    assert (state(upload), formats(upload)) == ("ready", ["jpg", "jpg"])
    before = {row.pk: row.key for row in upload.thumbnails.all()}
    assert all(map(may_lack_beside, before.values()))
    make_beside(upload.pk)
    assert formats(upload) == ALL
    assert {row.pk: row.key for row in upload.thumbnails.all()} == before
    for row in upload.thumbnails.all():
        assert {"webp": row.webp_key, "avif": row.avif_key} == keys_beside(row.key)
        assert [picture_storage.size(each.key) for each in row.files] == [
            each.bytes for each in row.files
        ]
    assert set(stored_keys()) == {upload.key, *keys(upload)}
    [ledger] = count_rows([upload.owner_id]).values()
    assert usage_of(upload.owner_id).thumbnails_bytes == ledger[Column.THUMBNAILS] > 0
    assert not RenderClaim.objects.exists()
    assert PictureEvent.objects.filter(type="thumbnails.ready").count() == 1
    make_beside(upload.pk)
    assert formats(upload) == ALL


def test_the_worker_that_rendered_makes_it_after_the_message(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, encode(waves(900, 600), "JPEG"))
    assert formats(picture) == ALL
    assert kept_pixels.oldest() is None


def test_the_sweep_has_it_made_where_the_worker_died(
    upload: Picture, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    forget_pixels(upload)
    assert claims.find_beside_due() is None, "its worker has time left"
    let_time_pass()
    with django_capture_on_commit_callbacks(execute=True):
        sweep()
    assert formats(upload) == ALL


def test_what_a_killed_worker_stored_is_named_and_not_stored_again(
    upload: Picture, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as killed:
        killed.setattr(smaller_formats, "_write_rows", die)
        with pytest.raises(SystemExit):
            make_beside(upload.pk)
    left = set(stored_keys())
    assert (formats(upload), len(left)) == (["jpg", "jpg"], 7)
    make_beside(upload.pk)
    assert formats(upload) == ["jpg", "jpg"], "its lease goes on"
    let_time_pass()
    assert claims.find_beside_due() == upload.pk
    make_beside(upload.pk)
    assert formats(upload) == ALL
    assert set(stored_keys()) == left == {upload.key, *keys(upload)}


def test_what_another_release_stored_otherwise_is_replaced(
    upload: Picture, stored_keys: StoredKeys, tmp_path: Any
) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"other")
    picture_storage.save(keys_beside(upload.thumbnails.earliest("height").key)["webp"], other)
    RenderClaim.objects.update(attempts=1)
    make_beside(upload.pk)
    row = upload.thumbnails.earliest("height")
    assert picture_storage.size(row.webp_key) == row.webp_bytes > 5


@pytest.mark.parametrize(
    "delete",
    [
        delete_picture,
        lambda picture: [delete_thumbnail(each) for each in picture.thumbnails.all()],
    ],
)
def test_what_is_deleted_meanwhile_leaves_no_file(
    upload: Picture,
    stored_keys: StoredKeys,
    monkeypatch: pytest.MonkeyPatch,
    delete: Callable[[Picture], object],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    write = smaller_formats._write_rows

    def delete_first(*arguments: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            delete(upload)
        write(*arguments)

    monkeypatch.setattr(smaller_formats, "_write_rows", delete_first)
    make_beside(upload.pk)
    assert [key for key in stored_keys() if key != upload.key] == []
    assert not Thumbnail.objects.exists()
    assert not RenderClaim.objects.exists()


def test_a_thumbnail_is_deleted_with_what_came_beside_it_since_it_was_read(
    upload: Picture,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    read_before = list(upload.thumbnails.all())
    make_beside(upload.pk)
    with django_capture_on_commit_callbacks(execute=True):
        for each in read_before:
            delete_thumbnail(each)
    assert stored_keys() == [upload.key]
    assert usage_of(upload.owner_id).thumbnails_bytes == 0


def test_what_cannot_be_made_is_left_out_for_good(
    upload: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PictureTooCostly("The picture is too costly to decode.")

    monkeypatch.setattr(smaller_formats, "render_beside", fail)
    make_beside(upload.pk)
    assert (state(upload), formats(upload)) == ("ready", ["jpg", "jpg"])
    assert not RenderClaim.objects.exists()


def test_what_gave_way_until_its_time_was_over_gives_way_no_more(
    upload: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that never rests it comes late, and it comes."""
    monkeypatch.setattr(pool, "_TIMEOUT_BEHIND_SECONDS", 0.001)
    make_beside(upload.pk)
    assert (state(upload), formats(upload)) == ("ready", ["jpg", "jpg"])
    assert claims.find_beside_due() == upload.pk
    make_beside(upload.pk)
    assert formats(upload) == ALL
    assert not RenderClaim.objects.exists()


def test_a_storage_that_is_away_costs_no_attempt(
    upload: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StorageAway("away")

    monkeypatch.setattr(claims, "MAX_ATTEMPTS", 1)
    for _ in range(2):
        with monkeypatch.context() as storage:
            storage.setattr(picture_storage, "save_all", away)
            make_beside(upload.pk)
        let_time_pass()
    make_beside(upload.pk)
    assert formats(upload) == ALL


def test_what_found_room_before_the_disk_was_full_is_not_in_the_way_later(
    upload: Picture, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(files: Mapping[str, Path]) -> None:
        for key, path in list(files.items())[:2]:
            picture_storage.save(key, path)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(picture_storage, "save_all", fill_up)
        make_beside(upload.pk)
    assert (formats(upload), len(stored_keys())) == (["jpg", "jpg"], 5)
    let_time_pass()
    make_beside(upload.pk)
    assert formats(upload) == ALL
    assert set(stored_keys()) == {upload.key, *keys(upload)}


def test_pictures_that_end_their_worker_each_time_are_left_as_they_are(
    upload: Picture, alice: User
) -> None:
    other = make_picture(alice, png(90, 60))
    ensure_thumbnails(other.pk)
    RenderClaim.objects.filter(pk=upload.pk).update(attempts=claims.MAX_ATTEMPTS)
    let_time_pass()
    assert claims.find_beside_due() == other.pk
    claims.give_up_beside()
    assert [each.pk for each in RenderClaim.objects.all()] == [other.pk]
    make_beside(upload.pk)
    assert (state(upload), formats(upload)) == ("ready", ["jpg", "jpg"])


def test_thumbnails_that_are_rendered_again_meanwhile_lose_nothing(upload: Picture) -> None:
    """What was there before still lacks what is to lie beside it; what is new does not."""
    set_heights(tier=upload.owner.tier, heights=[200, 300])
    request_thumbnails([upload.pk])
    make_beside(upload.pk)
    assert formats(upload) == ["jpg", "jpg"], "its turn comes once it is ready"
    ensure_thumbnails(upload.pk)
    assert heights(upload) == [200, 300]
    make_beside(upload.pk)
    assert formats(upload) == ALL
    assert not RenderClaim.objects.exists()


@pytest.mark.unhurried
def test_transparency_has_no_avif_beside_it_later_either(alice: User) -> None:
    picture = make_picture(alice, encode(waves(900, 600).convert("RGBA"), "PNG"))
    picture_of_alpha = make_picture(alice, _translucent())
    for each in (picture, picture_of_alpha):
        ensure_thumbnails(each.pk)
        make_beside(each.pk)
    assert formats(picture) == ALL
    assert formats(picture_of_alpha) == ["png", "png", "webp", "webp"]


def _translucent() -> bytes:
    image = waves(900, 600).convert("RGBA")
    image.putalpha(90)
    return encode(image, "PNG")


@pytest.fixture
def own_pixels(monkeypatch: pytest.MonkeyPatch) -> KeptPixels:
    """Room for the pixels of two pictures."""
    kept = KeptPixels()
    monkeypatch.setattr("thumbnails.services.kept_pixels", kept)
    monkeypatch.setattr(smaller_formats, "kept_pixels", kept)
    monkeypatch.setattr(tasks, "kept_pixels", kept)
    monkeypatch.setattr("thumbnails.kept_pixels.MAX_BYTES", 2 * 600 * 400 * 3)
    return kept


@pytest.mark.unhurried
def test_few_pixels_are_kept_and_no_more(alice: User, own_pixels: KeptPixels) -> None:
    """What finds no room is made from the original."""
    pictures = [make_picture(alice, encode(waves(900, 600), "JPEG")) for _ in range(3)]
    for each in pictures:
        ensure_thumbnails(each.pk)
    assert own_pixels.oldest() == pictures[0].pk
    make_beside(pictures[0].pk)
    own_pixels.drop(pictures[1].pk)
    assert own_pixels.oldest() is None
    for each in pictures:
        make_beside(each.pk)
        assert formats(each) == ALL


def test_what_uploads_leave_no_time_for_is_left_to_the_sweep(
    upload: Picture,
    alice: User,
    own_pixels: KeptPixels,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    later = make_picture(alice, encode(waves(900, 600), "JPEG"))
    ensure_thumbnails(later.pk)
    assert own_pixels.oldest() == later.pk
    with monkeypatch.context() as busy, upload_first():
        busy.setattr("thumbnails.kept_pixels.BESIDE_PATIENCE", timedelta(seconds=0.05))
        tasks.make_kept_beside_at_rest()
    assert own_pixels.oldest() is None
    assert (state(later), formats(later)) == ("ready", ["jpg", "jpg"])
    let_time_pass()
    with django_capture_on_commit_callbacks(execute=True):
        sweep()
    assert formats(later) == formats(upload) == ALL


def test_what_is_kept_is_made_as_soon_as_uploads_leave_time(
    alice: User, own_pixels: KeptPixels
) -> None:
    picture = make_picture(alice, encode(waves(900, 600), "JPEG"))
    with upload_first():
        ensure_thumbnails(picture.pk)
        assert own_pixels.oldest() == picture.pk
    tasks.make_kept_beside_at_rest()
    assert formats(picture) == ALL
    assert own_pixels.oldest() is None
