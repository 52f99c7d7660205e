"""Change what tiers grant, and read it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import Max

from tiers.models import Tier, TierHeight
from tiers.signals import thumbnails_changed

HEIGHTS = "heights"
# What a tier says besides its heights, in the order in which it is shown.
FIELDS = (
    "name",
    "grants_original",
    "cleans_originals",
    "quality",
    "grants_links",
    "link_min_seconds",
    "link_max_seconds",
    "max_upload_bytes",
    "max_pixels",
    "max_pictures",
    "max_stored_bytes",
)
# A change of one of these has thumbnails made or removed.
OF_THUMBNAILS = frozenset({HEIGHTS, "quality"})


def values_of(tier: Tier, *, heights: Iterable[int] | None = None) -> dict[str, Any]:
    """Return all that a tier says, its heights in order; as JSON holds it.

    One query for the heights, unless they are given.
    """
    values = {name: getattr(tier, name) for name in FIELDS}
    return {**values, HEIGHTS: sorted(heights_of(tier) if heights is None else heights)}


@transaction.atomic
def change_tier(*, tier: Tier, changes: Mapping[str, Any]) -> None:
    """Write fields and heights of a tier; send `thumbnails_changed` where these change thumbnails.

    Values that are as they were change nothing.
    """
    before = values_of(tier)
    changed = {name for name, value in changes.items() if value != before[name]}
    for name in changed - {HEIGHTS}:
        setattr(tier, name, changes[name])
    if changed:
        tier.save(update_fields=[*(changed - {HEIGHTS}), "updated_at"])
    if HEIGHTS in changed:
        _write_heights(tier, before[HEIGHTS], changes[HEIGHTS])
    if changed & OF_THUMBNAILS:
        thumbnails_changed.send(sender=Tier, tier=tier)


def _write_heights(tier: Tier, before: Iterable[int], wanted: Iterable[int]) -> None:
    tier.heights.exclude(height__in=wanted).delete()
    TierHeight.objects.bulk_create(
        TierHeight(tier=tier, height=height) for height in sorted(set(wanted) - set(before))
    )


def announce_thumbnail_change(tier: Tier) -> None:
    """Send `thumbnails_changed` of a tier that says what it said: what is missing is made."""
    tier.save(update_fields=["updated_at"])
    thumbnails_changed.send(sender=Tier, tier=tier)


def set_heights(*, tier: Tier, heights: Iterable[int]) -> None:
    """Replace a tier's heights (pixels); send `thumbnails_changed` if they differ."""
    change_tier(tier=tier, changes={HEIGHTS: sorted(set(heights))})


def set_quality(*, tier: Tier, quality: int) -> None:
    """Change the quality of a tier's thumbnails; send `thumbnails_changed` if it differs."""
    change_tier(tier=tier, changes={"quality": quality})


def largest_height(tier: Tier) -> int | None:
    """Return the largest height in pixels, None where there is none.

    For what may be wrong without harm: it is asked for once as long as `tier` does not change.
    """
    return _largest_height(tier.pk, tier.updated_at)


@lru_cache(maxsize=256)
def _largest_height(tier_id: int, _: datetime) -> int | None:
    found: int | None = TierHeight.objects.filter(tier=tier_id).aggregate(Max("height"))[
        "height__max"
    ]
    return found


def heights_of(tier: Tier) -> set[int]:
    return set(tier.heights.values_list("height", flat=True))
