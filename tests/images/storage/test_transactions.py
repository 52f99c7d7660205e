"""Files and rows are there together, or neither is."""

import uuid
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from django.db import IntegrityError, OperationalError, transaction

from accounts.models import User
from images.exceptions import StorageAway
from images.models import Picture
from images.removals import remove_waiting_files
from images.storage.base import picture_storage
from images.storage.disk import DiskStorage
from images.storage.transactions import stored_files
from tests.pictures import png
from tests.storages import StoredKeys

KEY = f"users/{'0' * 8}-0000-0000-0000-{'0' * 12}/picture.png"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.png"
    path.write_bytes(png(3, 2))
    return path


@pytest.mark.django_db
@pytest.mark.parametrize("error", [ValueError, OperationalError])
def test_files_are_deleted_when_the_block_raises(source: Path, error: type[Exception]) -> None:
    with pytest.raises(error), stored_files({KEY: source}):
        raise error
    assert not picture_storage.exists(KEY)


@pytest.mark.django_db(transaction=True)
def test_a_file_stays_when_the_connection_is_lost_at_the_commit(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost() -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(transaction.get_connection(), "_commit", lost)
    with pytest.raises(OperationalError), stored_files({KEY: source}):
        pass
    assert picture_storage.exists(KEY)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [SystemExit, RuntimeError])
def test_a_file_stays_when_the_process_ends_after_the_commit(
    alice: User, source: Path, error: type[BaseException]
) -> None:
    """SIGTERM comes as SystemExit at any moment, also between COMMIT and what follows it."""

    def end() -> None:
        raise error

    with pytest.raises(error), stored_files({KEY: source}):
        _insert(alice.pk, on_commit=end)
    assert Picture.objects.get().key == KEY
    assert picture_storage.exists(KEY)


@pytest.mark.django_db(transaction=True)
def test_a_file_is_deleted_when_the_database_refuses_the_commit(source: Path) -> None:
    """Foreign keys are checked at COMMIT."""
    with pytest.raises(IntegrityError), stored_files({KEY: source}):
        _insert(uuid.uuid4())
    assert not picture_storage.exists(KEY)


def _insert(owner_id: UUID, *, on_commit: Callable[[], None] = lambda: None) -> None:
    Picture(owner_id=owner_id, key=KEY, width=3, height=2, bytes=1).save()
    transaction.on_commit(on_commit)


@pytest.mark.django_db
def test_all_of_several_files_are_stored_or_none(source: Path, stored_keys: StoredKeys) -> None:
    files = {KEY: source, f"{KEY}.png": source.with_name("missing")}
    with pytest.raises(FileNotFoundError), stored_files(files):
        pytest.fail("The block was entered.")
    assert stored_keys() == []


@pytest.mark.django_db
def test_a_storage_that_is_away_hides_no_error_and_another_fault_is_told(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it does not delete now it deletes later."""
    fault: list[Exception] = [StorageAway("no folder")]

    def fail(self: DiskStorage, keys: object) -> None:
        raise fault[0]

    with monkeypatch.context() as away:
        away.setattr(DiskStorage, "delete_many", fail)
        with pytest.raises(ZeroDivisionError), stored_files({KEY: source}):
            raise ZeroDivisionError
        fault[0] = KeyError()
        with pytest.raises(KeyError), stored_files({f"{KEY}.png": source}):
            raise ZeroDivisionError
    assert remove_waiting_files() == 1
    assert not picture_storage.exists(KEY)


@pytest.mark.django_db
def test_no_file_is_stored_in_a_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be locked while a storage is asked, which may be silent."""
    monkeypatch.setattr(DiskStorage, "save_all", lambda *_: None)
    monkeypatch.setattr(DiskStorage, "delete_many", lambda *_: None)
    with transaction.atomic(), pytest.raises(RuntimeError), stored_files({}):
        pytest.fail("The block was entered.")


@pytest.mark.django_db
def test_a_call_of_the_storage_in_a_transaction_fails_every_test(
    calls_in_transactions: list[str],
) -> None:
    with transaction.atomic(), pytest.raises(AssertionError, match="in a transaction"):
        picture_storage.exists(KEY)
    assert calls_in_transactions == ["DiskStorage.size"]
    calls_in_transactions.clear()


@pytest.mark.django_db
def test_the_files_of_one_failure_go_and_no_others(source: Path, stored_keys: StoredKeys) -> None:
    with stored_files({KEY: source}):
        pass
    with pytest.raises(ZeroDivisionError), stored_files({f"{KEY}.png": source}):
        raise ZeroDivisionError
    assert stored_keys() == [KEY]
