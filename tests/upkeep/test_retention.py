"""Which backups stay, and which files with them."""

import os
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import User
from images.services import delete_picture
from images.storage.disk import DiskStorage
from tests.factories import make_picture
from tests.pictures import jpeg
from tests.servers.postgres import find
from upkeep.backups import Backup, time_of
from upkeep.dumping import dump_suffix
from upkeep.named_storages import open_storage
from upkeep.quarantine import TIME_FORMAT
from upkeep.retention import Retention

# A Thursday.
NOW = datetime(2026, 1, 1, 8, tzinfo=UTC)


def ages(retention: Retention, *days: float) -> list[float]:
    """Return which of some backups, by their ages in days, are kept."""
    kept = retention.choose([NOW - timedelta(days=each) for each in days])
    return sorted((NOW - each) / timedelta(days=1) for each in kept)


def test_the_newest_of_each_day_stays() -> None:
    assert ages(Retention(3, 0, 0), 0, 0.25, 1, 1.1, 2, 2.25, 3) == [0, 1, 2]


def test_days_without_a_backup_do_not_count() -> None:
    assert ages(Retention(3, 0, 0), 0, 10, 20, 30) == [0, 10, 20]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    # The last of December's are in the week, and in the year of ISO 8601, of the first of January.
    assert ages(Retention(0, 2, 0), 0, 1, 3, 4, 5) == [0, 4]
    assert ages(Retention(0, 0, 2), 0, 1, 3, 32) == [0, 1]


def test_the_newest_stays_whatever_is_asked() -> None:
    assert ages(Retention(0, 0, 0), 5, 6) == [5]
    assert ages(Retention(1, 1, 1)) == []


@pytest.fixture
def backup(tmp_path: Path, settings: Settings) -> Backup:
    settings.PG_BIN = str(find().folder)
    return Backup(tmp_path / "backup", open_storage(), lambda items: items)


def make_older(backup: Backup, days: int) -> None:
    """Let all that a folder holds be so many days older than it is."""
    moved = timedelta(days=days)
    for path in sorted(backup.folder.glob("2*")):
        path.rename(backup.folder / f"{time_of(path) - moved:{TIME_FORMAT}}{path.suffix}")
    for path in (backup.folder / "files").rglob("*.*"):
        at = path.stat().st_mtime - moved.total_seconds()
        os.utime(path, (at, at))
    seen = backup.folder / ".seen-since"
    if seen.exists():
        seen.write_text(f"{time_of(Path(seen.read_text())) - moved:{TIME_FORMAT}}{dump_suffix()}")


def files(backup: Backup) -> set[str]:
    return {each.key for each in DiskStorage(backup.folder / "files").walk()}


@pytest.mark.django_db(transaction=True)
def test_files_go_with_the_last_dump_that_names_them(
    backup: Backup, alice: User, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, deleted = make_picture(alice, jpeg(40, 30)), make_picture(alice, jpeg(50, 30))
    backup.add()
    named_by_the_first = files(backup)
    delete_picture(deleted)
    make_older(backup, 10)
    backup.add()
    make_older(backup, 10)
    backup.add()
    assert files(backup) == named_by_the_first

    call_command("prune_backups", str(backup.folder), "--days=3", "--weeks=0", "--months=0")
    assert capsys.readouterr().out == "3 dumps kept, 0 deleted with 0 files (0\xa0bytes).\n"
    assert files(backup) == named_by_the_first
    pruned = backup.prune(Retention(2, 0, 0))
    assert (len(pruned.dumps), pruned.files > 0) == (1, True)
    assert kept.key in files(backup)
    assert deleted.key not in files(backup)
    assert len(files(backup)) == len(named_by_the_first) - pruned.files
    assert len(list(backup.folder.glob("2*"))) == 2


@pytest.mark.django_db(transaction=True)
def test_files_stay_as_long_as_a_dump_of_an_older_release_does(backup: Backup, alice: User) -> None:
    """That set no times: the file may be named by any of its dumps."""
    deleted = make_picture(alice, jpeg(50, 30))
    backup.add()
    (backup.folder / ".seen-since").unlink()
    make_older(backup, 5)
    delete_picture(deleted)
    backup.add()
    assert backup.prune(Retention(2, 0, 0)).files == 0
    assert backup.prune(Retention(1, 0, 0)).files > 0
    assert deleted.key not in files(backup)


@pytest.mark.unhurried
@pytest.mark.django_db(transaction=True)
def test_files_stay_as_long_as_a_dump_of_the_database_alone_does(
    backup: Backup, alice: User
) -> None:
    """It names files that were last seen before it."""
    picture, deleted = make_picture(alice, jpeg(40, 30)), make_picture(alice, jpeg(50, 30))
    backup.add()
    make_older(backup, 10)
    backup.add(files=False)
    make_older(backup, 10)
    assert backup.prune(Retention(1, 0, 0)).files == 0
    delete_picture(deleted)
    backup.add()
    assert backup.prune(Retention(2, 0, 0)).files == 0
    assert {picture.key, deleted.key} <= files(backup)
    assert backup.prune(Retention(1, 0, 0)).files > 0
    assert picture.key in files(backup)
    assert deleted.key not in files(backup)


@pytest.mark.django_db
def test_what_is_no_dump_is_left_alone(backup: Backup) -> None:
    backup.folder.mkdir()
    (backup.folder / "2026-notes.txt").write_text("restored once in March")
    DiskStorage(backup.folder / "files").write("users/a/b.jpg", BytesIO(b"?"))
    assert backup.prune(Retention(0, 0, 0)).dumps == []
    assert len(files(backup)) == 1
