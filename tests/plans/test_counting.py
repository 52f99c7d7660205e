"""What a plan comes to: counted, or estimated from some pictures, and by as many queries."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from images.models import Link
from plans import sampling
from plans.proposals import propose_change, propose_move
from plans.sampling import ThumbnailKind
from plans.sizes import ThumbnailSizes
from tests.factories import make_tier, make_user
from tests.rows import write_pictures
from tiers.models import Tier

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
VALUES: dict[str, Any] = {"heights": [100, 300], "quality": 70}


@pytest.fixture
def tier() -> Tier:
    """Have two accounts with pictures, each with other thumbnails, beside another tier's."""
    tier = make_tier("Poster", [100, 200])
    write_pictures(make_user("carol", tier.name), 300, heights=[100, 200])
    write_pictures(make_user("dave", tier.name), 100, heights=[100], quality=70)
    write_pictures(make_user("eve"), 400, heights=[100, 200])
    return tier


def counts_of(tier: Tier) -> dict[str, Any]:
    counts: dict[str, Any] | None = propose_change(tier=tier, values=VALUES, by=None).counts
    assert counts is not None
    return counts


def test_an_estimate_is_near_what_is_counted_and_says_so(
    tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = counts_of(tier)
    assert (exact["thumbnails_made"], exact["thumbnails_replaced"]) == (700, 300)
    assert (exact["thumbnails_removed"], exact["bytes_removed"]) == (300, 114_000)
    monkeypatch.setattr(sampling, "EXACT_UP_TO", 10)
    monkeypatch.setattr(sampling, "SAMPLE_SIZE", 200)
    monkeypatch.setattr(sampling, "_random", Random(1))
    estimated = counts_of(tier)
    assert 100 < estimated["sampled"] < 300
    assert exact["sampled"] == 0
    for name, value in exact.items():
        if name not in {"sampled", "seconds"}:
            assert estimated[name] == pytest.approx(value, rel=0.1), name


@pytest.mark.unhurried
def test_where_pictures_were_deleted_others_are_drawn(
    tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.get(username="eve").pictures.all().delete()
    monkeypatch.setattr(sampling, "EXACT_UP_TO", 10)
    monkeypatch.setattr(sampling, "SAMPLE_SIZE", 400)
    assert counts_of(tier)["thumbnails_removed"] == pytest.approx(300, rel=0.1)


@pytest.mark.unhurried
@pytest.mark.parametrize("exact_up_to", [10, 100_000])
def test_counting_takes_as_many_queries_however_many_there_are(
    tier: Tier, exact_up_to: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "EXACT_UP_TO", exact_up_to)
    numbers = set()
    for count in (0, 20):
        for number in range(count):
            write_pictures(make_user(f"account-{number}", tier.name), 3, heights=[100])
        with CaptureQueriesContext(connection) as captured:
            counts_of(tier)
        numbers.add(len(captured))
    assert len(numbers) == 1
    assert numbers.pop() < 26


def test_only_links_end_that_open_by_what_is_lost(tier: Tier) -> None:
    Tier.objects.filter(pk=tier.pk).update(grants_links=True)
    carol, root = User.objects.get(username="carol"), make_user("root", "Basic", is_superuser=True)
    [*others, last] = carol.pictures.order_by("pk")[:4]
    later = timezone.now() + timedelta(hours=1)
    Link.objects.create(picture=last, maker=carol, expires_at=later)
    Link.objects.create(picture=others[0], maker=root, expires_at=later)
    Link.objects.create(picture=others[1], maker=carol, expires_at=timezone.now())
    Link.objects.create(picture=others[2], maker=carol, expires_at=later, revoked_at=later)
    plan = propose_move(former=tier, target=Tier.objects.get(name="Basic"), by=None)
    assert (plan.counts or {})["links_ended"] == 1


def test_sizes_are_measured_where_they_can_be_and_else_between_their_neighbours() -> None:
    kinds = {
        ThumbnailKind(100, 80, False): (10, 40_000),
        ThumbnailKind(400, 80, False): (2, 64_000),
        ThumbnailKind(400, 60, False): (9, 9),
    }
    sizes = ThumbnailSizes(kinds, quality=80)
    assert (sizes.of(100), sizes.of(400)) == (4_000, 32_000)
    assert 4_000 < sizes.of(200) < 32_000 < sizes.of(800)
    assert ThumbnailSizes({}, quality=80).of(200) > 1_000
    coarser = ThumbnailSizes(kinds, quality=60)
    assert coarser.of(100) < 4_000
    assert coarser.of(400) == 1.0
