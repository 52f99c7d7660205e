"""Deleting pictures and thumbnails in numbers: a commit for each batch, a query for each table.

So go all pictures of an account, chosen ones, and what a tier no longer grants, whoever wants it.
What a commit has deleted stays deleted; whoever repeats the call deletes the rest. The files follow
after each commit, those of many by the worker (`images.removals`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

from accounts.models import User
from images.caching import invalidate
from images.ledger import CountedRow, counted_transaction, delete_rows
from images.models import Link, Picture, PictureQuerySet
from images.services import empty_folder
from images.signals import pictures_cleared, pictures_deleted
from lib.after_commit import run_after_commit
from lib.batches import LOCKED_BATCH_SIZE, in_batches, let_others_write
from thumbnails.models import RenderClaim, Rendition, Thumbnail


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
            by_owner = sorted(locked, key=lambda each: each.owner_id)
            for owner_id, owned in groupby(by_owner, key=lambda each: each.owner_id):
                pictures_deleted.send(sender=Picture, owner_id=owner_id, pictures=list(owned))
            _delete(locked, receipt)
    return receipt


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
    meanwhile stays.
    """
    count, rest = _clear(owner_id)
    # Whoever heard of the clearing and looked at once saw these still: each is told of again.
    count += len(delete_pictures(Picture.objects.owned_by(owner_id), rest).deleted)
    run_after_commit(empty_folder, owner_id)
    return count


def _clear(owner_id: UUID) -> tuple[int, list[int]]:
    """Tell that an account's pictures go, and delete the first batch of them.

    Returns how many were deleted, and the ids of the others. The lock makes an upload wait, so that
    it is none of them and is told after this.
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
        return len(locked), list(owned.values_list("pk", flat=True)) if is_full else []


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
