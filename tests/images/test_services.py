"""Changing, activating and deleting pictures."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from delivery.jpeg_renditions import jpeg_key
from delivery.stripped_copies import CopyNotKept, stripped_key
from images.default_picture import copy_default
from images.exceptions import PictureIsActive
from images.models import Picture
from images.services import activate, delete_picture, delete_unless_active, update_picture
from images.signals import picture_activated
from images.storage import base
from images.storage.keys import folder_of
from tests.factories import make_picture
from tests.pictures import jpeg
from tests.storages import StoredKeys
from thumbnails.deletion import delete_all


@pytest.fixture
def activations() -> Iterator[list[int]]:
    """The ids of pictures that were signalled as activated."""
    activated = []

    def record(picture: Picture, **kwargs: object) -> None:
        activated.append(picture.pk)

    picture_activated.connect(record)
    yield activated
    picture_activated.disconnect(record)


@pytest.mark.django_db
def test_activating_twice_sends_one_signal(alice: User, activations: list[int]) -> None:
    picture = make_picture(alice)
    activate(picture)
    activate(picture)
    assert activations == [picture.pk]


@pytest.mark.django_db
def test_the_formerly_active_picture_gets_a_new_modification_time(alice: User) -> None:
    first, second = make_picture(alice), make_picture(alice)
    activate(first)
    before = first.updated_at
    activate(second)
    first.refresh_from_db()
    assert not first.is_active
    assert first.updated_at > before


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
def test_files_are_deleted_only_after_the_commit(alice: User, stored_keys: StoredKeys) -> None:
    make_picture(alice)
    with transaction.atomic():
        delete_all(alice.pk)
        transaction.set_rollback(True)
    assert Picture.objects.count() == len(stored_keys()) == 1
