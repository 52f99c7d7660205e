"""Events after a restore: no number is given a second time, so that nobody takes one for another.

Where numbers were left out, `notifications.feed.read` tells whoever comes back to load all again.
"""

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import F, Manager
from django.db.models.functions import Greatest
from django.utils import timezone

# More than an account's events between a dump and its restore.
LEAP = 1_000_000


def leave_numbers_out() -> None:
    """Raise every account's position past all that it was ever given.

    The clock does so too, in milliseconds, where the same dump is restored a second time: the
    leap alone would then end where it ended before. An account whose first event came after the
    dump has no row yet.
    """
    feeds = _feeds()
    without = get_user_model().objects.exclude(pk__in=feeds.values("pk"))
    feeds.bulk_create(feeds.model(owner_id=key) for key in without.values_list("pk", flat=True))
    now = int(timezone.now().timestamp() * 1000)
    feeds.update(last=Greatest(F("last") + LEAP, now))


def _feeds() -> "Manager[Any]":
    """By name: `notifications` lies above this package."""
    found: Manager[Any] = apps.get_model("notifications", "Feed")._default_manager
    return found
