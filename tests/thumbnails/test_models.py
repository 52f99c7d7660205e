"""Which thumbnails an account reaches and a key finds, and how backfills end."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from images.permissions import PicturePermission
from tests.factories import make_staff, make_tier
from tests.rows import make_row, make_thumbnail_row
from thumbnails.models import Backfill, Thumbnail

pytestmark = pytest.mark.django_db


def fresh(user: User) -> User:
    return User.objects.select_related("tier").get(pk=user.pk)


def test_an_account_reaches_its_granted_thumbnails_and_staff_those_of_others(
    alice: User, bob: User, staff: User
) -> None:
    """What staff reach of others' is all there is; of their own what their tier grants."""
    viewer = make_staff("viewer", "images.view_picture")
    deleter = make_staff("deleter", "images.delete_picture")
    thumbnails: dict[tuple[str, int], Thumbnail] = {}
    for owner in (alice, bob, staff, viewer, deleter):
        owner.tier = make_tier(f"of {owner.username}", [100, 300])
        owner.save()
        row = make_row(owner)
        for height in (100, 200):
            thumbnails[owner.username, height] = make_thumbnail_row(row, height)

    def reached_by(
        who: User, permission: PicturePermission = PicturePermission.VIEW
    ) -> set[tuple[str, int]]:
        found = Thumbnail.objects.in_reach_of(fresh(who), permission).select_related("owner")
        return {(each.owner.username, each.height) for each in found}

    for who in (alice, bob, deleter):
        assert reached_by(who) == {(who.username, 100)}
        assert set(Thumbnail.objects.granted_to(fresh(who))) == {thumbnails[who.username, 100]}
    assert reached_by(staff) == set(thumbnails)
    assert reached_by(viewer) == set(thumbnails) - {("viewer", 200)}
    assert reached_by(deleter, PicturePermission.DELETE) == set(thumbnails) - {("deleter", 200)}
    assert reached_by(viewer, PicturePermission.DELETE) == {("viewer", 100)}
    assert set(Thumbnail.objects.visible_to(fresh(bob))) == {thumbnails["bob", 100]}
    assert Thumbnail.objects.granted().count() == 5


def test_below_a_tiers_tallest_a_former_height_stands_in(alice: User, bob: User) -> None:
    alice.tier = make_tier("Two", [100, 300])
    alice.save()
    row, of_bob = make_row(alice), make_row(bob)
    shown = [make_thumbnail_row(row, height) for height in (200, 299, 300, 400)]
    make_thumbnail_row(of_bob, 200)
    assert set(Thumbnail.objects.standing_in_for(fresh(alice))) == set(shown[:2])
    alice.tier.heights.all().delete()
    assert not Thumbnail.objects.standing_in_for(fresh(alice)).exists()


def test_a_thumbnail_is_found_by_the_key_of_each_of_its_files(alice: User) -> None:
    picture = make_row(alice)
    beside = [("webp", "avif"), ("webp",), ()]
    three, two, one = (make_thumbnail_row(picture, height) for height in (200, 300, 400))
    for row, formats in zip((three, two, one), beside, strict=True):
        stem = row.key.removesuffix(".png")
        for size, extension in zip((20, 10), formats, strict=False):
            setattr(row, f"{extension}_key", f"{stem}.{extension}")
            setattr(row, f"{extension}_bytes", size)
        row.save()
    for row, keys in ((three, three.keys), (two, two.keys), (one, one.keys)):
        for key in keys:
            assert list(Thumbnail.objects.with_file(key)) == [row], key
    for row, extension in ((two, "avif"), (one, "webp"), (one, "avif"), (three, "jpg")):
        other = row.key.replace(".png", f".{extension}")
        assert not Thumbnail.objects.with_file(other).exists(), other
    assert not Thumbnail.objects.with_file("").exists()


def test_a_backfill_ends_once_and_says_when(alice: User) -> None:
    began = timezone.now() - timedelta(hours=1)
    running, paused, done, other = (
        Backfill.objects.create(tier=alice.tier, state=state, created_at=began)
        for state in ("running", "paused", "done", "running")
    )
    chosen = Backfill.objects.exclude(pk=other.pk)
    assert chosen.cancel() == 2
    assert Backfill.objects.filter(pk=other.pk).end() == 1
    for each in (running, paused, done, other):
        each.refresh_from_db()
    assert [each.state for each in (running, paused, done, other)] == [
        "cancelled", "cancelled", "done", "done",
    ]  # fmt: skip
    assert done.ended_at is None
    for each in (running, paused, other):
        assert each.ended_at
        assert began < each.ended_at <= timezone.now()
    # For the release before, which goes on from there.
    assert not Backfill.objects.filter(pk=other.pk, after_id__lt=2**63 - 1).exists()
    assert chosen.cancel() == 0
