"""Changes pictures of random accounts at a steady rate; a process of its own.

`python -m benchmarks.sockets.writer COUNT RATE`, the accounts' ids on standard input. Prints, as
JSON, when each event was committed: "user:event" to seconds of the clock that all processes share.
"""

import json
import random
import sys
import time
from functools import partial
from uuid import UUID

import django


def main(count: int, rate: float) -> None:
    django.setup()
    from django.db import transaction

    from images.models import Picture
    from images.services import update_picture
    from notifications.feed import last_sequence

    owners = sys.stdin.read().split()
    keys = [UUID(owner) for owner in owners]
    pictures = {str(p.owner_id): p for p in Picture.objects.filter(owner__in=keys)}
    commits: list[tuple[str, float]] = []
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
            transaction.on_commit(partial(_record_commit, commits, f"{owner}:{last[owner]}"))
            update_picture(pictures[owner], description=f"{number}")
    print(json.dumps(dict(commits)))


def _record_commit(commits: list[tuple[str, float]], event: str) -> None:
    """Registered first, so it runs before the wake-up is published."""
    commits.append((event, time.monotonic()))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
