"""What the files of pictures take up, as their rows say."""

from typing import NamedTuple

from django.db.models import Count, F, Q, QuerySet, Sum

from images.models import Picture
from thumbnails.models import Rendition, Thumbnail


class StoredFiles(NamedTuple):
    """So many files, and their bytes in all."""

    files: int
    bytes: int


def measure(pictures: QuerySet[Picture]) -> StoredFiles:
    """Return how many files pictures have, and their bytes: what leaves the storage with them.

    Three queries, however many pictures. Originals, stripped copies, thumbnails in both formats and
    JPEG renditions count; a copy that an older release made counts no bytes until `verify_storage`
    has measured it.
    """
    has_copy = ~Q(clean_key="") & ~Q(clean_key=F("key"))
    thumbnails = Thumbnail.objects.filter(picture__in=pictures.order_by().values("pk"))
    renditions = Rendition.objects.filter(picture__in=pictures.order_by().values("pk"))
    counted = [
        pictures.order_by().aggregate(
            files=Count("pk"),
            bytes=Sum("bytes"),
            more_files=Count("pk", filter=has_copy),
            more_bytes=Sum("clean_bytes"),
        ),
        thumbnails.aggregate(
            files=Count("pk"),
            bytes=Sum("bytes"),
            more_files=Count("pk", filter=~Q(webp_key="")),
            more_bytes=Sum("webp_bytes"),
        ),
        renditions.aggregate(files=Count("pk"), bytes=Sum("bytes")),
    ]
    return StoredFiles(_total(counted, "files"), _total(counted, "bytes"))


def _total(counted: list[dict[str, int | None]], name: str) -> int:
    return sum((each.get(column) or 0) for each in counted for column in (name, f"more_{name}"))
