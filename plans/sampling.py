"""What pictures have of thumbnails: counted, or estimated from some that are drawn at random."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import Count, F, Max, Min, QuerySet, Sum

from accounts.models import User
from images.models import Picture
from thumbnails.models import Thumbnail

# Up to so many pictures everything is counted: some tenths of a second.
EXACT_UP_TO = 100_000
# Of more, so many are drawn: what is told of them is true of all within 2 % (95 of 100 times).
SAMPLE_SIZE = 4_000
# Ids that one query looks up. Where pictures were deleted, many lead to none.
MAX_DRAWN = 30_000
_random = random.Random()  # noqa: S311 (it decides nothing)


class ThumbnailKind(NamedTuple):
    """Thumbnails that are counted together."""

    height: int
    quality: int
    is_stale: bool


@dataclass(frozen=True, slots=True)
class Present:
    """What is there: pictures by state, and thumbnails of those that are ready, with their bytes.

    `factor` is how many pictures each of the counted ones stands for, `sampled` how many were
    looked at where these were not all.
    """

    ready: int
    failed: int
    thumbnails: dict[ThumbnailKind, tuple[int, int]] = field(default_factory=dict)
    factor: float = 1.0
    sampled: int = 0


def look_at_pictures(accounts: QuerySet[User], count: int) -> Present:
    """Return what the pictures of some accounts have, of which there are about `count`."""
    if count <= EXACT_UP_TO:
        return _count(accounts)
    return _estimate(accounts, count)


def _count(accounts: QuerySet[User]) -> Present:
    states = Picture.objects.filter(owner__in=accounts).order_by().values_list("rendering")
    by_state = dict(states.annotate(count=Count("pk")))
    thumbnails = Thumbnail.objects.filter(
        owner__in=accounts, picture__rendering=Picture.Rendering.READY
    )
    return Present(
        ready=by_state.get(Picture.Rendering.READY, 0),
        failed=by_state.get(Picture.Rendering.FAILED, 0),
        thumbnails=_by_kind(thumbnails),
    )


def _estimate(accounts: QuerySet[User], count: int) -> Present:
    """Look at pictures of random ids: by primary keys alone, however many pictures there are."""
    drawn = list(
        Picture.objects.filter(pk__in=_draw_ids(count), owner__in=accounts)
        .order_by()
        .values_list("pk", "rendering")
    )
    ready = [pk for pk, rendering in drawn if rendering == Picture.Rendering.READY]
    return Present(
        ready=len(ready),
        failed=sum(rendering == Picture.Rendering.FAILED for _, rendering in drawn),
        thumbnails=_by_kind(Thumbnail.objects.filter(picture__in=ready)),
        factor=count / max(1, len(drawn)),
        sampled=len(drawn),
    )


def _draw_ids(count: int) -> Sequence[int]:
    """Return ids among which about SAMPLE_SIZE are of such pictures."""
    ends = Picture.objects.order_by().aggregate(first=Min("pk"), last=Max("pk"))
    first, last = ends["first"] or 0, ends["last"] or 0
    every = range(first, last + 1)
    wanted = min(MAX_DRAWN, len(every), SAMPLE_SIZE * len(every) // count + 1)
    return _random.sample(every, wanted)


def newest_kinds(count: int = 2_000) -> dict[ThumbnailKind, tuple[int, int]]:
    """Return numbers and bytes of the thumbnails that were made last, whoever owns them."""
    newest = Thumbnail.objects.order_by("-created_at", "-id").values("pk")[:count]
    return _by_kind(Thumbnail.objects.filter(pk__in=list(newest.values_list("pk", flat=True))))


def _by_kind(thumbnails: QuerySet[Thumbnail]) -> dict[ThumbnailKind, tuple[int, int]]:
    kinds = thumbnails.order_by().values_list("height", "quality", "is_stale")
    counted = kinds.annotate(
        count=Count("pk"), size=Sum(F("bytes") + F("webp_bytes") + F("avif_bytes"))
    )
    return {ThumbnailKind(*kind): (count, size) for *kind, count, size in counted}
