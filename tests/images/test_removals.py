"""Files of deleted rows are removed, sooner or later, whatever fails meanwhile."""

import errno
from collections.abc import Iterable

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from images import removals
from images.default_picture import copy_default
from images.exceptions import StorageAway
from images.models import Picture
from images.removals import RemovedFile, count_waiting, remove_waiting_files
from images.services import delete_picture
from images.storage.base import picture_storage
from images.tasks import remove_files
from tests.factories import make_picture
from tests.storages import StoredKeys
from thumbnails.deletion import delete_all

pytestmark = [pytest.mark.django_db, pytest.mark.storages]


def fail_to_delete(monkeypatch: pytest.MonkeyPatch, error: Exception, key: str = "") -> None:
    """Let the storage fail, for one key or for all."""
    really = type(picture_storage._wrapped).delete  # type: ignore[attr-defined]  # of LazyObject

    def delete(storage: object, each: str) -> None:
        if key in {"", each}:
            raise error
        really(storage, each)

    def delete_many(storage: object, keys: Iterable[str]) -> None:
        for each in keys:
            delete(storage, each)

    storage_class = type(picture_storage._wrapped)  # type: ignore[attr-defined]  # of LazyObject
    monkeypatch.setattr(storage_class, "delete", delete)
    monkeypatch.setattr(storage_class, "delete_many", delete_many)


@pytest.mark.parametrize(
    "error", [StorageAway("gone"), OSError(errno.EIO, "broken"), PermissionError("not yours")]
)
def test_what_a_storage_does_not_remove_now_is_removed_by_the_task(
    alice: User,
    stored_keys: StoredKeys,
    error: Exception,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    picture = make_picture(alice)
    with pytest.MonkeyPatch.context() as away:
        fail_to_delete(away, error)
        with django_capture_on_commit_callbacks(execute=True):
            delete_picture(picture)
        remove_files()
        assert stored_keys() == [picture.key]
        assert count_waiting() == (1, picture.bytes)
    remove_files()
    assert stored_keys() == []
    assert count_waiting() == (0, 0)


def test_a_process_that_dies_after_the_commit_leaves_nothing_behind(
    alice: User, stored_keys: StoredKeys
) -> None:
    delete_picture(make_picture(alice))
    assert len(stored_keys()) == count_waiting().files == 1
    assert remove_waiting_files() == 1
    assert (stored_keys(), remove_waiting_files()) == ([], 0)


def test_one_file_that_cannot_be_removed_stops_no_other(
    alice: User, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [make_picture(alice) for _ in range(3)]
    Picture.objects.all().delete()
    fail_to_delete(monkeypatch, PermissionError("not yours"), pictures[0].key)
    assert remove_waiting_files() == 2
    assert stored_keys() == [pictures[0].key]


def test_many_files_are_left_to_the_worker(
    alice: User,
    stored_keys: StoredKeys,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """So nobody who deletes waits for a thousand files; the message is lost here."""
    for _ in range(5):
        make_picture(alice)
    monkeypatch.setattr(removals, "BATCH_SIZE", 2)
    monkeypatch.setattr(removals, "MAX_AT_ONCE", 4)
    monkeypatch.setattr(remove_files, "apply_async", lambda *_, **__: None)
    with django_capture_on_commit_callbacks(execute=True):
        Picture.objects.all().delete()
    assert len(stored_keys()) == count_waiting().files == 5
    assert remove_waiting_files() == 5
    assert stored_keys() == []


def test_a_name_whose_file_waits_for_its_removal_is_not_used_again(
    alice: User, stored_keys: StoredKeys
) -> None:
    """Else the removal would take the new file with it."""
    first = copy_default(owner=alice, visibility="members", preferred_name="ana.png")
    assert first is not None
    picture_storage.delete(first.key)
    delete_picture(first)
    second = copy_default(owner=alice, visibility="members", preferred_name="ana.png")
    assert second is not None
    assert second.key != first.key
    remove_waiting_files()
    assert stored_keys() == [second.key]


def test_a_file_is_removed_only_with_its_row(alice: User, stored_keys: StoredKeys) -> None:
    """Whoever comes second, after the name was used again, finds no row and removes nothing."""
    picture = make_picture(alice)
    delete_picture(picture)
    [row_id] = RemovedFile.objects.values_list("pk", flat=True)
    RemovedFile.objects.all().delete()
    removals._remove_first([row_id])
    assert stored_keys() == [picture.key]


def test_deleting_all_again_is_harmless(
    alice: User,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    make_picture(alice)
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            delete_all(alice.pk)
    assert (stored_keys(), count_waiting()) == ([], (0, 0))
