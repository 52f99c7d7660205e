"""Counting for the admin's first page: by the worker, every few seconds, never by whoever looks.

Uploads are counted by their events, which stay when a picture is deleted, from where the last
counting ended. What an account stores is added up from the ledger: a row for each account, none for
a picture. Openings of links are added as they are written (`staff.receivers`).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models import Session, User
from images.ledger import Column, Usage
from images.models import Link, Picture
from notifications.models import PictureEvent
from staff.models import Day, TierCounts
from tiers.models import Tier

# So often at most; and so large a part of the time at most, however long it takes.
INTERVAL = timedelta(seconds=10)
_MAX_SHARE = 0.01
# A worker that has not ended by then is taken for dead.
_LEASE = timedelta(minutes=1)
# An event is written so long before its commit at most, within which it may not be seen yet.
_SETTLED_AFTER = timedelta(seconds=30)
# So many days are shown.
SHOWN_DAYS = 30


def count_if_due() -> bool:
    """Count everything anew, unless that was done a moment ago; return whether it was."""
    now = timezone.now()
    Day.objects.bulk_create([Day(date=now.date())], ignore_conflicts=True)
    today = Day.objects.filter(date=now.date())
    # Of several workers one counts. It holds no lock, since whoever opens a link adds to the row.
    if not today.filter(Q(due_at=None) | Q(due_at__lte=now)).update(due_at=now + _LEASE):
        return False
    began = monotonic()
    _count_uploads(now)
    tiers = _count_tiers()
    links = Link.objects.with_openings().filter(revoked_at=None, expires_at__gt=now)
    counts = {
        "tiers": [list(each) for each in tiers],
        "accounts": sum(each.accounts for each in tiers),
        "live_links": links.count(),
        "live_sessions": Session.objects.live().count(),
    }
    took = timedelta(seconds=monotonic() - began)
    due_at = now + max(INTERVAL, took / _MAX_SHARE)
    today.update(counted_at=now, due_at=due_at, **counts)
    return True


def _count_tiers() -> list[TierCounts]:
    by_tier = {row["owner__tier"]: row for row in _sums_of_usage()}
    open_accounts = User.objects.filter(removal_due_at=None).order_by()
    accounts = dict(open_accounts.values_list("tier").annotate(count=Count("pk")))
    found = []
    for tier_id, name in Tier.objects.order_by("name").values_list("pk", "name"):
        sums = by_tier.get(tier_id, {})
        # A release that does not know the ledger may have left an amount below zero.
        amounts = (max(0, sums.get(f"sum_{column}") or 0) for column in Column)
        found.append(TierCounts(name, accounts.get(tier_id, 0), *amounts))
    return found


def _sums_of_usage() -> QuerySet[Usage, Any]:
    sums = {f"sum_{column}": Sum(str(column)) for column in Column}
    return Usage.objects.values("owner__tier").annotate(**sums).order_by()


def _count_uploads(now: datetime) -> None:
    """Add the uploads since the last counting to their days.

    The first counting fills the days before it, by the pictures that are left.
    """
    until = now - _SETTLED_AFTER
    last = Day.objects.exclude(uploads_until=None).order_by("-date").first()
    if last is None or last.uploads_until is None:
        uploads = _count_pictures_before(until)
    else:
        until = max(until, last.uploads_until)
        parts = _cut_by_day(last.uploads_until, until)
        uploads = {begin.date(): count_uploads(begin, end) for begin, end in parts}
    with transaction.atomic():
        # Whoever has counted the same meanwhile has moved this on.
        if last and not Day.objects.filter(date=last.date, uploads_until=last.uploads_until).update(
            uploads_until=until
        ):
            return
        for day, count in sorted(uploads.items()):
            if count:
                add_to_day(day, uploads=count)
        Day.objects.filter(date=now.date()).update(uploads_until=until)


def _count_pictures_before(until: datetime) -> dict[date, int]:
    midnight = datetime.combine(until.date(), datetime.min.time(), UTC)
    recent = Picture.objects.filter(
        created_at__gte=midnight - timedelta(days=SHOWN_DAYS), created_at__lt=until
    )
    by_day = recent.annotate(day=TruncDate("created_at", tzinfo=UTC)).order_by()
    return dict(by_day.values_list("day").annotate(count=Count("pk")))


def _cut_by_day(begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the parts of a time that lie on different days."""
    while begin < end:
        midnight = datetime.combine(begin.date() + timedelta(days=1), datetime.min.time(), UTC)
        yield begin, min(midnight, end)
        begin = midnight


def count_uploads(begin: datetime, end: datetime, *, at_most: int | None = None) -> int:
    """Return how many pictures were uploaded in a time, those included that are gone by now."""
    events = PictureEvent.objects.filter(type="picture.created", at__gte=begin, at__lt=end)
    return events.order_by().values("pk")[:at_most].count()


def add_to_day(day: date, **amounts: int) -> None:
    """Add to what happened on a day."""
    changes = {name: F(name) + amount for name, amount in amounts.items()}
    row = Day.objects.filter(date=day)
    if not row.update(**changes):
        # Of two first changes at the same time one makes the row, then both count.
        Day.objects.bulk_create([Day(date=day)], ignore_conflicts=True)
        row.update(**changes)
