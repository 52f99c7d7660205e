"""Back up, lose everything, restore: by the real commands, on each kind of database and storage."""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.processes import ROOT
from tests.program_shell import ProgramShell
from tests.servers.databases import fresh_database
from tests.servers.migrated import copy_migrated_database
from tests.servers.plugin import Database
from tests.servers.postgres import find
from tests.storages import Bucket
from tests.waiting import until
from upkeep.backups import time_of

pytestmark = [
    pytest.mark.processes,
    pytest.mark.nightly,
    pytest.mark.s3,
    pytest.mark.postgres,
    pytest.mark.timeout(600),
]
UPLOAD = """
import sys
from accounts.models import User
from delivery.stripped_copies import stripped_key
from tests.factories import make_picture, make_user
from tests.pictures import jpeg
from thumbnails.services import ensure_thumbnails
from thumbnails.smaller_formats import make_beside

alice = User.objects.filter(username="alice").first() or make_user("alice", "Enterprise")
picture = make_picture(alice, jpeg(900, 600, comment=b"taken at home"))
ensure_thumbnails(picture.pk)
make_beside(picture.pk)
picture.refresh_from_db()
stripped_key(picture)
"""
# Every row of every table, and every file: what must be the same again. Events go on elsewhere.
STATE = """
import hashlib, json
from django.apps import apps
from images.storage.base import picture_storage
rows = {m._meta.label: sorted(str(r) for r in m.objects.values_list()) for m in apps.get_models()}
del rows["notifications.Feed"]
files = {}
for each in picture_storage.walk():
    with picture_storage.open(each.key) as file:
        files[each.key] = hashlib.sha256(file.read()).hexdigest()
print(json.dumps([rows, files]))
"""
# Some events of each account.
EVENTS = """
from accounts.models import User
from notifications.feed import read_events, record_event
from tests.factories import make_user
alice, bob = (User.objects.filter(username=n).first() or make_user(n) for n in ("alice", "bob"))
for _ in range({alice}):
    record_event(alice.pk, "pictures.cleared")
for _ in range({bob}):
    record_event(bob.pk, "pictures.cleared")
"""
# What those are told who come back with each number, then the newest number of alice.
TOLD = """
import json
told = [[e["type"] for e in read_events(a.pk, since).events] for a, since in {asked}]
last = read_events(alice.pk, 0).last
print(json.dumps([told, last]))
"""


@dataclass
class Service:
    """A database, a storage, and the commands of one deployment."""

    env: dict[str, str]
    python: Path
    _shell: ProgramShell | None = None

    def migrate(self) -> None:
        """Give an empty database the tables: SQLite a copy of one that has them."""
        if self.env["DATABASE_URL"]:
            self.run("migrate", "-v", "0")
            return
        folder = Path(self.env["DATA_DIR"])
        folder.mkdir(parents=True, exist_ok=True)
        copy_migrated_database(folder / "db.sqlite3")

    def run(self, *words: str) -> str:
        done = self.try_run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def try_run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [self.python, "manage.py", *words]
        return subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )

    def state_after(self, program: str) -> Any:
        """Run a program in the service, then tell every row and every file."""
        return json.loads(self.run_program(program + STATE).splitlines()[-1])

    def run_program(self, program: str) -> str:
        """Run it in a shell of the service, which goes on until `close`."""
        if self._shell is None:
            self._shell = ProgramShell(self.env)
        return self._shell.run(program)

    def close(self) -> None:
        if self._shell:
            self._shell.close()


@pytest.fixture
def start(tmp_path: Path, quick_python: Path) -> Iterator[Callable[..., Service]]:
    """Return a function that gives a service which has nothing yet."""
    with ExitStack() as ends:

        def make(name: str = "data", **parts: str) -> Service:
            inherited = {name: value for name, value in os.environ.items() if name != "AMQP_URL"}
            env = inherited | {
                "LOCAL": "on", "DATA_DIR": str(tmp_path / name), "LOG_LEVEL": "ERROR",
                "DJANGO_SETTINGS_MODULE": "config.settings", "PG_BIN": str(find().folder),
                "DATABASE_URL": "", **parts,
            }  # fmt: skip
            return ends.enter_context(closing(Service(env, quick_python)))

        yield make


@pytest.fixture
def new_database(postgres_server: Database) -> Iterator[Callable[..., str]]:
    """Return a function that makes an empty database, or a copy, and returns its address."""
    with ExitStack() as made:

        def make(template: str = "") -> str:
            name = f"backups-{uuid.uuid4().hex[:8]}"
            return made.enter_context(fresh_database(postgres_server.url, name, template))

        yield make


@pytest.fixture(params=["sqlite and disk", "postgresql and s3"])
def parts(
    request: pytest.FixtureRequest, new_database: Callable[..., str], spare_bucket: Bucket
) -> Callable[..., dict[str, str]]:
    """Return a function that gives an empty storage and database, or a copy of `template`."""
    if request.param == "sqlite and disk":
        return lambda place, template="": {}
    keys = spare_bucket.keys
    return lambda place, template="": {
        "DATABASE_URL": new_database(template),
        "STORAGE_URL": spare_bucket.url.replace("/images?", f"/{place}?"),
        "AWS_ACCESS_KEY_ID": keys["access_key"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_key"],
    }


def test_what_was_backed_up_is_there_again_after_everything_was_lost(
    tmp_path: Path, start: Callable[..., Service], parts: Callable[..., dict[str, str]]
) -> None:
    backup = tmp_path / "backup"
    # A migrated one, where this run has made one for all its processes.
    service = start("first", **parts("first", os.environ.get("TEST_TEMPLATE", "")))
    service.migrate()
    older = service.state_after(UPLOAD)
    assert "6 new files, 0 kept" in service.run("back_up", str(backup))
    [first_dump] = backup.glob("2*")
    state = service.state_after(UPLOAD)
    # A second one of the same second would take its place.
    until(
        lambda: time_of(first_dump) < timezone.now().replace(microsecond=0),
        5,
        lambda: first_dump.name,
    )
    assert "6 new files, 6 kept" in service.run("back_up", str(backup))
    for dump in backup.glob("2*"):
        assert dump.stat().st_mode & 0o077 == 0

    refused = service.try_run("restore", str(backup))
    assert (refused.returncode, "is not empty" in refused.stderr) == (1, True)
    outcome = service.run("restore", str(backup), "--drill")
    assert "12 files, 0 there already; 12 keys compared: all is well; 2 pictures fetched" in outcome
    assert service.state_after("") == state, "the drill knows nothing of the running service"
    original = max((backup / "files").rglob("*.jpg"), key=lambda each: each.stat().st_size)
    content = original.read_bytes()
    original.write_bytes(content[:-1] + b"?")
    refused = service.try_run("restore", str(backup), "--drill")
    assert (refused.returncode, "The drill failed: verify: " in refused.stderr) == (1, True)
    original.write_bytes(content)
    service.close()
    shutil.rmtree(tmp_path / "first")  # on PostgreSQL and S3: nothing of the first is used again
    second = start("second", **parts("second"))
    assert "12 files, 0 there already" in second.run("restore", str(backup))
    assert "12 keys compared: all is well." in second.run("verify_storage", "--hash")
    assert second.state_after("") == state

    second.run("restore", str(backup), "--replace", "--dump", first_dump.name)
    assert second.state_after("")[0] == older[0]
    # The six files of the later picture are nobody's now, and young.
    assert "12 keys compared: all is well" in second.run("verify_storage")
    assert len(second.state_after(UPLOAD)[0]["images.Picture"]) == 2


def read_events_after(service: Service, new: int, asked: str) -> Any:
    """Write new events, then ask what followed."""
    program = EVENTS.format(alice=new, bob=new) + TOLD.format(asked=asked)
    return json.loads(service.run_program(program).splitlines()[-1])


def test_whoever_had_events_from_after_the_dump_is_told_to_load_all_again(
    tmp_path: Path, start: Callable[..., Service]
) -> None:
    """Of an account with events in the dump, and of one whose first came later."""
    service, backup = start(), str(tmp_path / "backup")
    service.migrate()
    service.run_program(EVENTS.format(alice=4, bob=0))
    service.run("back_up", backup, "--no-files")
    seen = "[(alice, 4), (alice, 6), (bob, 2)]"
    assert read_events_after(service, 2, seen)[0] == [["pictures.cleared"] * 2, [], []]
    service.run("restore", backup, "--replace")
    assert read_events_after(service, 0, seen)[0] == [["events.reset"]] * 3
    answers, last = read_events_after(service, 5, seen)
    assert answers == [["events.reset"]] * 3
    service.run("restore", backup, "--replace")
    again = f"[(alice, {last}), (bob, {last})]"
    assert read_events_after(service, 20, again)[0] == [["events.reset"]] * 2


def test_a_folder_without_a_dump_restores_nothing(
    tmp_path: Path, start: Callable[..., Service]
) -> None:
    service = start()
    done = service.try_run("restore", str(tmp_path / "nothing"))
    assert (done.returncode, "There is no dump *.sqlite3" in done.stderr) == (1, True)


def test_a_pg_dump_older_than_its_server_is_refused_with_what_to_do(
    tmp_path: Path, start: Callable[..., Service], new_database: Callable[..., str]
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6'\n")
    (programs / "pg_dump").chmod(0o755)
    service = start(DATABASE_URL=new_database(), PG_BIN=str(programs))
    done = service.try_run("back_up", str(tmp_path / "backup"), "--no-files")
    assert done.returncode == 1
    assert "or newer is needed (found: 9): install postgresql-client-" in done.stderr
    assert list((tmp_path / "backup").glob("2*")) == []
