"""Events after a restore: no number is given a second time, so that nobody takes one for another.

Where numbers were left out, `notifications.feed.read` tells whoever comes back to load all again.
"""

from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts.models import User
from notifications.models import Feed

# More than an account's events between a dump and its restore.
LEAP = 1_000_000


def leave_numbers_out() -> None:
    """Raise every account's position past all that it was ever given.

    The clock does so too, in milliseconds, where the same dump is restored a second time: the
    leap alone would then end where it ended before. An account whose first event came after the
    dump has no row yet.
    """
    without = User.objects.exclude(pk__in=Feed.objects.values("pk"))
    Feed.objects.bulk_create(Feed(owner_id=key) for key in without.values_list("pk", flat=True))
    now = int(timezone.now().timestamp() * 1000)
    Feed.objects.update(last=Greatest(F("last") + LEAP, now))
