"""Changes to tiers."""

from collections.abc import Iterable

from django.db import transaction

from tiers.models import Tier, TierHeight
from tiers.signals import thumbnails_changed


@transaction.atomic
def set_heights(*, tier: Tier, heights: Iterable[int]) -> None:
    """Make `heights` (pixels) the tier's own, dropping the others; tells of it on a change."""
    wanted, present = set(heights), heights_of(tier)
    if wanted == present:
        return
    tier.heights.exclude(height__in=wanted).delete()
    TierHeight.objects.bulk_create(
        TierHeight(tier=tier, height=height) for height in sorted(wanted - present)
    )
    announce_thumbnails(tier)


@transaction.atomic
def set_quality(*, tier: Tier, quality: int) -> None:
    """Have a tier's thumbnails made in another quality; tells of it on a change."""
    if quality == tier.quality:
        return
    tier.quality = quality
    tier.save(update_fields=["quality"])
    announce_thumbnails(tier)


def announce_thumbnails(tier: Tier) -> None:
    """Tell that heights or quality changed; for whoever wrote the rows itself (the admin)."""
    tier.save(update_fields=["updated_at"])
    thumbnails_changed.send(sender=Tier, tier=tier)


def heights_of(tier: Tier) -> set[int]:
    """Return the heights that a tier grants, in pixels."""
    return set(tier.heights.values_list("height", flat=True))
