"""Deleting pictures and thumbnails in numbers: a commit for each batch, a query for each table.

So go all pictures of an account, chosen ones, and what a tier no longer grants, whoever wants it.
What a commit has deleted stays deleted. Where all pictures of an account are to go, a row says so
until the last is gone (`Clearing`), so that the worker deletes the rest of what dies halfway. The
files follow after each commit, those of many by the worker (`images.removals`).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from images.caching import invalidate
from images.ledger import CountedRow, counted_transaction, delete_rows
from images.models import Link, Picture, PictureQuerySet
from images.services import empty_folder
from images.signals import pictures_cleared, pictures_deleted
from lib.after_commit import run_after_commit
from lib.background import background
from lib.batches import LOCKED_BATCH_SIZE, in_batches, let_others_write
from thumbnails.models import Clearing, RenderClaim, Rendition, Thumbnail

# Whoever deletes all pictures says within this time that more are gone, or is taken for dead.
LEASE = timedelta(minutes=1)
# For so long one worker goes on with an account; then others have their turn.
TURN_SECONDS = 10.0


@dataclass(slots=True)
class DeletionReceipt:
    """What was deleted: pictures by id, and what leaves the storage with them."""

    deleted: list[int] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    links: int = 0


def delete_pictures(pictures: PictureQuerySet, ids: Sequence[int]) -> DeletionReceipt:
    """Delete those of some pictures that have one of these ids, and tell their owners.

    Each goes with all that belongs to it or stays.
    """
    receipt = DeletionReceipt()
    for number, batch in enumerate(in_batches(sorted(ids), LOCKED_BATCH_SIZE)):
        if number:
            let_others_write()
        with counted_transaction():
            locked = _lock(pictures.filter(pk__in=batch))
            _tell_owners(locked)
            _delete(locked, receipt)
    return receipt


def _tell_owners(locked: Sequence[Picture]) -> None:
    by_owner = sorted(locked, key=lambda each: each.owner_id)
    for owner_id, owned in groupby(by_owner, key=lambda each: each.owner_id):
        pictures_deleted.send(sender=Picture, owner_id=owner_id, pictures=list(owned))


def delete_next_pictures(owner_id: UUID) -> int:
    """Delete a batch of an account's pictures, and tell nobody; return how many there were."""
    with counted_transaction():
        locked = _lock(Picture.objects.owned_by(owner_id))
        _delete(locked, DeletionReceipt())
        invalidate(owner_id)
    return len(locked)


def delete_all(owner_id: UUID) -> int:
    """Delete every picture of an account, and its folder; return how many there were.

    Calling it again is harmless, also after the account itself was deleted. What is uploaded
    meanwhile stays. The worker goes on where this process dies after the first commit.
    """
    count, clearing = _clear(owner_id)
    has_more = clearing is not None
    while clearing and has_more:
        let_others_write()
        deleted, has_more = _go_on(clearing)
        count += deleted
    run_after_commit(empty_folder, owner_id)
    return count


def finish_clearings() -> bool:
    """Go on where whoever deleted all pictures of an account died; return whether more is left."""
    now = timezone.now()
    due = list(Clearing.objects.filter(due_at__lte=now).order_by("due_at")[:20])
    unfinished = [each for each in due if _finish_for_a_turn(each)]
    return bool(unfinished)


def _finish_for_a_turn(clearing: Clearing) -> bool:
    """Delete batch by batch; return whether more is left. Another worker's is left alone."""
    mine, end = Clearing.objects.filter(pk=clearing.pk), time.monotonic() + TURN_SECONDS
    if not mine.filter(due_at=clearing.due_at).update(due_at=timezone.now() + LEASE):
        return False
    while _go_on(clearing)[1]:
        if background.is_stopping or time.monotonic() > end:
            mine.update(due_at=timezone.now())
            return True
        let_others_write()
    empty_folder(clearing.owner_id)
    return False


def _clear(owner_id: UUID) -> tuple[int, Clearing | None]:
    """Tell that an account's pictures go, and delete the first batch of them.

    Returns how many were deleted, and the order to delete the others. The lock makes an upload
    wait, so that it is none of them and is told after this.
    """
    with counted_transaction():
        User.objects.lock(owner_id)
        owned = Picture.objects.owned_by(owner_id)
        locked = _lock(owned)
        if locked:
            pictures_cleared.send(sender=Picture, owner_id=owner_id)
        _delete(locked, DeletionReceipt())
        invalidate(owner_id)
        is_full = len(locked) == LOCKED_BATCH_SIZE
        last = owned.aggregate(last=Max("pk"))["last"] if is_full else None
        if last is None:
            return len(locked), None
        return len(locked), Clearing.objects.create(
            owner_id=owner_id, last_picture_id=last, due_at=timezone.now() + LEASE
        )


def _go_on(clearing: Clearing) -> tuple[int, bool]:
    """Delete the next batch; return how many there were, and whether there may be more.

    Whoever heard of the clearing and looked at once saw these still: each is told of again.
    """
    order = Clearing.objects.filter(pk=clearing.pk)
    with counted_transaction():
        owned = Picture.objects.owned_by(clearing.owner_id)
        locked = _lock(owned.filter(pk__lte=clearing.last_picture_id))
        _tell_owners(locked)
        _delete(locked, DeletionReceipt())
        if len(locked) < LOCKED_BATCH_SIZE:
            order.delete()
            return len(locked), False
        order.update(due_at=timezone.now() + LEASE)
    return len(locked), True


def delete_thumbnails(thumbnails: Sequence[Thumbnail]) -> None:
    """Delete thumbnails of locked pictures, with the renditions that were made of them.

    The caller bounds their number, and opens a `counted_transaction`.
    """
    if thumbnails:
        keys = [each.key for each in thumbnails]
        delete_rows(list(Rendition.objects.filter(source_key__in=keys)))
        delete_rows(thumbnails)


def delete_chosen_thumbnails(ids: Sequence[int]) -> None:
    """Delete a batch of thumbnails; they are rendered again when their pictures' are requested."""
    pictures = Picture.objects.filter(pk__in=Thumbnail.objects.filter(pk__in=ids).values("picture"))
    with counted_transaction():
        for owner_id in {each.owner_id for each in _lock(pictures)}:
            invalidate(owner_id)
        delete_thumbnails(list(Thumbnail.objects.filter(pk__in=ids)))


def _lock(pictures: PictureQuerySet) -> list[Picture]:
    # Every writer locks pictures, in the order of their ids, before what receivers lock.
    return list(pictures.select_for_update(of=("self",)).order_by("pk")[:LOCKED_BATCH_SIZE])


def _delete(locked: Sequence[Picture], receipt: DeletionReceipt) -> None:
    """Delete locked pictures with all that refers to them, in a `counted_transaction`."""
    ids = [each.pk for each in locked]
    if not ids:
        return
    links = Link.objects.filter(picture__in=ids)
    # A test walks what refers to pictures; nothing refers to a link.
    receipt.links += links._raw_delete(links.db)
    claims = RenderClaim.objects.filter(picture__in=ids)
    claims._raw_delete(claims.db)
    every: tuple[Sequence[CountedRow], ...] = (
        list(Thumbnail.objects.filter(picture__in=ids)),
        list(Rendition.objects.filter(picture__in=ids)),
        locked,
    )
    for rows in every:
        delete_rows(rows)
        receipt.files += sum(len(each.files) for each in rows)
        receipt.bytes += sum(file.bytes or 0 for each in rows for file in each.files)
    receipt.deleted += ids
