"""`./dev bench many [PICTURES] [ACCOUNTS]`: work on all pictures of an account or a tier.

On a private PostgreSQL (or DATABASE_URL's empty database) with a million pictures: the quota check
of the account that owns half of them, what a plan of their tier comes to, a backfill of pictures
that need nothing, an account of 10,000 pictures removed, all of an account deleted, and all
thumbnails of a tier. Rows alone: no picture has a file. At last, on SQLite, how long another
writer waits meanwhile.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import django
from django.core.management import call_command

from benchmarks.many import plans, sqlite
from benchmarks.parts import Database, start_database, start_own_redis
from benchmarks.tables import note, show
from benchmarks.turns import turn
from devkit.children import Reaper

if TYPE_CHECKING:
    from accounts.models import User

PICTURES, ACCOUNTS = 1_000_000, 10_000
REMOVED = 10_000
CHECKS = 200
Row = dict[str, float | None]


def main(pictures: int = PICTURES, accounts: int = ACCOUNTS) -> None:
    """Make the rows, then measure each piece of work in this process."""
    with Reaper() as reaper:
        folder = reaper.make_folder("tintype-many-")
        os.environ |= {"LOCAL": "on", "DATA_DIR": str(folder), "LOG_LEVEL": "WARNING"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        database = start_database(reaper)
        os.environ |= {"REDIS_URL": start_own_redis(reaper), "DATABASE_URL": database.url}
        django.setup()
        call_command("migrate", verbosity=0)
        (folder / "images" / "users").mkdir(parents=True)
        _fill(pictures, accounts)
        note(f"{pictures} pictures with two thumbnails each, of {accounts} accounts.")
        with turn():
            checked = _check_quota(database)
        show("Quota check", {"of the account that owns half": checked})
        with turn():
            planned = plans.measure()
        show("What a tier plan comes to", planned)
        show(
            "Pictures worked through",
            {
                "backfill, nothing to do": _backfill(database, pictures),
                f"account of {REMOVED} removed": _remove_account(database),
                f"all {REMOVED} pictures deleted": _delete_all(database),
                "tier's thumbnails deleted": _delete_thumbnails(database, pictures),
            },
        )
        with turn():
            waited = sqlite.measure(reaper, dict(os.environ))
        show("Another writer on SQLite", waited)


def _fill(pictures: int, accounts: int) -> None:
    from benchmarks.http.rows import fill
    from tiers.models import Tier
    from upkeep.ledger import compare_ledger

    fill(pictures, accounts)
    # Half of the pictures are one account's: more than any ready tier gives.
    Tier.objects.update(max_pictures=10 * pictures, max_stored_bytes=2**50)
    # SQL alone wrote the rows, so the ledger is counted anew.
    for _ in compare_ledger(fix=True):
        pass


def _check_quota(database: Database) -> Row:
    """Return milliseconds of a check, of CPU and by the clock."""
    from accounts.models import User
    from images.usage import check_quota, usage_of

    owner = User.objects.select_related("tier").get(username="account-0")
    cpu, clock = [], []
    of_database = database.cpu
    for _ in range(CHECKS):
        began, at = time.process_time(), time.perf_counter()
        check_quota(owner, usage_of(owner.pk), 1)
        cpu.append(time.process_time() - began)
        clock.append(time.perf_counter() - at)
    return {
        "CPU ms": 1000 * statistics.median(cpu),
        "db CPU ms": _since(of_database, database, 1000 / CHECKS),
        "ms": 1000 * statistics.median(clock),
    }


def _since(before: float | None, database: Database, scale: float = 1) -> float | None:
    """Return the database's CPU time since `before`; None where it is not this run's own."""
    now = database.cpu
    return None if before is None or now is None else (now - before) * scale


def _backfill(database: Database, pictures: int) -> Row:
    from django.db import transaction

    from thumbnails.backfills import start_backfill
    from tiers.models import Tier

    with transaction.atomic():
        start_backfill(tier=Tier.objects.get(name="Enterprise"))
    return _measure(database, _go_on, pictures)


def _go_on() -> None:
    from thumbnails.backfills import go_on

    while go_on().has_more:
        pass


def _remove_account(database: Database) -> Row:
    from accounts.models import User
    from upkeep.closed_accounts import close_as_staff, remove_closed_accounts

    owner = _make_large_account()
    close_as_staff(owner)

    def remove() -> None:
        # A turn takes ten seconds at most; others have theirs between two of them.
        while User.objects.filter(pk=owner.pk).exists():
            remove_closed_accounts()

    return _measure_deletion(database, remove, owner)


def _delete_all(database: Database) -> Row:
    from thumbnails.deletion import delete_all

    owner = _make_large_account()
    return _measure_deletion(database, lambda: delete_all(owner.pk), owner)


def _make_large_account() -> "User":
    from accounts.models import User
    from tests.rows import write_pictures
    from tiers.models import Tier

    owner = User.objects.create_user("large", tier=Tier.objects.get(name="Basic"))
    write_pictures(owner, REMOVED, heights=[200, 400])
    return owner


def _measure_deletion(database: Database, work: Callable[[], object], owner: "User") -> Row:
    from images.models import Picture

    found = _measure(database, work, REMOVED)
    if Picture.objects.owned_by(owner.pk).exists():
        raise RuntimeError("some pictures are left")
    return found


def _delete_thumbnails(database: Database, pictures: int) -> Row:
    from thumbnails.models import Thumbnail
    from tiers.models import Tier
    from tiers.services import set_heights

    set_heights(tier=Tier.objects.get(name="Enterprise"), heights=[])
    found = _measure(database, _go_on, pictures)
    if left := Thumbnail.objects.count():
        raise RuntimeError(f"{left} thumbnails are left")
    return found


def _measure(database: Database, work: Callable[[], object], pictures: int) -> Row:
    """Return what work takes: statements, time, and memory above what there was before."""
    from django.db import connection

    statements = 0

    def count(execute: Callable[..., object], *arguments: object) -> object:
        nonlocal statements
        statements += 1
        return execute(*arguments)

    with turn():
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        of_database, before = database.cpu, _peak_mib()
        cpu, clock = time.process_time(), time.perf_counter()
        with connection.execute_wrapper(count):
            work()
        took, cpu = time.perf_counter() - clock, time.process_time() - cpu
        of_database = _since(of_database, database)
    return {
        "seconds": took,
        "CPU s": cpu,
        "db CPU s": of_database,
        "a second": pictures / took,
        "statements": statements,
        "MiB more": _peak_mib() - before,
    }


def _peak_mib() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    [peak] = [line for line in lines if line.startswith("VmHWM:")]
    return int(peak.split()[1]) / 1024


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
