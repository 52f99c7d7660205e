"""Change what tiers grant, and read it."""

from collections.abc import Iterable

from django.db import transaction

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


def heights_of(tier: Tier) -> set[int]:
    return set(tier.heights.values_list("height", flat=True))
