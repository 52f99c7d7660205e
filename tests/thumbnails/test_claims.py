"""Claiming pictures: one worker at a time, a limited number of attempts."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from images.models import Picture
from images.services import delete_picture, request_thumbnails
from tests.factories import make_picture
from tests.rows import make_row
from tests.thumbnails.rows import record_signal, state
from thumbnails import claims
from thumbnails.models import RenderClaim
from thumbnails.services import ensure_thumbnails
from thumbnails.signals import thumbnails_failed
from thumbnails.sweeping import give_back, take_overdue

pytestmark = pytest.mark.django_db


def test_one_worker_at_a_time_claims_a_picture(picture: Picture) -> None:
    assert claims.claim(picture.pk) is not None
    assert claims.claim(picture.pk) is None


def test_the_picture_of_a_dead_worker_is_taken_over(picture: Picture) -> None:
    claims.claim(picture.pk)
    past = timezone.now() - timedelta(seconds=1)
    Picture.objects.update(render_ask_at=past)
    assert take_overdue() == []
    RenderClaim.objects.update(leased_until=past)
    assert take_overdue() == [picture.pk]
    ensure_thumbnails(picture.pk)
    assert state(picture) == "ready"


def test_a_picture_that_keeps_killing_its_worker_fails_permanently(picture: Picture) -> None:
    sent = record_signal(thumbnails_failed)
    for _ in range(claims.MAX_ATTEMPTS):
        assert claims.claim(picture.pk) is not None
        RenderClaim.objects.update(leased_until=timezone.now())
    assert claims.claim(picture.pk) is None
    assert state(picture) == "failed"
    assert picture.render_failure == claims.ATTEMPTS_USED_UP
    assert sent == [picture.pk]
    assert take_overdue() == []


@pytest.mark.django_db(transaction=True)
def test_a_long_rendering_keeps_its_lease(alice: User, settings: Settings) -> None:
    settings.RENDER_LEASE_SECONDS = 1
    made = make_picture(alice)
    Picture.objects.mark_pending()
    picture = claims.claim(made.pk)
    assert picture
    first = RenderClaim.objects.get().leased_until
    with claims.renewed_lease(picture):
        deadline = time.monotonic() + 30
        while RenderClaim.objects.get().leased_until == first:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def request_again(picture: Picture) -> None:
    request_thumbnails([picture.pk])


def rendered_too_late(picture: Picture) -> None:
    request_again(picture)
    assert claims.mark_rendered(picture, thumbhash="x") is False


def use_up(picture: Picture) -> None:
    RenderClaim.objects.filter(pk=picture.pk).update(
        attempts=claims.MAX_ATTEMPTS, leased_until=None
    )
    assert claims.claim(picture.pk) is None


# What happens to a claimed picture; what its row says afterwards, and its claim, unless it is gone:
# attempts, failures, and whether it is leased.
Said = tuple[int, int, bool] | None
HAPPENINGS: list[tuple[Callable[[Picture], object], dict[str, Any], Said]] = [
    (claims.return_attempt, {"rendering": "pending"}, (0, 0, False)),
    (
        lambda picture: claims.count_failure(picture, "bad"),
        {"rendering": "pending"},
        (1, 1, False),
    ),
    (
        lambda picture: claims.mark_failed(picture, "bad"),
        {"rendering": "failed", "render_failure": "bad"},
        (1, 0, False),
    ),
    (
        lambda picture: claims.mark_rendered(picture, thumbhash="x"),
        {"rendering": "ready", "thumbhash": "x"},
        None,
    ),
    (rendered_too_late, {"rendering": "pending", "thumbhash": "x"}, None),
    (
        use_up,
        {"rendering": "failed", "render_failure": claims.ATTEMPTS_USED_UP},
        (claims.MAX_ATTEMPTS, 0, False),
    ),
    (request_again, {"rendering": "pending", "render_revision": 1}, (0, 0, True)),
    (delete_picture, {}, None),
]


def what_a_claim_says(picture: Picture) -> Said:
    claim = RenderClaim.objects.filter(pk=picture.pk).first()
    return (claim.attempts, claim.failures, bool(claim.leased_until)) if claim else None


@pytest.mark.parametrize(("happens", "row", "claim"), HAPPENINGS)
def test_what_happens_to_one_picture_changes_no_other_that_is_rendered(
    alice: User, happens: Callable[[Picture], object], row: dict[str, Any], claim: Said
) -> None:
    """Both are of one account, claimed by two workers, and at the same revision."""
    first, second = (claims.claim(make_row(alice).pk) for _ in range(2))
    assert first
    assert second
    others = [model.objects.filter(pk=second.pk).values() for model in (Picture, RenderClaim)]
    before = [list(each) for each in others]
    happens(first)
    if row:
        assert Picture.objects.filter(pk=first.pk).values(*row).get() == row
    assert what_a_claim_says(first) == claim
    assert [list(each.all()) for each in others] == before


def test_claiming_and_renewing_one_picture_leaves_another_waiting(alice: User) -> None:
    first, second = (make_row(alice) for _ in range(2))
    other = Picture.objects.filter(pk=second.pk).values()
    before = list(other)
    assert claims.claim(first.pk)
    leased = RenderClaim.objects.get().leased_until
    claims._renew(first.pk)
    assert RenderClaim.objects.get().leased_until > leased  # type: ignore[operator]  # claimed
    assert list(other.all()) == before


def test_a_renewal_gives_no_lease_to_a_picture_that_nobody_renders(alice: User) -> None:
    """Given back, or ready, it is no longer the worker's whose renewal comes too late."""
    for end in (claims.return_attempt, claims.mark_rendered):
        picture = claims.claim(make_row(alice).pk)
        assert picture
        end(picture)
        before = what_a_claim_says(picture)
        claims._renew(picture.pk)
        assert what_a_claim_says(picture) == before


def test_the_last_failure_is_counted_for_each_picture_by_itself(alice: User) -> None:
    pictures = [make_row(alice) for _ in range(claims.MAX_FAILURES)]
    for each in pictures:
        assert claims.claim(each.pk)
        claims.count_failure(each, "bad")
    assert Picture.objects.pending().count() == claims.MAX_FAILURES
    assert set(RenderClaim.objects.values_list("failures", flat=True)) == {1}


def test_an_attempt_writes_the_pictures_row_once(picture: Picture) -> None:
    """Each write of the row is one of all its indexes."""
    with CaptureQueriesContext(connection) as queries:
        ensure_thumbnails(picture.pk)
    assert state(picture) == "ready"
    written = [each["sql"] for each in queries if each["sql"].startswith('UPDATE "images_picture"')]
    assert len(written) == 1


def test_the_claim_of_a_picture_that_an_older_release_deleted_is_removed(alice: User) -> None:
    gone, there = make_row(alice), make_row(alice)
    for each in (gone, there):
        assert claims.claim(each.pk)
    Picture.objects.filter(pk=gone.pk)._raw_delete(DEFAULT_DB_ALIAS)
    claims.remove_orphans()
    assert RenderClaim.objects.count() == 2, "it may be rendered at this moment"
    RenderClaim.objects.update(leased_until=timezone.now())
    claims.remove_orphans()
    assert [each.pk for each in RenderClaim.objects.all()] == [there.pk]


def test_the_failure_of_an_outdated_rendering_fails_nothing(alice: User) -> None:
    claimed = claims.claim(make_row(alice).pk)
    assert claimed
    request_again(claimed)
    claims.mark_failed(claimed, "bad")
    assert state(claimed) == "pending"


def test_a_picture_is_retried_that_the_broker_refused_and_no_other(alice: User) -> None:
    refused, sent = (make_row(alice, render_ask_at=timezone.now()) for _ in range(2))
    assert set(take_overdue()) == {refused.pk, sent.pk}
    give_back([refused.pk])
    assert take_overdue() == [refused.pk]


def test_a_picture_is_retried_after_its_lease_and_not_before(alice: User) -> None:
    now = timezone.now()
    second = timedelta(seconds=1)
    due, later = (make_row(alice, render_ask_at=now + each) for each in (-second, second))
    assert take_overdue(now) == [due.pk]
    assert take_overdue(now + second) == [later.pk]
