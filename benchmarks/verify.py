"""`./dev bench verify [KEYS] [ACCOUNTS]`: seconds and memory of `verify_storage`.

On a private PostgreSQL (or BENCH_DATABASE_URL's empty database) and a private folder; both go
afterwards.
"""

import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

from benchmarks.parts import start_database, start_own_redis
from benchmarks.processes import run_and_measure
from devkit.children import Reaper

KEYS, ACCOUNTS = 1_000_000, 10_000
ROWS_AT_ONCE = 5_000
ROOT = Path(__file__).resolve().parent.parent


def main(keys: int = KEYS, accounts: int = ACCOUNTS) -> None:
    """Make rows and files, then measure the command in a process of its own."""
    with Reaper() as reaper:
        os.environ |= {"LOCAL": "on", "DATA_DIR": str(reaper.make_folder("tintype-verify-"))}
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        os.environ |= {
            "REDIS_URL": start_own_redis(reaper),
            "DATABASE_URL": start_database(reaper).url,
        }
        django.setup()
        call_command("migrate", verbosity=0)
        began = time.perf_counter()
        _fill(keys, accounts)
        print(f"{keys} keys of {accounts} accounts made in {time.perf_counter() - began:.0f} s")
        _measure()


def _fill(keys: int, accounts: int) -> None:
    from accounts.models import User
    from images.models import Picture
    from tiers.models import Tier

    tier = Tier.objects.get(name="Basic")
    people = [User(username=f"p{n}", username_key=f"p{n}", tier=tier) for n in range(accounts)]
    User.objects.bulk_create(people, batch_size=ROWS_AT_ONCE)
    for first in range(0, keys, ROWS_AT_ONCE):
        last = min(first + ROWS_AT_ONCE, keys)
        Picture.objects.bulk_create(
            Picture(**_store_picture(people[n % accounts].pk)) for n in range(first, last)
        )


def _store_picture(owner_id: uuid.UUID) -> dict[str, Any]:
    """Write a file of one byte and describe it as a picture's row."""
    from django.conf import settings

    from images.storage.keys import original_key

    uid = uuid.uuid4()
    key = original_key(owner_id, uid, "jpg")
    path = Path(settings.MEDIA_ROOT) / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    facts = {"format": "JPEG", "width": 1, "height": 1, "bytes": 1, "sha256": "0" * 64}
    return {"uid": uid, "owner_id": owner_id, "key": key, **facts}


def _measure() -> None:
    ran = run_and_measure([sys.executable, "manage.py", "verify_storage"], ROOT)
    if ran.returncode:
        raise RuntimeError(f"verify_storage failed ({ran.returncode}): {ran.output}")
    print(
        f"{ran.output}verify_storage: {ran.seconds:.1f} s, "
        f"{ran.cpu:.1f} s of CPU, {ran.peak_mib:.0f} MB at most"
    )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
