"""Files and rows are there together, or neither is."""

import uuid
from pathlib import Path

import pytest
from django.db import IntegrityError, OperationalError, transaction

from images.models import Picture
from images.storage.base import picture_storage
from images.storage.transactions import committed_with, save_all
from tests.pictures import png

KEY = f"users/{'0' * 8}-0000-0000-0000-{'0' * 12}/picture.png"


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "source.png"
    path.write_bytes(png(3, 2))
    return path


@pytest.mark.django_db
@pytest.mark.parametrize("error", [ValueError, OperationalError])
def test_a_transaction_that_fails_takes_its_files_along(source, error):
    picture_storage.save(KEY, source)
    with pytest.raises(error), committed_with(KEY):
        raise error
    assert not picture_storage.exists(KEY)


@pytest.mark.django_db(transaction=True)
def test_a_connection_lost_at_the_commit_leaves_the_file(source, monkeypatch):
    picture_storage.save(KEY, source)

    def lost() -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(transaction.get_connection(), "_commit", lost)
    with pytest.raises(OperationalError), committed_with(KEY):
        pass
    assert picture_storage.exists(KEY)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [SystemExit, RuntimeError])
def test_what_ends_the_process_after_the_commit_leaves_the_file(alice, source, error):
    """SIGTERM comes as SystemExit at any moment, also between COMMIT and what follows it."""

    def end() -> None:
        raise error

    picture_storage.save(KEY, source)
    with pytest.raises(error), committed_with(KEY):
        _insert(alice.pk, on_commit=end)
    assert Picture.objects.get().key == KEY
    assert picture_storage.exists(KEY)


@pytest.mark.django_db(transaction=True)
def test_a_refusal_at_the_commit_takes_the_file_along(source):
    """Foreign keys are looked at with COMMIT."""
    picture_storage.save(KEY, source)
    with pytest.raises(IntegrityError), committed_with(KEY):
        _insert(uuid.uuid4())
    assert not picture_storage.exists(KEY)


def _insert(owner_id, *, on_commit=lambda: None) -> None:
    Picture(owner_id=owner_id, key=KEY, width=3, height=2, bytes=1).save()
    transaction.on_commit(on_commit)


@pytest.mark.django_db
def test_of_several_files_all_are_stored_or_none(source, stored_files):
    with pytest.raises(FileNotFoundError):
        save_all({KEY: source, f"{KEY}.png": source.with_name("missing")})
    assert stored_files() == []
