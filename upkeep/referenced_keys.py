"""Every key that a row names, in byte order, streamed: a million rows are never in memory."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.functions import Collate

from images.models import HAS_CLEAN_COPY, Picture
from images.storage.keys import is_key
from images.storage.listing import in_byte_order
from thumbnails.models import Rendition, Thumbnail

_BATCH_SIZE = 2_000


class FileKind(StrEnum):
    """What a file is to its picture."""

    ORIGINAL = "original"
    STRIPPED = "clean copy"
    THUMBNAIL = "thumbnail"
    WEBP = "WebP of a thumbnail"
    AVIF = "AVIF of a thumbnail"
    RENDITION = "rendition"


@dataclass(frozen=True, slots=True)
class ReferencedKey:
    """A key as a row names it; `bytes` and `sha256` where the row states them."""

    key: str
    kind: FileKind
    picture_id: int
    bytes: int | None = None
    sha256: str = ""


def referenced_keys() -> Iterator[ReferencedKey]:
    """Yield every key that a row names, sorted; rows may change meanwhile, so check again."""
    streams = (_of_pictures(), _of_thumbnails(), _of_webps(), _of_avifs(), _of_renditions())
    return heapq.merge(*streams, key=lambda each: in_byte_order(each.key))


def count_referenced_keys() -> int:
    """Return about how many keys rows name."""
    stripped = Picture.objects.filter(HAS_CLEAN_COPY)
    rows = (Picture.objects, stripped, Thumbnail.objects, _webps(), _avifs(), Rendition.objects)
    return sum(each.count() for each in rows)


def is_referenced(key: str) -> bool:
    """Tell whether a row names a key now."""
    named = any(rows.objects.filter(key=key).exists() for rows in (Picture, Rendition))
    return named or Thumbnail.objects.with_file(key).exists() or _is_stripped_copy(key)


def _is_stripped_copy(key: str) -> bool:
    """Ask by the owner, whom the key names: there is no index on `clean_key`."""
    if not is_key(key):
        return False
    try:
        owner_id = UUID(key.split("/")[1])
    except ValueError:
        return False
    return Picture.objects.owned_by(owner_id).filter(clean_key=key).exists()


def _of_pictures() -> Iterator[ReferencedKey]:
    """Sort in stripped copies: their keys follow the original's, among the next few pictures'."""
    waiting: list[tuple[bytes, int, ReferencedKey]] = []
    fields = ("key", "pk", "bytes", "sha256", "clean_key", "clean_bytes")
    for key, pk, size, sha256, clean_key, clean_bytes in _stream(Picture.objects.all(), *fields):
        position = in_byte_order(key)
        while waiting and waiting[0][0] < position:
            yield heapq.heappop(waiting)[2]
        yield ReferencedKey(key, FileKind.ORIGINAL, pk, size, sha256)
        if clean_key not in {"", key}:
            copy = ReferencedKey(clean_key, FileKind.STRIPPED, pk, clean_bytes)
            heapq.heappush(waiting, (in_byte_order(clean_key), pk, copy))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _of_thumbnails() -> Iterator[ReferencedKey]:
    for key, picture_id, size in _stream(Thumbnail.objects.all(), "key", "picture_id", "bytes"):
        yield ReferencedKey(key, FileKind.THUMBNAIL, picture_id, size)


def _of_webps() -> Iterator[ReferencedKey]:
    for key, picture_id, size in _stream(_webps(), "webp_key", "picture_id", "webp_bytes"):
        yield ReferencedKey(key, FileKind.WEBP, picture_id, size)


def _of_avifs() -> Iterator[ReferencedKey]:
    for key, picture_id, size in _stream(_avifs(), "avif_key", "picture_id", "avif_bytes"):
        yield ReferencedKey(key, FileKind.AVIF, picture_id, size)


def _webps() -> QuerySet[Thumbnail]:
    return Thumbnail.objects.exclude(webp_key="")


def _avifs() -> QuerySet[Thumbnail]:
    return Thumbnail.objects.exclude(avif_key="")


def _of_renditions() -> Iterator[ReferencedKey]:
    for key, picture_id, size in _stream(Rendition.objects.all(), "key", "picture_id", "bytes"):
        yield ReferencedKey(key, FileKind.RENDITION, picture_id, size)


def _stream(rows: QuerySet[Any], key: str, *fields: str) -> Iterator[Any]:
    """Stream rows sorted by the bytes of a key, from a server-side cursor.

    Keyset pagination would sort the table once for each page, since the index on keys has the
    database's own collation.
    """
    by_bytes = Collate(key, "C") if connection.vendor == "postgresql" else F(key)
    ordered = rows.order_by(by_bytes).values_list(key, *fields)
    return iter(ordered.iterator(chunk_size=_BATCH_SIZE))
