"""A share that is not mounted: its empty mount point is no storage that lost every file."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from config.health import views
from config.health.probes import Probe
from images.exceptions import StorageAway
from images.storage.base import picture_storage
from tests.clients import Client
from tests.factories import make_picture
from tests.images.storage.away import assert_no_attempt_is_counted, assert_put_off

pytestmark = pytest.mark.django_db


@pytest.fixture
def unmount(settings: Settings) -> Callable[[], Path]:
    """Return a function that leaves nothing but the mount point; it returns that."""

    def leave_the_mount_point() -> Path:
        mount_point: Path = settings.MEDIA_ROOT
        shutil.rmtree(mount_point)
        mount_point.mkdir()
        return mount_point

    return leave_the_mount_point


def test_uploads_and_reads_are_put_off_and_nothing_is_written(
    alice: User, as_alice: Client, unmount: Callable[[], Path]
) -> None:
    picture = make_picture(alice)
    mount_point = unmount()
    assert_put_off(as_alice, picture)
    assert list(mount_point.iterdir()) == []


def test_no_attempt_is_counted(alice: User, unmount: Callable[[], Path]) -> None:
    picture = make_picture(alice)
    unmount()
    assert_no_attempt_is_counted(picture)


def test_no_row_is_mended(alice: User, unmount: Callable[[], Path]) -> None:
    make_picture(alice)
    unmount()
    with pytest.raises(CommandError, match="mounted"):
        call_command("verify_storage", fix=True)


def test_no_backup_leaves_the_files_out_without_a_word(
    alice: User, unmount: Callable[[], Path], tmp_path: Path
) -> None:
    make_picture(alice)
    unmount()
    with pytest.raises(CommandError, match="mounted"):
        call_command("back_up", tmp_path / "backups")


def test_the_storage_is_not_there(alice: User, unmount: Callable[[], Path]) -> None:
    make_picture(alice)
    unmount()
    with pytest.raises(StorageAway):
        picture_storage.check()


@pytest.mark.django_db(transaction=True)
def test_the_service_is_not_ready(
    alice: User, unmount: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(views._PROBES, "storage", Probe(views._check_storage))  # never asked before
    make_picture(alice)
    unmount()
    assert "storage" in Client().get("/readyz").json()["missing"]


def test_a_storage_without_pictures_takes_the_first(alice: User, settings: Settings) -> None:
    picture_storage.check()
    assert not settings.MEDIA_ROOT.exists()
    assert picture_storage.exists(make_picture(alice).key)


def test_one_file_that_is_missing_is_missing(alice: User, as_alice: Client) -> None:
    picture = make_picture(alice)
    picture_storage.delete(picture.key)
    assert as_alice.get(f"/images/{picture.key}").status_code == 404
    with pytest.raises(FileNotFoundError):
        picture_storage.size(picture.key)


def test_a_storage_that_is_there_is_not_asked_for_its_rows(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    picture = make_picture(alice)
    with django_assert_num_queries(0):
        picture_storage.check()
        picture_storage.open(picture.key).close()
        assert not picture_storage.exists(f"{picture.key}.png")
