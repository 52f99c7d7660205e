"""Change what tiers grant, and read it."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from django.db import transaction
from django.db.models import Max

from tiers.models import Tier, TierHeight
from tiers.signals import thumbnails_changed


@transaction.atomic
def set_heights(*, tier: Tier, heights: Iterable[int]) -> None:
    """Replace a tier's heights (pixels); send `thumbnails_changed` if they differ."""
    wanted, present = set(heights), heights_of(tier)
    if wanted == present:
        return
    tier.heights.exclude(height__in=wanted).delete()
    TierHeight.objects.bulk_create(
        TierHeight(tier=tier, height=height) for height in sorted(wanted - present)
    )
    announce_thumbnail_change(tier)


@transaction.atomic
def set_quality(*, tier: Tier, quality: int) -> None:
    """Change the quality of a tier's thumbnails; send `thumbnails_changed` if it differs."""
    if quality == tier.quality:
        return
    tier.quality = quality
    tier.save(update_fields=["quality"])
    announce_thumbnail_change(tier)


def announce_thumbnail_change(tier: Tier) -> None:
    """Send `thumbnails_changed`; the admin calls this after it has written the rows itself."""
    tier.save(update_fields=["updated_at"])
    thumbnails_changed.send(sender=Tier, tier=tier)


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
