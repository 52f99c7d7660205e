"""Pictures of another account that a change of its tier asks for again."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis

from benchmarks.deployment import Deployment
from benchmarks.picture_rows import pictures_of

# A release that keeps no backfill that has ended names no state either.
_RUNNING = (
    "select 1 from thumbnails_recheck b"
    " where coalesce(to_jsonb(b) ->> 'state', 'running') = 'running'"
)
# A tier of its own, so that nobody else's pictures are concerned.
_TIER = "Premium"
_ROWS = pictures_of(account="0", owner="%(owner)s::uuid")
_SET_HEIGHTS = """
from tiers.models import Tier
from tiers.services import set_heights
set_heights(tier=Tier.objects.get(name={tier!r}), heights={heights})
"""
_ANNOUNCE = """
from tiers.models import Tier
from tiers.services import announce_thumbnail_change
from django.db import transaction
with transaction.atomic():
    announce_thumbnail_change(Tier.objects.get(name={tier!r}))
"""
_BATCH = 20_000
# Of one file: ext4 knows 65,000.
_MAX_NAMES = 50_000


def add_pictures(deployment: Deployment, owner: str, series: str, count: int) -> None:
    """Give an account of the tier pictures with thumbnails of 200 and 400 pixels."""
    deployment.sql(
        "update accounts_user set tier_id = (select id from tiers_tier where name = %(tier)s)"
        " where username = %(owner)s",
        tier=_TIER,
        owner=owner,
    )
    [[user]] = deployment.sql("select id from accounts_user where username = %(o)s", o=owner)
    for first in range(0, count, _BATCH):
        deployment.sql(
            _ROWS,
            series=series,
            owner=user,
            first=first,
            last=min(first + _BATCH, count) - 1,
            begin=datetime.now(UTC),
            apart=timedelta(milliseconds=1),
        )


def lay_files(deployment: Deployment, owner: str, picture: Path) -> None:
    """Let a picture's file lie where each of an account's pictures is said to be."""
    keys = deployment.sql(
        "select key from images_picture p join accounts_user u on u.id = owner_id"
        " where username = %(owner)s",
        owner=owner,
    )
    # A second name for the same file wants the same disk.
    first = picture
    for number, [key] in enumerate(keys):
        target = deployment.folder / "data" / "images" / str(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        if number % _MAX_NAMES:
            target.hardlink_to(first)
        else:
            target.write_bytes(picture.read_bytes())
            first = target


def set_heights(deployment: Deployment, heights: list[int]) -> None:
    """Change what the tier grants; the service asks for its pictures again where that differs."""
    code = _SET_HEIGHTS.format(tier=_TIER, heights=heights)
    deployment.run_in_service("manage.py", "shell", "-c", code)


def announce(deployment: Deployment) -> None:
    """Say that the tier changed where nothing is to be done."""
    deployment.run_in_service("manage.py", "shell", "-c", _ANNOUNCE.format(tier=_TIER))


def pending(deployment: Deployment) -> int:
    """Return how many pictures wait for thumbnails."""
    [[count]] = deployment.sql("select count(*) from images_picture where rendering = 'pending'")
    return int(str(count))


def left(deployment: Deployment, owner: str, height: int) -> int:
    """Return how many pictures of an account have no thumbnail of a height (pixels) yet."""
    [[count]] = deployment.sql(
        "select count(*) from images_picture p join accounts_user u on u.id = owner_id"
        " where username = %(owner)s and not exists"
        " (select 1 from thumbnails_thumbnail where picture_id = p.id and height = %(height)s)",
        owner=owner,
        height=height,
    )
    return int(str(count))


def is_over(deployment: Deployment) -> bool:
    """Tell whether no backfill is left and no picture waits."""
    return not deployment.sql(_RUNNING) and not pending(deployment)


def wait_until_over(deployment: Deployment, seconds: float) -> tuple[float, float]:
    """Return the seconds until no backfill is left, and the most MiB that Redis took for it.

    The first is endless where it was not over in time.
    """
    begin, before, most = time.monotonic(), redis_mib(deployment), 0.0
    while not is_over(deployment):
        most = max(most, redis_mib(deployment) - before)
        if time.monotonic() - begin > seconds:
            return float("inf"), most
        time.sleep(0.1)
    return time.monotonic() - begin, most


def redis_mib(deployment: Deployment) -> float:
    """Return how much memory Redis uses."""
    with redis.Redis.from_url(deployment.redis_url) as client:
        return float(client.info("memory")["used_memory"]) / 1024**2
