"""`./dev bench backup [OBJECTS] [DELAY_MS]`: `back_up` from an S3 server, twice.

The first run copies everything, the second what is new. On a private PostgreSQL (or
BENCH_DATABASE_URL's empty database) and a private S3 server, which begins each response DELAY_MS
later, as one that is elsewhere does. On a terminal the command draws its bar.
"""

import os
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import django
from django.core.management import call_command

from benchmarks.parts import TREE, start_database, start_own_redis
from benchmarks.processes import run_and_measure
from benchmarks.tables import note, show
from devkit.children import Reaper
from tests.faults.gate import Gate
from tests.servers.postgres import find
from tests.servers.s3 import REGION, S3

OBJECTS, DELAY_MS = 20_000, 0
NEW = 100
# Of a thumbnail, which are most of what a service stores.
OBJECT_BYTES = 16 * 1024
_UPLOADS_AT_ONCE = 8
_BUCKET = "pictures"
Row = dict[str, float | None]


def main(objects: int = OBJECTS, delay_ms: int = DELAY_MS) -> None:
    """Make rows and objects, then measure the command in processes of its own."""
    with Reaper() as reaper:
        server = S3(reaper)
        server.make_bucket(_BUCKET)
        os.environ |= {"LOCAL": "on", "DATA_DIR": str(reaper.make_folder("tintype-data-"))}
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "REDIS_URL": start_own_redis(reaper),
            "DATABASE_URL": start_database(reaper).url,
            "STORAGE_URL": _storage_url(server.endpoint_url),
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "PG_BIN": str(find().folder),
        }
        django.setup()
        call_command("migrate", verbosity=0)
        _fill(objects)
        if delay_ms:
            gate = _Distance(server.endpoint_url, delay_ms / 1000)
            os.environ["STORAGE_URL"] = _storage_url(f"http://127.0.0.1:{gate.port}")
        note(f"{objects} objects of {OBJECT_BYTES // 1024} KB, {delay_ms} ms away.")
        folder = reaper.make_folder("tintype-backup-")
        rows = {"everything": _back_up(folder, copied=objects, kept=0)}
        _fill(NEW)
        rows[f"{NEW} new"] = _back_up(folder, copied=NEW, kept=objects)
        show("Backup from S3", rows)


class _Distance(Gate):
    """Passes every request on after so many seconds."""

    def __init__(self, endpoint_url: str, seconds: float) -> None:
        self._seconds = seconds
        super().__init__(int(endpoint_url.rsplit(":", 1)[1]))

    def _hold_request(self, data: bytes) -> bytes:
        time.sleep(self._seconds)
        return data


def _storage_url(endpoint_url: str) -> str:
    return f"s3://{_BUCKET}/images?endpoint_url={endpoint_url}&region={REGION}"


def _fill(objects: int) -> None:
    """Write objects, and a picture's row for each."""
    from accounts.models import User
    from images.models import Picture
    from images.storage.base import picture_storage
    from images.storage.keys import original_key
    from tiers.models import Tier

    name = f"p{uuid.uuid4().hex[:8]}"
    tier = Tier.objects.get(name="Basic")
    owner = User.objects.create(username=name, username_key=name, tier=tier)
    facts = {"format": "JPEG", "width": 1, "height": 1, "sha256": "0" * 64}
    uids = [uuid.uuid4() for _ in range(objects)]
    pictures = [
        Picture(
            uid=uid,
            owner=owner,
            key=original_key(owner.pk, uid, "jpg"),
            bytes=OBJECT_BYTES,
            **facts,
        )
        for uid in uids
    ]
    with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
        for _ in pool.map(
            lambda each: picture_storage.write(each.key, BytesIO(os.urandom(OBJECT_BYTES))),
            pictures,
        ):
            pass
    Picture.objects.bulk_create(pictures, batch_size=5_000)


def _back_up(folder: Path, *, copied: int, kept: int) -> Row:
    """Run the command; raise RuntimeError where it did not do what it should."""
    ran = run_and_measure([sys.executable, "manage.py", "back_up", str(folder)], TREE)
    if f": {copied} new files, {kept} kept." not in ran.output:
        raise RuntimeError(f"not backed up ({ran.returncode}): {ran.output}")
    objects = copied + kept
    return {
        "seconds": ran.seconds,
        "objects/s": objects / ran.seconds,
        "CPU s": ran.cpu,
        "ms each": 1000 * ran.cpu / objects,
        "MB at most": ran.peak_mib,
    }


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
