"""Backfills: the thumbnails of all pictures of a tier or an account, after a change of the tier.

A backfill goes through pictures by a cursor that stands in its row. It passes over those that have
what is granted, deletes thumbnails that no longer are, and requests rendering of the rest: of at
most MAX_WANTED pictures at once, in all backfills together, so that no queue grows, and one that is
paused stops at once. Accounts take turns, newest pictures first. Whichever worker has time goes on
(`go_on`), one at a time; what dies with it is looked at again, which does no harm.
"""

import time
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from images.ledger import counted_transaction
from images.models import NO_BACKFILL, Picture
from lib.batches import LOCKED_BATCH_SIZE
from lib.keyset import Cursor, rows_after
from thumbnails.claims import give_all_attempts
from thumbnails.deletion import delete_thumbnails
from thumbnails.models import Backfill, Thumbnail
from thumbnails.signals import backfill_ended, backfill_started
from tiers.models import Tier, TierHeight

# Pictures whose thumbnails are requested and not there yet. Some workers' work of a minute.
MAX_WANTED = 200
# Of one account, before the next has its turn.
MAX_WANTED_IN_TURN = 10
# Pictures that one query looks at.
BATCH_SIZE = 500
# Accounts of a backfill that take turns with each other; others follow as soon as one has ended.
MAX_ACCOUNTS = 100
# Accounts that are looked through for some with pictures.
_ACCOUNTS_AT_ONCE = 1_000
# So many backfills go on together.
_MAX_BACKFILLS = 100
# After so long a worker writes down how far it has come.
TURN_SECONDS = 0.5
# A worker that has written nothing for so long is taken for dead.
LEASE = timedelta(seconds=30)
# For how long one that has ended is kept.
RETENTION = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class _Grant:
    """What a tier's pictures should have."""

    heights: Collection[int]
    quality: int


class _Grants:
    """The grants of tiers, each loaded once in a turn."""

    def __init__(self) -> None:
        self._by_tier: dict[int, _Grant] = {}

    def of(self, tier_id: int) -> _Grant:
        if tier_id not in self._by_tier:
            tier = Tier.objects.prefetch_related("heights").get(pk=tier_id)
            self._by_tier[tier_id] = _Grant(
                {row.height for row in tier.heights.all()}, tier.quality
            )
        return self._by_tier[tier_id]


@dataclass
class _Found:
    """What a turn has found, not written down yet."""

    wanted: list[int] = field(default_factory=list)
    # Pictures that have all that is granted, and more.
    surplus: list[int] = field(default_factory=list)
    looked_at: int = 0


@transaction.atomic
def start_backfill(
    *, tier: Tier | None = None, owner: UUID | None = None, accounts: Sequence[UUID] = ()
) -> None:
    """Have all pictures of a tier or an account looked through, and rendered where need be.

    With `accounts` those of at most MAX_ACCOUNTS accounts of the tier alone. Send
    `backfill_started`.
    """
    turns = [[account.hex, ""] for account in accounts]
    backfill = Backfill.objects.create(
        tier=tier, owner_id=owner, accounts=turns, has_all_accounts=bool(turns)
    )
    backfill_started.send(sender=Backfill, backfill=backfill)


class Progress(NamedTuple):
    """What a moment's work came to: so many pictures to render, and whether to go on at once."""

    wanted: int
    has_more: bool


def go_on() -> Progress:
    """Go on with the running backfills for a moment.

    Nothing comes of it while enough pictures wait for thumbnails, or another worker is at it.
    """
    room = (
        MAX_WANTED - Picture.objects.of_backfills().filter(render_backfill__gt=NO_BACKFILL).count()
    )
    if room <= 0:
        return Progress(0, has_more=False)
    turns = deque(_Turn(each) for each in _lease())
    took_turns = list(turns)
    grants, end = _Grants(), time.monotonic() + TURN_SECONDS
    while turns and room > 0 and time.monotonic() < end:
        turn = turns.popleft()
        room -= turn.look(grants, min(room, MAX_WANTED_IN_TURN))
        if turn.is_open:
            turns.append(turn)
    found = [turn.write() for turn in took_turns]
    return Progress(sum(each.wanted for each in found), any(each.has_more for each in found))


@transaction.atomic
def _lease() -> list[Backfill]:
    """Take the running backfills that nobody has, those first that waited longest."""
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    rows = (
        Backfill.objects.running().filter(free).order_by(F("turn_at").asc(nulls_first=True), "pk")
    )
    taken = list(rows.select_for_update(skip_locked=True)[:_MAX_BACKFILLS])
    Backfill.objects.filter(pk__in=[each.pk for each in taken]).update(leased_until=now + LEASE)
    for each in taken:
        each.leased_until = now + LEASE
    return taken


class _Turn:
    """One worker's turn with a backfill: it looks, and then writes all down by one commit."""

    def __init__(self, backfill: Backfill) -> None:
        self._backfill = backfill
        self._accounts: deque[tuple[str, str]] = deque((a, c) for a, c in backfill.accounts)
        self._found = _Found()

    @property
    def is_open(self) -> bool:
        """Whether more may be looked at before what was found is written down."""
        has_more = bool(self._accounts) or not self._backfill.has_all_accounts
        return has_more and len(self._found.surplus) < LOCKED_BATCH_SIZE

    def look(self, grants: _Grants, room: int) -> int:
        """Let the next account have its turn; return how many pictures should be rendered."""
        if not self._backfill.has_all_accounts and len(self._accounts) < MAX_ACCOUNTS // 2:
            self._add_accounts()
        if not self._accounts:
            return 0
        account, text = self._accounts.popleft()
        cursor = Cursor.decode(text) if text else None
        wanted, after = self._look_at_account(UUID(account), cursor, grants, room)
        if after is not None:
            self._accounts.append((account, after.encode()))
        return wanted

    def _add_accounts(self) -> None:
        """Let further accounts of the tier take turns: such as have pictures, in order of ids."""
        backfill = self._backfill
        if backfill.owner_id:
            self._accounts.append((backfill.owner_id.hex, ""))
            backfill.has_all_accounts = True
            return
        own = Picture.objects.filter(owner=OuterRef("pk"))
        users = User.objects.filter(tier=backfill.tier_id, removal_due_at=None)
        if backfill.after_account:
            users = users.filter(pk__gt=backfill.after_account)
        found = users.order_by("pk").values_list("pk", _one_of(own))[:_ACCOUNTS_AT_ONCE]
        count = 0
        for user_id, picture_id in found:
            if len(self._accounts) >= MAX_ACCOUNTS:
                return
            count, backfill.after_account = count + 1, user_id
            if picture_id is not None:
                self._accounts.append((user_id.hex, ""))
        backfill.has_all_accounts = count < _ACCOUNTS_AT_ONCE

    def _look_at_account(
        self, owner_id: UUID, cursor: Cursor | None, grants: _Grants, room: int
    ) -> tuple[int, Cursor | None]:
        """Look at the next pictures of an account; return how many want rendering, and the cursor.

        That is None when all were looked at, or are no longer of the tier.
        """
        owners = User.objects.filter(pk=owner_id)
        tier_id = self._backfill.tier_id or owners.values_list("tier", flat=True).first()
        if tier_id is None:
            return 0, None
        grant = grants.of(tier_id)
        rows = list(_look_up(owner_id, tier_id, grant, cursor)[:BATCH_SIZE])
        wanted = 0
        for picture_id, created_at, rendering, placeholder, fresh, surplus_id in rows:
            self._found.looked_at += 1
            is_ready = rendering == Picture.Rendering.READY and placeholder != ""
            if not is_ready or fresh < len(grant.heights):
                self._found.wanted.append(picture_id)
                wanted += 1
            elif surplus_id is not None:
                self._found.surplus.append(picture_id)
            if wanted == room:
                return wanted, Cursor(created_at, picture_id)
        if len(rows) < BATCH_SIZE:
            return wanted, None
        return wanted, Cursor(rows[-1][1], rows[-1][0])

    def write(self) -> Progress:
        """Request and delete what was found wanting, and write down how far this has come.

        Nothing happens where the backfill was deleted,
        or another worker took it for left.
        """
        backfill, found = self._backfill, self._found
        mine = Backfill.objects.filter(pk=backfill.pk, leased_until=backfill.leased_until)
        with counted_transaction():
            # Every writer locks pictures, in the order of their ids, before what comes after.
            _lock(found.wanted + found.surplus)
            if not mine.update(**self._position()):
                return Progress(0, has_more=False)
            Picture.objects.filter(pk__in=found.wanted).mark_pending(backfill=backfill.pk)
            give_all_attempts(found.wanted)
            if found.surplus:
                removed = list(_not_granted(found.surplus))
                delete_thumbnails(removed)
                count_thumbnails(backfill.pk, removed=removed, dropped=removed)
        has_more = bool(self._accounts) or not backfill.has_all_accounts
        if not has_more:
            _end_if_done(backfill)
        return Progress(len(found.wanted), has_more=has_more or bool(found.wanted))

    def _position(self) -> dict[str, Any]:
        return {
            "accounts": [list(each) for each in self._accounts],
            "after_account": self._backfill.after_account,
            "has_all_accounts": self._backfill.has_all_accounts,
            "pictures_done": F("pictures_done") + self._found.looked_at,
            "turn_at": timezone.now(),
            "leased_until": None,
        }


def _look_up(
    owner_id: UUID, tier_id: int, grant: _Grant, cursor: Cursor | None
) -> QuerySet[Picture, tuple[int, datetime, str, str, int, int | None]]:
    """Return an account's next pictures, with how much of what is granted they have, and one more.

    One query, whose subqueries read an index of thumbnails for each row that is returned.
    """
    own = Thumbnail.objects.filter(picture=OuterRef("pk")).order_by()
    fresh = own.filter(height__in=grant.heights, quality=grant.quality, is_stale=False)
    counted = fresh.values("picture").annotate(count=Count("pk")).values("count")
    pictures = Picture.objects.filter(owner=owner_id, owner__tier=tier_id)
    return rows_after(cursor, pictures).values_list(
        "pk",
        "created_at",
        "rendering",
        "thumbhash",
        Coalesce(Subquery(counted), 0),
        _one_of(own.exclude(height__in=grant.heights)),
    )


def _one_of(rows: QuerySet[Any]) -> Subquery:
    """Return the key of one of the rows that belong to an outer row, or null.

    Not `Exists`: for that PostgreSQL may read all rows of the table once, for each batch anew.
    """
    return Subquery(rows.order_by().values("pk")[:1])


def _not_granted(picture_ids: Sequence[int]) -> QuerySet[Thumbnail]:
    """Return the pictures' thumbnails at heights that their owners' tiers do not grant now."""
    tiers = OuterRef("owner__tier")
    granted = TierHeight.objects.filter(tier=tiers, height=OuterRef("height"))
    return Thumbnail.objects.filter(~Exists(granted), picture__in=picture_ids)


def _lock(picture_ids: Sequence[int]) -> None:
    rows = Picture.objects.filter(pk__in=picture_ids).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def count_thumbnails(
    backfill_id: int,
    *,
    made: Collection[Thumbnail] = (),
    removed: Collection[Thumbnail] = (),
    dropped: Collection[Thumbnail] = (),
) -> None:
    """Add to what a backfill has done; nothing where there is none of this id.

    `removed` are no longer granted; `dropped` are these and those that others replace.
    """
    Backfill.objects.filter(pk=backfill_id).update(
        thumbnails_made=F("thumbnails_made") + len(made),
        thumbnails_removed=F("thumbnails_removed") + len(removed),
        bytes_made=F("bytes_made") + _bytes_of(made),
        bytes_removed=F("bytes_removed") + _bytes_of(dropped),
    )


def _bytes_of(thumbnails: Collection[Thumbnail]) -> int:
    return sum(file.bytes or 0 for each in thumbnails for file in each.files)


def _end_if_done(backfill: Backfill) -> None:
    """End a backfill that has looked at everything, once nothing that it requested is pending.

    Send `backfill_ended` then.
    """
    if Picture.objects.of_backfills().filter(render_backfill=backfill.pk).exists():
        return
    with transaction.atomic():
        if not Backfill.objects.running().filter(pk=backfill.pk).end():
            return
        backfill_ended.send(sender=Backfill, backfill=backfill)
    Backfill.objects.filter(ended_at__lt=timezone.now() - RETENTION).delete()
