"""Files of deleted rows are removed, sooner or later, whatever fails meanwhile."""

import errno
from collections.abc import Callable, Iterable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.db.models import F
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from images import removals
from images.default_picture import copy_default
from images.exceptions import StorageAway
from images.models import Picture
from images.removals import KEPT, LEASE, RemovedFile, count_waiting, remove_waiting_files
from images.services import delete_picture, empty_folder
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
    rows = list(RemovedFile.objects.all())
    RemovedFile.objects.all().delete()
    removals._remove_first(rows)
    assert stored_keys() == [picture.key]


# --- Several who remove at once -------------------------------------------------------------------


class Meanwhile:
    """Something that happens once, at the first call of one of the storage's methods."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, method: str, work: Callable[[], object], *,
        is_after: bool = False,
    ) -> None:  # fmt: skip
        assert picture_storage.url  # opened by its first use
        storage_class: Any = type(picture_storage._wrapped)  # type: ignore[attr-defined]  # of LazyObject
        really, self.has_happened = getattr(storage_class, method), False

        def call(storage: object, *arguments: object) -> object:
            is_first, self.has_happened = not self.has_happened, True
            if is_first and not is_after:
                work()
            result = really(storage, *arguments)
            if is_first and is_after:
                work()
            return result

        monkeypatch.setattr(storage_class, method, call)


def pass_time(delta: timedelta) -> None:
    """Let leases end, and what is gone be gone for longer."""
    for name in ("leased_until", "gone_at"):
        RemovedFile.objects.exclude(**{name: None}).update(**{name: F(name) - delta})


def test_what_somebody_removes_at_this_moment_is_left_to_them(
    alice: User, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_picture(make_picture(alice))
    others: list[int] = []
    meanwhile = Meanwhile(monkeypatch, "delete_many", lambda: others.append(remove_waiting_files()))
    assert remove_waiting_files() == 1
    assert meanwhile.has_happened
    assert others == [0]
    assert (stored_keys(), RemovedFile.objects.count()) == ([], 0)


def test_whoever_is_slower_than_a_lease_removes_no_file_that_got_the_name_since(
    alice: User, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = copy_default(owner=alice, visibility="members", preferred_name="ana.png")
    assert first is not None
    delete_picture(first)

    def be_slow() -> None:
        pass_time(LEASE)
        assert remove_waiting_files() == 1
        assert copy_default(owner=alice, visibility="members", preferred_name="ana.png")

    Meanwhile(monkeypatch, "delete_many", be_slow)
    remove_waiting_files()
    assert stored_keys() == [Picture.objects.get().key] != [first.key]
    assert count_waiting() == (0, 0)
    pass_time(KEPT)
    remove_waiting_files()
    assert not RemovedFile.objects.exists()


def test_a_name_is_free_again_with_its_file(alice: User, stored_keys: StoredKeys) -> None:
    for _ in range(2):
        picture = copy_default(owner=alice, visibility="members", preferred_name="ana.png")
        assert picture is not None
        assert stored_keys() == [picture.key] == [f"users/{alice.pk}/ana.png"]
        delete_picture(picture)
        remove_waiting_files()


# --- Files without a row --------------------------------------------------------------------------


def test_an_upload_whose_file_is_removed_before_its_row_is_there_stores_it_again(
    alice: User, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def empty() -> None:
        assert len(stored_keys()) == 1
        assert empty_folder(alice.pk)
        assert remove_waiting_files() == 1
        assert stored_keys() == []

    Meanwhile(monkeypatch, "save_all", empty, is_after=True)
    picture = make_picture(alice)
    assert stored_keys() == [picture.key] == [Picture.objects.get().key]
    assert str(picture.uid) in picture.key
    pass_time(KEPT)
    remove_waiting_files()
    assert stored_keys() == [picture.key]
    assert not RemovedFile.objects.exists()


def test_a_default_picture_whose_file_is_removed_before_its_row_is_there_is_stored_again(
    alice: User, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def empty() -> None:
        empty_folder(alice.pk)
        remove_waiting_files()

    Meanwhile(monkeypatch, "save_all", empty, is_after=True)
    picture = copy_default(owner=alice, visibility="members")
    assert picture is not None
    assert stored_keys() == [picture.key]


def test_a_preferred_name_is_kept_while_its_row_is_not_there(
    alice: User, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gives the account its first picture meanwhile takes another name."""

    def be_first() -> None:
        empty_folder(alice.pk)
        remove_waiting_files()
        assert copy_default(owner=alice, visibility="members", preferred_name="ana.png")

    Meanwhile(monkeypatch, "save_all", be_first, is_after=True)
    assert not copy_default(owner=alice, visibility="members", preferred_name="ana.png")
    assert stored_keys() == [Picture.objects.get().key] != [f"users/{alice.pk}/ana.png"]
    pass_time(LEASE)
    remove_waiting_files()
    assert stored_keys() == [Picture.objects.get().key]


class Killed(BaseException):
    """A process that is killed runs nothing more; here its last words are thrown away."""


@pytest.mark.parametrize("name", ["", "ana.png"])
def test_nothing_is_left_of_a_process_that_dies_between_file_and_row(
    alice: User, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A preferred name's own reservation sees to it, the folder's end to the others."""

    def die() -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr("images.storage.transactions._delete", lambda keys: None)
        Meanwhile(dying, "save_all", die, is_after=True)
        with pytest.raises(Killed):
            copy_default(owner=alice, visibility="members", preferred_name=name)
    assert len(stored_keys()) == 1
    pass_time(LEASE)
    assert remove_waiting_files() == bool(name)
    assert empty_folder(alice.pk)
    assert remove_waiting_files() == (not name)
    assert stored_keys() == []


def test_many_files_without_a_row_go_by_the_worker(
    alice: User, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removals, "MAX_AT_ONCE", 2)
    monkeypatch.setattr("images.services.BATCH_SIZE", 3)
    for number in range(5):
        picture_storage.write(f"users/{alice.pk}/{number}.png", BytesIO(b"content"))
    assert empty_folder(alice.pk)
    assert empty_folder(alice.pk)
    assert count_waiting() == (5, 35)
    assert remove_waiting_files() == 5
    assert stored_keys() == []


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
