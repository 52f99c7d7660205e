"""Deleting pictures in numbers, with a receipt of everything that goes with them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from django.db import transaction

from images.models import Link, Picture, PictureQuerySet
from images.signals import pictures_deleted
from thumbnails.usage import measure

# Pictures of one transaction: it locks them, and its account's feed, for some tenths of a second.
BATCH_SIZE = 100


@dataclass(slots=True)
class DeletionReceipt:
    """What was deleted: pictures by id, and what leaves the storage with them."""

    deleted: list[int] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    links: int = 0


def delete_pictures(pictures: PictureQuerySet, ids: Sequence[int]) -> DeletionReceipt:
    """Delete those of some pictures that have one of these ids; their files follow on commit.

    Each goes with all that belongs to it or stays. They go in batches, so that after an error some
    may be gone; whoever repeats the call deletes the rest.
    """
    receipt = DeletionReceipt()
    for batch in _batches(sorted(ids)):
        _delete_batch(pictures.filter(pk__in=batch), receipt)
    return receipt


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + BATCH_SIZE] for start in range(0, len(ids), BATCH_SIZE))


@transaction.atomic
def _delete_batch(pictures: PictureQuerySet, receipt: DeletionReceipt) -> None:
    # Every writer locks pictures, in the order of their ids, before what receivers lock.
    locked = list(pictures.select_for_update(of=("self",)).order_by("pk"))
    rows = Picture.objects.filter(pk__in=[each.pk for each in locked])
    stored, links = measure(rows), Link.objects.filter(picture__in=rows).count()
    by_owner = sorted(locked, key=lambda each: each.owner_id)
    for owner_id, owned in groupby(by_owner, key=lambda each: each.owner_id):
        pictures_deleted.send(sender=Picture, owner_id=owner_id, pictures=list(owned))
    rows.delete()
    receipt.deleted += [each.pk for each in locked]
    receipt.files += stored.files
    receipt.bytes += stored.bytes
    receipt.links += links
