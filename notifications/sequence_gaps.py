"""Sequence gaps after a restore, so that no sequence is given to two different events.

`notifications.feed.read_events` answers whoever resumes from before a gap with `events.reset`.
"""

from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts.models import User
from notifications.models import Feed

# More events than any account has between a dump and its restore.
MIN_GAP = 1_000_000


def skip_sequences() -> None:
    """Raise every account's last sequence above any that it ever had.

    The new value is at least the clock in milliseconds: when the same dump is restored twice, the
    gap alone would lead to the same sequences again. An account whose first event came after the
    dump has no row yet and gets one.
    """
    accounts_without_feed = User.objects.exclude(pk__in=Feed.objects.values("pk"))
    Feed.objects.bulk_create(
        Feed(owner_id=key) for key in accounts_without_feed.values_list("pk", flat=True)
    )
    now = int(timezone.now().timestamp() * 1000)
    Feed.objects.update(last=Greatest(F("last") + MIN_GAP, now))
