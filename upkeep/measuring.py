"""Sizes of the copies that older releases made: their rows do not say them, the storage does."""

from collections.abc import Iterator
from contextlib import suppress

from images.ledger import Column, count_bytes, counted_transaction
from images.models import HAS_CLEAN_COPY, Picture
from images.services import lock_picture
from images.storage.base import picture_storage
from thumbnails.models import Rendition
from upkeep.referenced_keys import FileKind, ReferencedKey

BATCH_SIZE = 1_000


def record_size(reference: ReferencedKey, size: int) -> None:
    """Write the size of a copy into its row, and into the ledger, unless it is known by now."""
    key, picture_id = reference.key, reference.picture_id
    with suppress(Picture.DoesNotExist), counted_transaction():
        owner_id = lock_picture(picture_id).owner_id
        if reference.kind == FileKind.STRIPPED:
            pictures = Picture.objects.filter(pk=picture_id, clean_key=key, clean_bytes=None)
            updated = pictures.update(clean_bytes=size)
        else:
            updated = Rendition.objects.filter(key=key, bytes=None).update(bytes=size)
        if updated:
            count_bytes(owner_id, Column.OTHER, size)


def measure_copies() -> int:
    """Record the size of every copy that has none; return how many had none.

    A missing file stays without: `verify_storage` finds it.
    """
    count = 0
    for reference in _unmeasured():
        count += 1
        with suppress(FileNotFoundError):
            record_size(reference, picture_storage.size(reference.key))
    return count


def _unmeasured() -> Iterator[ReferencedKey]:
    copies = Picture.objects.filter(HAS_CLEAN_COPY, clean_bytes=None)
    stripped = copies.values_list("clean_key", "pk")
    for key, picture_id in stripped.order_by("pk").iterator(chunk_size=BATCH_SIZE):
        yield ReferencedKey(key, FileKind.STRIPPED, picture_id)
    renditions = Rendition.objects.filter(bytes=None).values_list("key", "picture_id")
    for key, picture_id in renditions.order_by("pk").iterator(chunk_size=BATCH_SIZE):
        yield ReferencedKey(key, FileKind.RENDITION, picture_id)
