"""What a backup's run fetches from the storage, and what it shows meanwhile."""

import os
import sys
import termios
import threading
from io import StringIO
from pathlib import Path
from typing import IO

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import User
from images.storage.disk import DiskStorage
from tests.factories import make_picture
from tests.pictures import jpeg
from tests.servers.postgres import find
from upkeep import copying

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> list[str]:
    """The keys of files that were opened in the service's storage."""
    settings.PG_BIN = str(find().folder)
    opened: list[str] = []
    open_file = DiskStorage.open

    def note(self: DiskStorage, key: str) -> IO[bytes]:
        if self.root == Path(settings.MEDIA_ROOT):
            opened.append(key)
        return open_file(self, key)

    monkeypatch.setattr(DiskStorage, "open", note)
    return opened


def back_up(folder: Path) -> str:
    """Run the command; return what it says of the files."""
    out = StringIO()
    call_command("back_up", str(folder), stdout=out)
    return out.getvalue().strip().partition(": ")[2]


@pytest.mark.unhurried
def test_a_second_run_fetches_only_what_is_new(
    alice: User, tmp_path: Path, fetched: list[str]
) -> None:
    for number in range(3):
        make_picture(alice, jpeg(40 + number, 30))
    fetched.clear()
    said = back_up(tmp_path / "backup")
    assert said == f"{len(fetched)} new files, 0 kept."
    everything = sorted(fetched)
    assert len(set(everything)) == len(everything) >= 3
    new = make_picture(alice, jpeg(60, 30))
    fetched.clear()
    said = back_up(tmp_path / "backup")
    assert said == f"{len(fetched)} new files, {len(everything)} kept."
    assert new.key in fetched
    assert set(fetched).isdisjoint(everything)


def test_several_files_are_fetched_at_once(
    alice: User, tmp_path: Path, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storage that is far away has each of them wait."""
    for number in range(4):
        make_picture(alice, jpeg(40 + number, 30))
    together = threading.Barrier(4)
    copy_and_hash = copying._copy_and_hash

    def meet(original: IO[bytes], copy: IO[bytes]) -> str:
        together.wait(timeout=20)
        return copy_and_hash(original, copy)

    monkeypatch.setattr(copying, "_copy_and_hash", meet)
    fetched.clear()
    back_up(tmp_path / "backup")
    assert len(fetched) % 4 == 0


def test_a_terminal_shows_how_far_it_is(
    alice: User, tmp_path: Path, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_picture(alice, jpeg(40, 30))
    fetched.clear()
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    with os.fdopen(ours, "rb", buffering=0) as screen, os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        back_up(tmp_path / "backup")
        monkeypatch.undo()
        os.set_blocking(ours, False)
        shown = screen.read(64 * 1024).decode()
    assert "back up: 100%" in shown
    assert f"{len(fetched)}/{len(fetched)}" in shown
    assert "files/s" in shown
