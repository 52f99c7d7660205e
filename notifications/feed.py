"""An account's events in the order of their commits: recorded, read from any position, purged."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from images.models import Picture
from lib.compiled_insert import CompiledInsert
from notifications.events import (
    AccountEventType,
    Event,
    FeedEventType,
    PictureEventType,
    event_payload,
    event_payloads,
    events_reset_payload,
    picture_facts,
)
from notifications.models import Feed, PictureEvent

_events = CompiledInsert(PictureEvent)
RETENTION = timedelta(days=7)
PAGE_SIZE = 100
PURGE_BATCH_SIZE = 5_000
# Django's own updates return nothing.
_ADD_TO_LAST = "update notifications_feed set last = last + %s where owner_id = %s returning last"


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events after a position; `last` is the sequence of the newest event there is."""

    events: list[Event]
    last: int
    has_more: bool


@transaction.atomic(savepoint=False)
def record_event(
    owner_id: UUID,
    kind: FeedEventType,
    picture: Picture | None = None,
    *,
    link_id: int | None = None,
) -> Event:
    """Record an event in the running transaction; the account's next event waits for its commit.

    The caller must already hold the locks that it needs on pictures: pictures are locked before the
    feed everywhere, so that no two transactions wait for each other.
    """
    row = PictureEvent(
        owner_id=owner_id,
        sequence=_next_sequence(owner_id),
        type=kind,
        picture=picture_facts(picture) if picture else None,
        link_id=link_id,
    )
    _events.insert(row)
    return event_payload(row)


@transaction.atomic(savepoint=False)
def record_events(owner_id: UUID, kind: PictureEventType, pictures: list[Picture]) -> list[Event]:
    """Record an event for each of an account's pictures, as `record_event` does for one."""
    first = _next_sequence(owner_id, len(pictures)) - len(pictures) + 1
    rows = PictureEvent.objects.bulk_create(
        PictureEvent(
            owner_id=owner_id, sequence=sequence, type=kind, picture=picture_facts(picture)
        )
        for sequence, picture in enumerate(pictures, first)
    )
    return event_payloads(rows)


@transaction.atomic(savepoint=False)
def record_for_accounts(owner_ids: Collection[UUID], kind: AccountEventType) -> dict[UUID, Event]:
    """Record the same event for each of some accounts; as many statements however many they are."""
    Feed.objects.bulk_create((Feed(owner_id=each) for each in owner_ids), ignore_conflicts=True)
    # In the order of their ids, so that of two that lock several none waits for the other.
    feeds = Feed.objects.filter(owner__in=owner_ids).order_by("pk")
    last = dict(feeds.select_for_update(no_key=True).values_list("owner_id", "last"))
    Feed.objects.filter(owner__in=owner_ids).update(last=F("last") + 1)
    rows = PictureEvent.objects.bulk_create(
        PictureEvent(owner_id=owner_id, sequence=sequence + 1, type=kind)
        for owner_id, sequence in last.items()
    )
    return {each.owner_id: event_payload(each) for each in rows}


def _next_sequence(owner_id: UUID, count: int = 1) -> int:
    """Add to the account's counter; the row stays locked until the commit."""
    last = _add_to_last(owner_id, count)
    if last is None:
        # Of two first events at the same time one creates the row, then both add to it.
        Feed.objects.bulk_create([Feed(owner_id=owner_id)], ignore_conflicts=True)
        last = _add_to_last(owner_id, count)
    if last is None:
        raise Feed.DoesNotExist
    return last


def _add_to_last(owner_id: UUID, count: int) -> int | None:
    """Add to the counter and return it, by one statement; None where there is no row."""
    owner = Feed._meta.pk.get_db_prep_value(owner_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(_ADD_TO_LAST, [count, owner])
        row = cursor.fetchone()
    return int(row[0]) if row else None


def last_sequence(owner_id: UUID) -> int:
    """Return the sequence of the newest event, 0 before the first."""
    last = Feed.objects.filter(owner=owner_id).values_list("last", flat=True).first()
    return last or 0


def last_sequences(owner_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the newest sequence of each account that has events."""
    return dict(Feed.objects.filter(owner__in=owner_ids).values_list("owner_id", "last"))


def read_events(owner_id: UUID, after: int, limit: int = PAGE_SIZE) -> EventPage:
    """Return the events after `after`, or one `events.reset` where some are no longer kept.

    The newest sequence is read first, so a missing row up to it has been purged.
    """
    last = last_sequence(owner_id)
    if after == last:
        return EventPage([], last, has_more=False)
    newer = PictureEvent.objects.filter(owner=owner_id, sequence__gt=after).order_by("sequence")
    rows = _rows_before_gap(after, list(newer[:limit]))
    if not rows:
        return EventPage(
            [events_reset_payload(last, timezone.now(), owner_id)], last, has_more=False
        )
    return EventPage(event_payloads(rows), last, has_more=rows[-1].sequence < last)


def position_before_oldest(owner_id: UUID) -> int:
    """Return the sequence from which all kept events follow."""
    first = PictureEvent.objects.filter(owner=owner_id).order_by("sequence")
    sequence = first.values_list("sequence", flat=True).first()
    return last_sequence(owner_id) if sequence is None else sequence - 1


def purge_old_events() -> int:
    """Delete a batch of events older than RETENTION; return how many."""
    old = PictureEvent.objects.filter(at__lt=timezone.now() - RETENTION).order_by("pk")
    keys = list(old.values_list("pk", flat=True)[:PURGE_BATCH_SIZE])
    return PictureEvent.objects.filter(pk__in=keys).delete()[0]


def _rows_before_gap(after: int, rows: list[PictureEvent]) -> list[PictureEvent]:
    """Return the rows up to the first gap; clocks that differ may purge in another order."""
    expected = range(after + 1, after + 1 + len(rows))
    for count, (row, sequence) in enumerate(zip(rows, expected, strict=True)):
        if row.sequence != sequence:
            return rows[:count]
    return rows
