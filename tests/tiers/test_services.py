"""Changes of tiers, and the signal that tells of them."""

from collections.abc import Iterator

import pytest

from tests.factories import make_tier
from tiers.models import Tier
from tiers.services import announce_thumbnail_change, heights_of, set_heights, set_quality
from tiers.signals import thumbnails_changed

pytestmark = pytest.mark.django_db


@pytest.fixture
def changed() -> Iterator[list[Tier]]:
    """The tiers of which a change was signalled."""
    tiers: list[Tier] = []

    def record(tier: Tier, **kwargs: object) -> None:
        tiers.append(tier)

    thumbnails_changed.connect(record)
    yield tiers
    thumbnails_changed.disconnect(record)


def test_setting_heights_replaces_the_former_ones(changed: list[Tier]) -> None:
    poster = make_tier("Poster", [100, 200])
    set_heights(tier=poster, heights=[200, 300, 300])
    assert heights_of(poster) == {200, 300}
    assert changed == [poster]


def test_setting_the_same_heights_signals_nothing(changed: list[Tier]) -> None:
    set_heights(tier=make_tier("Poster", [100, 200]), heights=[200, 100])
    assert changed == []


def test_a_tier_may_have_no_heights(changed: list[Tier]) -> None:
    poster = make_tier("Poster", [100])
    set_heights(tier=poster, heights=[])
    assert (heights_of(poster), changed) == (set(), [poster])


def test_only_another_quality_is_signalled(changed: list[Tier]) -> None:
    poster = make_tier("Poster", quality=70)
    set_quality(tier=poster, quality=70)
    assert changed == []
    set_quality(tier=poster, quality=60)
    poster.refresh_from_db()
    assert (poster.quality, changed) == (60, [poster])


def test_announcing_a_change_gives_the_tier_a_new_modification_time(changed: list[Tier]) -> None:
    poster = make_tier("Poster")
    before = poster.updated_at
    announce_thumbnail_change(poster)
    poster.refresh_from_db()
    assert poster.updated_at > before
    assert changed == [poster]
