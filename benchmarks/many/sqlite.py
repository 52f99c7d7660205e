"""On SQLite, which has one writer at a time: how long another waits while pictures are deleted.

A process of its own, since the settings name one database: it prints its figures as JSON.
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from devkit.children import Reaper

PICTURES = 5_000
# Between two writes of the other writer, in seconds.
_PAUSE = 0.02
Row = dict[str, float | None]


def measure(reaper: Reaper, environment: dict[str, str]) -> dict[str, Row]:
    """Return figures of a process with a database of its own, by what deletes."""
    folder = reaper.make_folder("tintype-many-sqlite-")
    env = {**environment, "DATA_DIR": str(folder), "DATABASE_URL": ""}
    command = [sys.executable, "-m", "benchmarks.many.sqlite"]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True)
    rows: dict[str, Row] = json.loads(done.stdout)
    return rows


def _measure_all() -> dict[str, Row]:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.conf import settings

    from accounts.models import User
    from tests.rows import write_pictures
    from thumbnails.deletion import delete_all
    from tiers.models import Tier
    from upkeep.closed_accounts import close_as_staff, remove_closed_accounts

    (settings.MEDIA_ROOT / "users").mkdir(parents=True)
    tier = Tier.objects.get(name="Basic")
    database = settings.DATABASES["default"]["NAME"]
    owners = [User.objects.create_user(f"large-{number}", tier=tier) for number in range(2)]
    for owner in owners:
        write_pictures(owner, PICTURES, heights=[200, 400])
    close_as_staff(owners[0])

    def remove() -> None:
        # A turn takes ten seconds at most; others have theirs between two of them.
        while User.objects.filter(pk=owners[0].pk).exists():
            remove_closed_accounts()

    return {
        f"account of {PICTURES} removed": _write_beside(remove, database),
        f"all {PICTURES} pictures deleted": _write_beside(
            lambda: delete_all(owners[1].pk), database
        ),
    }


def _write_beside(work: Callable[[], object], database: Path) -> Row:
    """Return how long another process's writes take while work goes on."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    writer = context.Process(target=_write, args=(theirs, str(database)))
    writer.start()
    ours.recv()  # it writes
    began, cpu = time.perf_counter(), time.process_time()
    work()
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    ours.send("enough")
    waits: list[float] = sorted(ours.recv())
    writer.join()
    return {
        "seconds": took,
        "CPU s": cpu,
        "writes": len(waits),
        "wait p50 ms": 1000 * waits[len(waits) // 2],
        "longest ms": 1000 * waits[-1],
    }


def _write(pipe: Connection, database: str) -> None:
    """Write now and then as another process of the service does; send how long each write took."""
    connection = sqlite3.connect(database, timeout=20, isolation_level=None)
    connection.execute("pragma synchronous=full")
    pipe.send("ready")
    waits: list[float] = []
    while not waits or not pipe.poll():
        begin = time.perf_counter()
        connection.execute("begin immediate")
        connection.execute("update accounts_user set sign_outs = sign_outs")
        connection.execute("commit")
        waits.append(time.perf_counter() - begin)
        time.sleep(_PAUSE)
    pipe.send(waits)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    print(json.dumps(_measure_all()))
