"""What the files of pictures take up, as their rows say."""

from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum

from images.ledger import Amounts, Column
from images.models import HAS_CLEAN_COPY, Picture
from thumbnails.models import Rendition, Thumbnail


class StoredFiles(NamedTuple):
    """So many files, and their bytes in all."""

    files: int
    bytes: int


def measure(pictures: QuerySet[Picture]) -> StoredFiles:
    """Return how many files pictures have, and their bytes: what leaves the storage with them.

    Three queries, however many pictures. Originals, stripped copies, thumbnails in all formats and
    JPEG renditions count; a copy that an older release made counts no bytes until `verify_storage`
    has measured it.
    """
    thumbnails = Thumbnail.objects.filter(picture__in=pictures.order_by().values("pk"))
    renditions = Rendition.objects.filter(picture__in=pictures.order_by().values("pk"))
    counted = [
        pictures.order_by().aggregate(
            files=Count("pk"),
            bytes=Sum("bytes"),
            more_files=Count("pk", filter=HAS_CLEAN_COPY),
            more_bytes=Sum("clean_bytes"),
        ),
        thumbnails.aggregate(
            files=Count("pk"),
            bytes=Sum("bytes"),
            more_files=Count("pk", filter=~Q(webp_key="")),
            more_bytes=Sum("webp_bytes"),
            most_files=Count("pk", filter=~Q(avif_key="")),
            most_bytes=Sum("avif_bytes"),
        ),
        renditions.aggregate(files=Count("pk"), bytes=Sum("bytes")),
    ]
    return StoredFiles(_total(counted, "files"), _total(counted, "bytes"))


def _total(counted: list[dict[str, int | None]], name: str) -> int:
    columns = (name, f"more_{name}", f"most_{name}")
    return sum((each.get(column) or 0) for each in counted for column in columns)


def count_rows(owner_ids: Collection[UUID]) -> dict[UUID, Amounts]:
    """Return what the rows of some accounts amount to, which their ledger should say; 3 queries."""
    counted: dict[UUID, Amounts] = {owner_id: Counter() for owner_id in owner_ids}
    pictures = _by_owner(Picture.objects.all(), "owner_id", owner_ids)
    for owner_id, count, originals, copies in pictures.annotate(
        count=Count("pk"), originals=Sum("bytes"), copies=Sum("clean_bytes")
    ):
        counted[owner_id] += Counter({
            Column.PICTURES: count, Column.ORIGINALS: originals, Column.OTHER: copies or 0
        })  # fmt: skip
    thumbnails = _by_owner(Thumbnail.objects.all(), "owner_id", owner_ids)
    for owner_id, size in thumbnails.annotate(
        size=Sum(F("bytes") + F("webp_bytes") + F("avif_bytes"))
    ):
        counted[owner_id][Column.THUMBNAILS] += size
    renditions = _by_owner(Rendition.objects.all(), "picture__owner_id", owner_ids)
    for owner_id, size in renditions.annotate(size=Sum("bytes")):
        counted[owner_id][Column.OTHER] += size or 0
    return counted


def _by_owner(
    rows: QuerySet[Any], owner: str, owner_ids: Collection[UUID]
) -> QuerySet[Any, tuple[Any, ...]]:
    return rows.filter(**{f"{owner}__in": owner_ids}).order_by().values_list(owner)
