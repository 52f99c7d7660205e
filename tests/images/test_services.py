"""Changing, activating and deleting pictures."""

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from delivery.jpeg_renditions import jpeg_key
from delivery.stripped_copies import CopyNotKept, stripped_key
from images import pixels, services
from images.default_picture import copy_default
from images.exceptions import PictureIsActive, StorageAway, UploadTooLarge
from images.models import NO_BACKFILL, Picture
from images.removals import count_waiting
from images.services import (
    activate,
    change_pictures,
    delete_picture,
    delete_unless_active,
    empty_folder,
    request_thumbnails,
    update_picture,
)
from images.signals import (
    picture_activated,
    picture_created,
    picture_deleted,
    picture_updated,
    pictures_updated,
    thumbnails_requested,
)
from images.storage import base
from images.storage.base import PictureStorage, picture_storage
from images.storage.keys import folder_of
from images.storage.listing import StoredFile
from lib.batches import in_batches
from tests.factories import make_picture
from tests.pictures import animation, jpeg
from tests.rows import make_row
from tests.signals import recorded
from tests.storages import StoredKeys
from thumbnails.deletion import delete_all


def storage_class() -> Any:
    return type(picture_storage._wrapped)  # type: ignore[attr-defined]  # of LazyObject


@pytest.mark.django_db
def test_activating_twice_sends_one_signal(alice: User) -> None:
    picture = make_picture(alice)
    with recorded(picture_activated) as activations:
        activate(picture)
        activate(picture)
    assert activations == [{"picture": picture}]


@pytest.mark.django_db
def test_the_formerly_active_picture_gets_a_new_modification_time(alice: User) -> None:
    first, second, neither = (make_picture(alice) for _ in range(3))
    activate(first)
    before = first.updated_at
    activate(second)
    first.refresh_from_db()
    assert not first.is_active
    assert first.updated_at > before
    assert Picture.objects.get(pk=neither.pk).updated_at == neither.updated_at


@pytest.mark.django_db
def test_a_deleted_picture_cannot_be_activated(alice: User) -> None:
    picture = make_picture(alice)
    Picture.objects.all().delete()
    with pytest.raises(Picture.DoesNotExist):
        activate(picture)


@pytest.mark.django_db
def test_the_database_allows_one_active_picture_per_owner(alice: User) -> None:
    activate(make_picture(alice))
    other = make_picture(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        Picture.objects.filter(pk=other.pk).update(is_active=True)


@pytest.mark.django_db
def test_the_active_picture_cannot_be_deleted_but_others_can(alice: User) -> None:
    active, other = make_picture(alice), make_picture(alice)
    stale = Picture.objects.get(pk=active.pk)
    activate(active)
    with pytest.raises(PictureIsActive):
        delete_unless_active(stale)
    delete_unless_active(other)
    assert list(Picture.objects.all()) == [active]


@pytest.mark.django_db
def test_deleting_a_picture_deletes_a_stripped_copy_stored_since_it_was_loaded(
    alice: User,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    loaded = make_picture(alice, jpeg(60, 40, comment=b"taken at home"))
    assert stripped_key(Picture.objects.get(pk=loaded.pk)) in stored_keys()
    with django_capture_on_commit_callbacks(execute=True):
        delete_picture(loaded)
    assert stored_keys() == []


@pytest.mark.django_db
def test_parallel_changes_of_different_fields_are_both_kept(alice: User) -> None:
    mine = make_picture(alice)
    theirs = Picture.objects.get(pk=mine.pk)
    update_picture(mine, visibility="public")
    update_picture(theirs, description="x")
    theirs.refresh_from_db()
    assert (theirs.visibility, theirs.description) == ("public", "x")


@pytest.mark.django_db
def test_a_change_without_a_field_leaves_what_there_is(alice: User) -> None:
    picture = make_picture(alice, description="x", visibility="public", name="a.jpg")
    with recorded(picture_updated) as updates:
        update_picture(picture, description="")
    picture.refresh_from_db()
    assert (picture.description, picture.visibility, picture.name) == ("", "public", "a.jpg")
    assert updates == [{"picture": picture}]


@pytest.mark.django_db
def test_a_description_with_a_null_character_is_refused(alice: User) -> None:
    """PostgreSQL would refuse the row."""
    picture = make_picture(alice)
    with pytest.raises(ValidationError) as refused:
        update_picture(picture, description="a\0b")
    assert set(refused.value.error_dict) == {"description"}
    with pytest.raises(ValidationError):
        make_picture(alice, description="a\0b")
    assert list(Picture.objects.values_list("description", flat=True)) == [""]


@pytest.mark.django_db
def test_many_are_changed_by_their_ids_and_each_owner_is_told_once(alice: User, bob: User) -> None:
    hers, other = [make_picture(alice) for _ in range(3)], make_picture(alice)
    his = make_picture(bob)
    so_already = make_picture(bob, visibility="public")
    ids = [each.pk for each in (*hers, his, so_already)]
    with recorded(pictures_updated) as updates:
        assert change_pictures(Picture.objects.all(), [*ids, 0], visibility="public") == {*ids}
    told = {each["owner_id"]: [one.pk for one in each["pictures"]] for each in updates}
    assert told == {alice.pk: [each.pk for each in hers], bob.pk: [his.pk]}
    assert len(updates) == 2
    assert set(Picture.objects.filter(visibility="public").values_list("pk", flat=True)) == {*ids}
    stored = Picture.objects.in_bulk([*ids, other.pk])
    assert stored[his.pk].updated_at > his.updated_at
    assert [stored[each.pk].updated_at for each in (so_already, other)] == [
        so_already.updated_at, other.updated_at,
    ]  # fmt: skip


@pytest.mark.django_db
def test_many_are_changed_only_among_those_that_one_may_change(alice: User, bob: User) -> None:
    mine, theirs = make_picture(alice), make_picture(bob)
    chosen = Picture.objects.owned_by(alice)
    assert change_pictures(chosen, [mine.pk, theirs.pk], visibility="public") == {mine.pk}
    with recorded(pictures_updated) as updates:
        assert change_pictures(chosen, [mine.pk]) == {mine.pk}
    assert updates == []
    assert dict(Picture.objects.values_list("pk", "visibility")) == {
        mine.pk: "public", theirs.pk: "private",
    }  # fmt: skip


@pytest.mark.django_db
def test_what_is_deleted_is_announced_while_it_is_there(alice: User) -> None:
    picture = make_picture(alice)
    with recorded(picture_deleted) as deletions:
        delete_picture(picture)
        with pytest.raises(Picture.DoesNotExist):
            delete_picture(picture)
    # A deleted row has no key any more: it was announced before.
    assert [each["picture"].uid for each in deletions] == [picture.uid]
    assert not Picture.objects.exists()


# --- What an upload may be, and what becomes of it ------------------------------------------------


@pytest.mark.django_db
def test_a_file_may_have_as_many_bytes_as_the_tier_allows_and_no_more(
    alice: User, stored_keys: StoredKeys
) -> None:
    content = jpeg(60, 40)
    alice.tier.max_upload_bytes = len(content)
    picture = make_picture(alice, content)
    alice.tier.max_upload_bytes -= 1
    with pytest.raises(UploadTooLarge):
        make_picture(alice, content)
    assert list(Picture.objects.all()) == [picture]
    assert stored_keys() == [picture.key]


@pytest.mark.django_db
def test_an_upload_is_stored_under_its_own_id_and_its_owners(alice: User) -> None:
    content = jpeg(60, 40)
    picture = make_picture(alice, content)
    assert picture.key == f"users/{alice.pk}/{picture.uid}.jpg"
    assert picture.sha256 == hashlib.sha256(content).hexdigest()
    assert (picture.bytes, picture.width, picture.height) == (len(content), 60, 40)
    with picture_storage.open(picture.key) as file:
        assert file.read() == content


@pytest.mark.django_db
def test_the_pixels_are_there_before_the_row_that_is_told_of(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are left while the file is stored, and take as long as they take."""
    leave, order = pixels.leave, []

    def leave_slowly(*arguments: Any) -> None:
        time.sleep(0.3)
        leave(*arguments)
        order.append("pixels")

    def note(**_: Any) -> None:
        order.append("row")

    monkeypatch.setattr(pixels, "leave", leave_slowly)
    picture_created.connect(note)
    try:
        picture = make_picture(alice, jpeg(60, 40))
    finally:
        picture_created.disconnect(note)
    assert order == ["pixels", "row"]
    with pixels.taken(picture.uid) as left:
        assert left


@pytest.mark.django_db
def test_what_a_storage_would_not_take_is_not_even_looked_at(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise StorageAway("It was away a moment ago.")

    looked_at: list[object] = []
    monkeypatch.setattr(services, "inspect_and_shrink", lambda *each: looked_at.append(each))
    monkeypatch.setattr(storage_class(), "refuse_while_away", refuse)
    with pytest.raises(StorageAway):
        make_picture(alice, jpeg(60, 40))
    assert looked_at == []


@pytest.mark.django_db
def test_an_upload_of_which_no_pixels_are_left_is_stored_all_the_same(alice: User) -> None:
    picture = make_picture(alice, animation("GIF", [(255, 0, 0), (0, 0, 255)], [10, 10]))
    assert picture_storage.exists(picture.key)
    with pixels.taken(picture.uid) as left:
        assert left is None


# --- Thumbnails requested again -------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("replace", [False, True])
def test_all_that_is_requested_is_announced_in_batches(
    alice: User, monkeypatch: pytest.MonkeyPatch, replace: bool
) -> None:
    monkeypatch.setattr(services, "in_batches", partial(in_batches, size=2))
    rows = [make_row(alice, rendering="ready") for _ in range(4)]
    ids = [each.pk for each in rows[:3]]
    with recorded(thumbnails_requested) as requests:
        request_thumbnails(ids[::-1], replace=replace)
    assert requests == [{"picture_ids": each, "replace": replace} for each in (ids[:2], ids[2:])]
    assert [Picture.objects.get(pk=each.pk).rendering for each in rows] == ["pending"] * 3 + [
        "ready"
    ]


@pytest.mark.django_db
def test_a_request_forgets_what_failed_and_counts_from_now(alice: User) -> None:
    before = timezone.now() - timedelta(hours=1)
    old: dict[str, Any] = {"render_ask_at": before, "render_wanted_at": before}
    failed = make_row(alice, rendering="failed", render_failure="It stopped.", **old)
    waiting, other = (make_row(alice, render_failure="?", **old) for _ in range(2))
    request_thumbnails([failed.pk, waiting.pk])
    for row, behind in ((failed, NO_BACKFILL), (waiting, None)):
        row.refresh_from_db()
        assert (row.rendering, row.render_failure) == ("pending", "")
        assert (row.render_revision, row.render_backfill) == (1, behind)
        assert before < row.render_ask_at <= timezone.now()
        assert row.render_wanted_at
        assert before < row.render_wanted_at <= timezone.now()
    other.refresh_from_db()
    assert (other.render_revision, other.render_ask_at) == (0, before)


@pytest.mark.django_db
def test_what_waits_is_either_an_uploads_or_behind_uploads(alice: User) -> None:
    upload, asked, of_backfill = (
        make_row(alice, render_backfill=each) for each in (None, NO_BACKFILL, 7)
    )
    make_row(alice, rendering="ready")
    make_row(alice, rendering="failed", render_backfill=7)
    assert list(Picture.objects.of_uploads()) == [upload]
    assert set(Picture.objects.of_backfills()) == {asked, of_backfill}


@pytest.mark.django_db
def test_replacing_tries_a_copy_anew_that_could_not_be_made_and_keeps_those_that_were(
    alice: User,
) -> None:
    failed, made = (make_row(alice, clean_key=key, clean_version=5) for key in ("", "users/a"))
    both = Picture.objects.order_by("pk").values_list("clean_key", "clean_version")
    request_thumbnails([failed.pk, made.pk])
    assert list(both.all()) == [("", 5), ("users/a", 5)]
    request_thumbnails([failed.pk, made.pk], replace=True)
    assert list(both.all()) == [("", 0), ("users/a", 5)]


# --- A storage that fails after the file was written ----------------------------------------------


@pytest.fixture
def broken_folders(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The disk fails to keep a name, after the file has it: as an answer of S3's that is lost."""
    fsync = os.fsync

    def fail(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        fsync(handle)

    return lambda: monkeypatch.setattr(os, "fsync", fail)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "store",
    [
        lambda picture: make_picture(picture.owner),
        stripped_key,
        lambda picture: jpeg_key(picture.owner, picture, 20),
    ],
    ids=["upload", "stripped copy", "rendition"],
)
def test_a_failed_write_leaves_no_file(
    alice: User,
    stored_keys: StoredKeys,
    broken_folders: Callable[[], None],
    store: Callable[[Picture], object],
) -> None:
    picture = make_picture(alice, jpeg(60, 40, comment=b"taken at home"))
    broken_folders()
    with pytest.raises((OSError, CopyNotKept), match=r"Input/output|no room"):
        store(picture)
    assert stored_keys() == [picture.key]


@pytest.mark.django_db
def test_a_failed_write_of_a_default_picture_leaves_no_file(
    alice: User, stored_keys: StoredKeys, broken_folders: Callable[[], None]
) -> None:
    broken_folders()
    with pytest.raises(OSError, match="Input/output"):
        copy_default(owner=alice, visibility="members")
    assert stored_keys() == []


# --- Deleting all pictures ------------------------------------------------------------------------


@pytest.mark.django_db
def test_deleting_all_pictures_deletes_stale_drafts_only(
    alice: User,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    draft = tmp_path / "images" / folder_of(alice.pk) / ".new.png.12345678"
    draft.parent.mkdir(parents=True)
    draft.write_bytes(b"half")
    with django_capture_on_commit_callbacks(execute=True):
        delete_all(alice.pk)
    assert draft.exists()
    later = timezone.now() + base._DRAFT_RETENTION
    monkeypatch.setattr(timezone, "now", lambda: later)
    with django_capture_on_commit_callbacks(execute=True):
        delete_all(alice.pk)
    assert not draft.parent.exists()


@pytest.mark.django_db
def test_a_folder_is_emptied_only_where_no_picture_is_left(
    alice: User,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    picture = make_picture(alice)
    picture_storage.write(
        f"{folder_of(alice.pk)}left.png", BytesIO(b"by an upload that was killed")
    )
    before = stored_keys()
    with django_capture_on_commit_callbacks(execute=True):
        assert not empty_folder(alice.pk)
    assert stored_keys() == before
    with django_capture_on_commit_callbacks(execute=True):
        Picture.objects.filter(pk=picture.pk).delete()
        assert empty_folder(alice.pk)
    assert stored_keys() == []


@pytest.mark.django_db
def test_a_picture_uploaded_while_its_folder_is_looked_through_keeps_its_file(
    alice: User,
    stored_keys: StoredKeys,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    uploaded: list[Picture] = []

    def walk_late(storage: PictureStorage, folder: str) -> Iterator[StoredFile]:
        uploaded.append(make_picture(alice))
        return storage.walk(folder)

    monkeypatch.setattr(storage_class(), "walk_written", walk_late)
    with django_capture_on_commit_callbacks(execute=True):
        assert not empty_folder(alice.pk)
    assert uploaded[0].key in stored_keys()


@pytest.mark.django_db
def test_what_is_found_in_a_folder_counts_as_waiting_until_it_is_removed(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    picture_storage.write(f"{folder_of(alice.pk)}left.png", BytesIO(b"half"))
    with django_capture_on_commit_callbacks() as removals:
        assert empty_folder(alice.pk)
    assert count_waiting() == (1, len(b"half"))
    for remove in removals:
        remove()
    assert count_waiting() == (0, 0)


@pytest.mark.django_db
def test_a_folder_without_a_file_goes_with_its_account(alice: User, settings: Settings) -> None:
    folder = Path(settings.MEDIA_ROOT) / folder_of(alice.pk)
    folder.mkdir(parents=True)
    assert empty_folder(alice.pk)
    assert not folder.exists()


@pytest.mark.django_db
def test_files_are_deleted_only_after_the_commit(alice: User, stored_keys: StoredKeys) -> None:
    make_picture(alice)
    with transaction.atomic():
        delete_all(alice.pk)
        transaction.set_rollback(True)
    assert Picture.objects.count() == len(stored_keys()) == 1
