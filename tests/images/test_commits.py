"""Files and rows are there together, or neither is."""

from pathlib import Path

import pytest
from django.db import OperationalError, transaction

from images import storage
from images.commits import committed_with, save_all
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
    storage.save(KEY, source)
    with pytest.raises(error), committed_with(KEY):
        raise error
    assert not storage.exists(KEY)


@pytest.mark.django_db(transaction=True)
def test_a_connection_lost_at_the_commit_leaves_the_file(source, monkeypatch):
    storage.save(KEY, source)

    def lost() -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(transaction.get_connection(), "_commit", lost)
    with pytest.raises(OperationalError), committed_with(KEY):
        pass
    assert storage.exists(KEY)


def test_of_several_files_all_are_stored_or_none(source, stored_files):
    with pytest.raises(FileNotFoundError):
        save_all({KEY: source, f"{KEY}.png": source.with_name("missing")})
    assert stored_files() == []
