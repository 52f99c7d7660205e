"""Claiming pictures: one worker at a time, a limited number of attempts."""

import threading
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
from tests.thumbnails.rows import record_signal, state, use_up_attempts
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


def test_of_two_pictures_that_are_used_up_each_fails_in_its_turn(alice: User) -> None:
    first, other = (make_row(alice) for _ in range(2))
    for each in (first, other):
        use_up_attempts(each)
    assert claims.claim(first.pk) is None
    assert (state(first), state(other)) == ("failed", "pending")


@pytest.mark.unhurried
@pytest.mark.django_db(transaction=True)
def test_a_long_rendering_keeps_its_lease(alice: User, settings: Settings) -> None:
    settings.RENDER_LEASE_SECONDS = 4
    made = make_picture(alice)
    Picture.objects.mark_pending()
    picture = claims.claim(made.pk)
    assert picture
    first, before = RenderClaim.objects.get().leased_until, set(threading.enumerate())
    with claims.renewed_lease(picture):
        [renewing] = set(threading.enumerate()) - before
        while (leased_until := RenderClaim.objects.get().leased_until) == first:
            assert leased_until
            assert timezone.now() < leased_until, "another worker would take it"
            time.sleep(0.05)
    renewing.join(15)
    assert not renewing.is_alive(), "whoever takes the picture next would keep its lease for ever"


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


def test_a_worker_renews_its_own_lease_and_no_dead_ones(alice: User) -> None:
    """Else a picture whose worker was killed would wait for as long as another works."""
    own, dead = (make_row(alice) for _ in range(2))
    for each in (own, dead):
        assert claims.claim(each.pk)
    then = timezone.now() - timedelta(seconds=1)
    RenderClaim.objects.update(leased_until=then)
    claims._renew(own.pk)
    assert RenderClaim.objects.get(pk=dead.pk).leased_until == then
    assert claims.claim(own.pk) is None
    assert claims.claim(dead.pk)


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


def test_a_picture_is_tried_again_though_another_has_failed_for_good(alice: User) -> None:
    bad, other = (make_row(alice) for _ in range(2))
    for _ in range(claims.MAX_FAILURES):
        assert claims.claim(bad.pk)
        claims.count_failure(bad, "bad")
    assert state(bad) == "failed"
    assert claims.claim(other.pk)
    claims.count_failure(other, "busy")
    assert state(other) == "pending"
    assert claims.claim(other.pk)


def test_an_attempt_writes_the_pictures_row_once(picture: Picture) -> None:
    """Each write of the row is one of all its indexes."""
    with CaptureQueriesContext(connection) as queries:
        ensure_thumbnails(picture.pk)
    assert state(picture) == "ready"
    statements = [each["sql"].replace('"', "").split()[:2] for each in queries]
    written = [words for words in statements if words[0].upper() == "UPDATE"]
    written = [words for words in written if words[1] == "images_picture"]
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


@pytest.mark.parametrize("rendering", ["ready", "failed"])
def test_only_what_is_pending_is_claimed(alice: User, rendering: str) -> None:
    done, pending = make_row(alice, rendering=rendering), make_row(alice)
    assert claims.claim(done.pk) is None
    assert not RenderClaim.objects.exists()
    assert claims.claim(pending.pk) == pending
    assert state(done) == rendering


def test_a_claimed_picture_comes_with_its_own_row_and_one_attempt_more(alice: User) -> None:
    first, other = make_row(alice), make_row(alice)
    for attempts in (1, 2, 3):
        assert claims.claim(first.pk) == first
        assert what_a_claim_says(first) == (attempts, 0, True)
        RenderClaim.objects.filter(pk=first.pk).update(leased_until=None)
    assert what_a_claim_says(other) is None
    assert claims.claim(other.pk) == other
    assert what_a_claim_says(other) == (1, 0, True)


def test_a_lease_lasts_as_long_as_its_setting_says(alice: User, settings: Settings) -> None:
    settings.RENDER_LEASE_SECONDS = 100
    picture = claims.claim(make_row(alice).pk)
    assert picture
    for is_renewed in (False, True):
        if is_renewed:
            RenderClaim.objects.update(leased_until=timezone.now())
            claims._renew(picture.pk)
        left = (RenderClaim.objects.get().leased_until or timezone.now()) - timezone.now()
        assert timedelta(seconds=90) < left <= timedelta(seconds=100)


def test_a_picture_deleted_while_it_is_claimed_leaves_no_claim(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, there = make_row(alice), make_row(alice)
    assert claims.claim(there.pk)
    take = claims._take_lease

    def take_and_delete(picture_id: int) -> bool:
        taken = take(picture_id)
        Picture.objects.filter(pk=picture_id)._raw_delete(DEFAULT_DB_ALIAS)
        return taken

    monkeypatch.setattr(claims, "_take_lease", take_and_delete)
    assert claims.claim(gone.pk) is None
    assert [each.pk for each in RenderClaim.objects.all()] == [there.pk]


def test_only_pictures_that_somebody_renders_are_leased(alice: User) -> None:
    leased, given_back, other = (make_row(alice) for _ in range(3))
    for each in (leased, given_back):
        assert claims.claim(each.pk)
    RenderClaim.objects.filter(pk=given_back.pk).update(leased_until=timezone.now())
    assert list(Picture.objects.filter(claims.is_leased())) == [leased]
    assert set(Picture.objects.exclude(claims.is_leased())) == {given_back, other}


@pytest.mark.parametrize(
    "give_back", [claims.return_attempt, lambda each: claims.return_beside(each.pk)]
)
def test_attempts_that_were_restored_meanwhile_are_not_given_back_a_second_time(
    alice: User, give_back: Callable[[Picture], object]
) -> None:
    picture = claims.claim(make_row(alice).pk)
    assert picture
    claims.give_all_attempts([picture.pk])
    give_back(picture)
    assert RenderClaim.objects.get().attempts == 0


def test_a_picture_that_waits_for_a_part_is_tried_again_in_a_moment(alice: User) -> None:
    picture = claims.claim(make_row(alice).pk)
    assert picture
    claims.return_attempt(picture)
    picture.refresh_from_db()
    assert timedelta(0) < picture.render_ask_at - timezone.now() <= claims.OUTAGE_RETRY_DELAY
    assert claims.claim(picture.pk)
    claims.count_failure(picture, "bad")
    picture.refresh_from_db()
    assert picture.render_ask_at <= timezone.now()


def test_a_picture_that_another_worker_has_rendered_does_not_fail(alice: User) -> None:
    """Whose lease was over, and who is late."""
    late = claims.claim(make_row(alice).pk)
    assert late
    RenderClaim.objects.update(leased_until=timezone.now())
    other = claims.claim(late.pk)
    assert other
    assert claims.mark_rendered(other, thumbhash="x")
    sent = record_signal(thumbnails_failed)
    claims.mark_failed(late, "bad")
    assert (state(late), late.render_failure, sent) == ("ready", "", [])


def test_a_picture_fails_only_together_with_what_follows_from_it(alice: User) -> None:
    """Where the news of it cannot be stored, it is tried again."""

    def refuse(**kwargs: Any) -> None:
        raise RuntimeError("no news")

    picture = claims.claim(make_row(alice).pk)
    assert picture
    thumbnails_failed.connect(refuse)
    try:
        with pytest.raises(RuntimeError, match="no news"):
            claims.mark_failed(picture, "bad")
    finally:
        thumbnails_failed.disconnect(refuse)
    stored = Picture.objects.get(pk=picture.pk)
    assert (stored.rendering, stored.render_failure) == ("pending", "")
    assert RenderClaim.objects.get(pk=picture.pk).leased_until is not None


def test_a_reason_is_cut_to_what_is_stored(alice: User) -> None:
    picture = claims.claim(make_row(alice).pk)
    assert picture
    claims.mark_failed(picture, "x" * 1000)
    picture.refresh_from_db()
    assert picture.render_failure == "x" * claims.MAX_REASON_LENGTH


@pytest.mark.parametrize("is_late", [False, True])
def test_placeholders_stay_where_a_rendering_finds_none(alice: User, is_late: bool) -> None:
    first, other = (make_row(alice, thumbhash="old", dominant_color="#000000") for _ in range(2))
    picture = claims.claim(first.pk)
    assert picture
    if is_late:
        request_again(picture)
    assert claims.mark_rendered(picture) is not is_late
    picture.refresh_from_db()
    assert (picture.thumbhash, picture.dominant_color) == ("old", "#000000")
    claims.claim(first.pk)
    claims.mark_rendered(picture, thumbhash="new", dominant_color="#ffffff")
    rows = Picture.objects.order_by("pk").values_list("thumbhash", "dominant_color")
    assert list(rows) == [("new", "#ffffff"), ("old", "#000000")]
    assert state(other) == "pending"


def test_a_picture_that_is_ready_says_no_reason_any_more(alice: User) -> None:
    picture = claims.claim(make_row(alice, render_failure="bad").pk)
    assert picture
    assert claims.mark_rendered(picture)
    assert (state(picture), picture.render_failure) == ("ready", "")


def test_a_deleted_picture_is_not_ready(alice: User) -> None:
    picture, other = claims.claim(make_row(alice).pk), make_row(alice)
    assert picture
    Picture.objects.filter(pk=picture.pk)._raw_delete(DEFAULT_DB_ALIAS)
    with pytest.raises(Picture.DoesNotExist):
        claims.mark_rendered(picture)
    assert state(other) == "pending"


# --- What lies beside thumbnails ------------------------------------------------------------------


def owe_beside(owner: User) -> Picture:
    """Return a picture that is ready, whose thumbnails lack what is to lie beside them."""
    picture = claims.claim(make_row(owner).pk)
    assert picture
    assert claims.mark_rendered(picture, lacks_beside=True, thumbhash="x")
    return picture


def let_time_pass() -> None:
    RenderClaim.objects.update(beside_due_at=timezone.now(), leased_until=None)


def test_the_worker_that_rendered_has_its_time_for_what_lies_beside(
    alice: User, settings: Settings
) -> None:
    settings.RENDER_LEASE_SECONDS = 100
    owed = owe_beside(alice)
    assert what_a_claim_says(owed) == (0, 0, False)
    due_in = (RenderClaim.objects.get().beside_due_at or timezone.now()) - timezone.now()
    patience = timedelta(seconds=100) + claims.BESIDE_PATIENCE
    assert patience - timedelta(seconds=10) < due_in <= patience
    assert claims.find_beside_due() is None
    let_time_pass()
    assert claims.find_beside_due() == owed.pk


def test_what_one_picture_is_owed_changes_the_claim_of_no_other(alice: User) -> None:
    owed, rendered = owe_beside(alice), make_row(alice)
    let_time_pass()
    assert claims.claim_beside(owed.pk)
    assert claims.claim(rendered.pk)
    others = RenderClaim.objects.filter(pk__in=[owed.pk, rendered.pk]).order_by("pk")
    before = list(others.values())
    retried = owe_beside(alice)
    claims.retry_beside(retried.pk)
    assert list(others.values()) == before
    assert claims.find_beside_due() == retried.pk


def test_what_lies_beside_is_made_by_one_worker_at_a_time(alice: User) -> None:
    owed, other = owe_beside(alice), owe_beside(alice)
    nothing, pending = make_row(alice, rendering="ready"), make_row(alice)
    for each in (nothing, pending):
        assert claims.claim_beside(each.pk) is None
    assert claims.claim_beside(owed.pk) == (owed, 1)
    assert claims.claim_beside(owed.pk) is None
    assert what_a_claim_says(owed) == (1, 0, True)
    assert what_a_claim_says(other) == (0, 0, False)
    let_time_pass()
    assert claims.claim_beside(owed.pk) == (owed, 2)
    RenderClaim.objects.update(leased_until=timezone.now())
    assert claims.claim_beside(owed.pk) == (owed, 3)
    claims.end_beside(owed.pk)
    assert [each.pk for each in RenderClaim.objects.all()] == [other.pk]


def test_of_what_is_owed_the_oldest_comes_first_that_is_ready_and_nobodys(alice: User) -> None:
    owed = [owe_beside(alice) for _ in range(5)]
    now = timezone.now()
    for age, each in enumerate(owed):
        due_at = now - timedelta(minutes=age)
        RenderClaim.objects.filter(pk=each.pk).update(beside_due_at=due_at)
    leased, used_up, pending, oldest, newer = reversed(owed)
    RenderClaim.objects.filter(pk=leased.pk).update(leased_until=now + timedelta(minutes=1))
    RenderClaim.objects.filter(pk=used_up.pk).update(attempts=claims.MAX_ATTEMPTS)
    request_thumbnails([pending.pk])
    assert claims.find_beside_due() == oldest.pk
    claims.end_beside(oldest.pk)
    assert claims.find_beside_due() == newer.pk
    assert claims.claim_beside(used_up.pk) is None
    assert claims.claim_beside(pending.pk) is None


def test_what_waits_for_a_part_beside_costs_no_attempt_and_waits_a_moment(alice: User) -> None:
    owed, other = owe_beside(alice), owe_beside(alice)
    let_time_pass()
    assert claims.claim_beside(owed.pk)
    before = RenderClaim.objects.filter(pk=other.pk).values().get()
    claims.return_beside(owed.pk)
    assert what_a_claim_says(owed) == (0, 0, False)
    due_at = RenderClaim.objects.get(pk=owed.pk).beside_due_at
    assert due_at
    assert timedelta(0) < due_at - timezone.now() <= claims.OUTAGE_RETRY_DELAY
    assert claims.find_beside_due() == other.pk
    assert RenderClaim.objects.filter(pk=other.pk).values().get() == before


def test_what_is_given_up_beside_is_what_was_tried_in_vain_and_nothing_else(alice: User) -> None:
    in_vain, tried_once, running, pending = (owe_beside(alice) for _ in range(4))
    let_time_pass()
    RenderClaim.objects.exclude(pk=tried_once.pk).update(attempts=claims.MAX_ATTEMPTS)
    later = timezone.now() + timedelta(minutes=1)
    RenderClaim.objects.filter(pk=running.pk).update(leased_until=later)
    Picture.objects.filter(pk=pending.pk).update(rendering="pending")
    plain = make_row(alice)
    RenderClaim.objects.create(pk=plain.pk, attempts=claims.MAX_ATTEMPTS)
    claims.give_up_beside()
    left = set(RenderClaim.objects.values_list("pk", flat=True))
    assert left == {tried_once.pk, running.pk, pending.pk, plain.pk}
    assert state(in_vain) == "ready"
