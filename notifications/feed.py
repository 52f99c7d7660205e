"""An account's events in the order of their commits: written, read after any one, forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from images.models import Picture
from notifications.events import Event, FeedEventType, event_of, events_of, facts_of, reset
from notifications.models import Feed, PictureEvent

KEPT = timedelta(days=7)
PAGE = 100
_FORGOTTEN_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Page:
    """Some events after a position; `last` is the newest event there is."""

    events: list[Event]
    last: int
    has_more: bool


@transaction.atomic(savepoint=False)
def record(owner_id: UUID, kind: FeedEventType, picture: Picture | None = None) -> Event:
    """Write an event into the running transaction, and keep its successors waiting for the commit.

    The caller must hold the locks it needs on pictures: whoever locks both locks pictures first.
    """
    row = PictureEvent.objects.create(
        owner_id=owner_id,
        sequence=_next_sequence(owner_id),
        type=kind,
        picture=facts_of(picture) if picture else None,
    )
    return event_of(row)


def _next_sequence(owner_id: UUID) -> int:
    """Raise the account's counter; the row stays locked, so the next writer counts after us."""
    feed = Feed.objects.filter(owner=owner_id)
    if not feed.update(last=F("last") + 1):
        # Two first events at once: one of them makes the row, both then count on it.
        Feed.objects.bulk_create([Feed(owner_id=owner_id)], ignore_conflicts=True)
        feed.update(last=F("last") + 1)
    return feed.values_list("last", flat=True).get()


def position(owner_id: UUID) -> int:
    """Return the sequence of the newest event, 0 before the first."""
    last = Feed.objects.filter(owner=owner_id).values_list("last", flat=True).first()
    return last or 0


def positions(owner_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the newest sequence of each account that has events."""
    return dict(Feed.objects.filter(owner__in=owner_ids).values_list("owner_id", "last"))


def read(owner_id: UUID, after: int, limit: int = PAGE) -> Page:
    """Return what followed event `after`; one `events.reset` where that is no longer all kept.

    The position is read first: every row up to it is there unless it was forgotten.
    """
    last = position(owner_id)
    if after == last:
        return Page([], last, has_more=False)
    newer = PictureEvent.objects.filter(owner=owner_id, sequence__gt=after).order_by("sequence")
    rows = _unbroken(after, list(newer[:limit]))
    if not rows:
        return Page([reset(last, timezone.now(), owner_id)], last, has_more=False)
    return Page(events_of(rows), last, has_more=rows[-1].sequence < last)


def oldest(owner_id: UUID) -> int:
    """Return the position before the oldest event that is kept."""
    first = PictureEvent.objects.filter(owner=owner_id).order_by("sequence")
    sequence = first.values_list("sequence", flat=True).first()
    return position(owner_id) if sequence is None else sequence - 1


def forget_old() -> int:
    """Delete a batch of events that are kept no longer; returns how many."""
    old = PictureEvent.objects.filter(at__lt=timezone.now() - KEPT).order_by("pk")
    keys = list(old.values_list("pk", flat=True)[:_FORGOTTEN_AT_ONCE])
    return PictureEvent.objects.filter(pk__in=keys).delete()[0]


def _unbroken(after: int, rows: list[PictureEvent]) -> list[PictureEvent]:
    """Return the rows up to the first hole: clocks that differ may forget in another order."""
    wanted = range(after + 1, after + 1 + len(rows))
    for count, (row, sequence) in enumerate(zip(rows, wanted, strict=True)):
        if row.sequence != sequence:
            return rows[:count]
    return rows
