"""Changes pictures of random accounts at a steady rate; a process of its own.

`python -m benchmarks.sockets.writer COUNT RATE`, the accounts' ids on standard input. Prints, as
JSON, of each event its two keys (benchmarks.sockets.clients), and when it was committed, in seconds
of the clock that all processes share.
"""

import json
import random
import sys
import time
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

import django

if TYPE_CHECKING:
    from images.models import Picture


def main(count: int, rate: float) -> None:
    django.setup()
    from django.db import transaction

    from images.models import Picture
    from images.services import update_picture
    from notifications.feed import last_sequence

    owners = sys.stdin.read().split()
    keys = [UUID(owner) for owner in owners]
    pictures = {str(p.owner_id): p for p in Picture.objects.filter(owner__in=keys)}
    commits: list[tuple[str, str, float]] = []
    # The first event of a process loads the channel layer; it is not counted.
    update_picture(pictures[owners[0]], description="warm-up")
    time.sleep(1)
    chance, begin = random.Random(7), time.monotonic() + 0.5
    last = {owner: last_sequence(pictures[owner].owner_id) for owner in owners}
    for number in range(count):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        owner = chance.choice(owners)
        last[owner] += 1
        with transaction.atomic():
            record = partial(_record_commit, commits, pictures[owner], last[owner])
            transaction.on_commit(record)
            update_picture(pictures[owner], description=f"{number}")
    print(json.dumps(commits))


def _record_commit(
    commits: list[tuple[str, str, float]], picture: "Picture", sequence: int
) -> None:
    """Registered first, so it runs before the wake-up is published."""
    now, owner = time.monotonic(), picture.owner_id
    updated_at = picture.updated_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    commits.append((f"{owner}:{sequence}", f"{owner}:{updated_at}", now))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
