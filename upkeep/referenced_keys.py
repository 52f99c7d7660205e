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

from images.models import Picture
from images.storage.keys import is_key
from images.storage.listing import in_byte_order
from thumbnails.models import Rendition, Thumbnail

_ROWS_AT_ONCE = 2_000


class Kind(StrEnum):
    """What a file is to its picture."""

    ORIGINAL = "original"
    CLEAN = "clean copy"
    THUMBNAIL = "thumbnail"
    WEBP = "WebP of a thumbnail"
    RENDITION = "rendition"


@dataclass(frozen=True, slots=True)
class Owned:
    """A key as a row names it; `bytes` and `sha256` where the row knows them."""

    key: str
    kind: Kind
    picture_id: int
    bytes: int | None = None
    sha256: str = ""


def owned_keys() -> Iterator[Owned]:
    """Yield them all; the rows are those of one moment, so look again before acting on one."""
    streams = (_of_pictures(), _of_thumbnails(), _of_webps(), _of_renditions())
    return heapq.merge(*streams, key=lambda each: in_byte_order(each.key))


def count() -> int:
    """Return about how many there are."""
    cleaned = Picture.objects.exclude(clean_key="").exclude(clean_key=F("key"))
    counted = (Picture.objects, cleaned, Thumbnail.objects, _webps(), Rendition.objects)
    return sum(each.count() for each in counted)


def is_owned(key: str) -> bool:
    """Tell whether a row names a key at this moment."""
    named = any(rows.objects.filter(key=key).exists() for rows in (Picture, Thumbnail, Rendition))
    return named or _webps().filter(webp_key=key).exists() or _is_clean_copy(key)


def _is_clean_copy(key: str) -> bool:
    """It lies in its owner's folder, whose pictures an index finds."""
    if not is_key(key):
        return False
    try:
        owner_id = UUID(key.split("/")[1])
    except ValueError:
        return False
    return Picture.objects.owned_by(owner_id).filter(clean_key=key).exists()


def _of_pictures() -> Iterator[Owned]:
    """A clean copy's key comes after its original's, among those of the next few pictures."""
    waiting: list[tuple[bytes, int, Owned]] = []
    fields = ("key", "pk", "bytes", "sha256", "clean_key")
    for key, pk, size, sha256, clean_key in _in_order(Picture.objects.all(), *fields):
        place = in_byte_order(key)
        while waiting and waiting[0][0] < place:
            yield heapq.heappop(waiting)[2]
        yield Owned(key, Kind.ORIGINAL, pk, size, sha256)
        if clean_key not in {"", key}:
            copy = Owned(clean_key, Kind.CLEAN, pk)
            heapq.heappush(waiting, (in_byte_order(clean_key), pk, copy))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _of_thumbnails() -> Iterator[Owned]:
    for key, picture_id, size in _in_order(Thumbnail.objects.all(), "key", "picture_id", "bytes"):
        yield Owned(key, Kind.THUMBNAIL, picture_id, size)


def _of_webps() -> Iterator[Owned]:
    for key, picture_id, size in _in_order(_webps(), "webp_key", "picture_id", "webp_bytes"):
        yield Owned(key, Kind.WEBP, picture_id, size)


def _webps() -> QuerySet[Thumbnail]:
    return Thumbnail.objects.exclude(webp_key="")


def _of_renditions() -> Iterator[Owned]:
    for key, picture_id in _in_order(Rendition.objects.all(), "key", "picture_id"):
        yield Owned(key, Kind.RENDITION, picture_id)


def _in_order(rows: QuerySet[Any], key: str, *fields: str) -> Iterator[Any]:
    """Stream from a cursor of the server: it sorts once, by bytes whatever its own collation says.

    Pages after the last key would sort the table once for each page, since the index on keys is in
    the database's own collation.
    """
    by_bytes = Collate(key, "C") if connection.vendor == "postgresql" else F(key)
    ordered = rows.order_by(by_bytes).values_list(key, *fields)
    return iter(ordered.iterator(chunk_size=_ROWS_AT_ONCE))
