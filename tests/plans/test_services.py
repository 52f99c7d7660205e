"""Plans applied: what they do is what they said, whatever happens to them meanwhile."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models.deletion import ProtectedError
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import Invitation, User
from accounts.services import move_to_tier
from images.ledger import Usage
from images.links import make_link
from images.models import Picture
from lib import background
from lib.parts import Part
from plans.exceptions import PlanRefused, PlanStale
from plans.models import PlanStep, TierPlan
from plans.moving import move_next_accounts
from plans.progress import measure_progress, outcome_of
from plans.proposals import (
    choose_target,
    count_anew,
    discard,
    propose_change,
    propose_deletion,
    propose_move,
    propose_rest,
    propose_way_back,
    save_for_later,
)
from plans.services import apply_plan, cancel, pause, resume
from tests.factories import make_picture, make_tier, make_user
from tests.pictures import jpeg
from tests.plans.work import reload, work
from tests.rows import write_pictures
from tests.thumbnails.rows import heights
from thumbnails import backfills, tasks
from thumbnails.models import Backfill, Thumbnail
from thumbnails.services import ensure_thumbnails
from thumbnails.smaller_formats import make_beside
from tiers.models import Tier
from tiers.services import heights_of, set_heights

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
State = TierPlan.State


@pytest.fixture
def tier() -> Tier:
    return make_tier("Poster", [100, 200], grants_original=True, grants_links=True)


@pytest.fixture
def carol(tier: Tier) -> User:
    return make_user("carol", tier.name)


def rendered(owner: User, count: int) -> list[Picture]:
    made = [make_picture(owner) for _ in range(count)]
    for each in made:
        ensure_thumbnails(each.pk)
    return made


def kinds(plan: TierPlan) -> list[str]:
    return list(plan.steps.values_list("kind", flat=True))


def assert_kept(plan: TierPlan, **also: Any) -> None:
    """Compare what a plan promised with what has come of it."""
    counts, outcome = plan.counts or {}, plan.outcome or {}
    for name in ("pictures", "thumbnails_made", "thumbnails_removed", "bytes_removed"):
        assert outcome[name] == counts[name], (name, counts, outcome)
    assert {name: counts[name] for name in also} == also


# --- What comes is what was planned ---------------------------------------------------------------


def test_the_outcome_of_a_changed_tier_is_what_was_planned(tier: Tier, carol: User) -> None:
    """Beside it are an account of another tier, and a picture that has some of it already."""
    rendered(carol, 3)
    rendered(make_user("dave", tier.name), 1)
    rendered(make_user("eve"), 1)
    Thumbnail.objects.filter(owner=carol, height=100).order_by("pk")[:1].get().delete()
    values = {"heights": [100, 300], "quality": 60, "grants_original": False}
    plan = propose_change(tier=tier, values=values, by=None)
    apply_plan(plan, by=carol)
    work()
    plan = reload(plan)
    assert plan.state == State.DONE
    assert_kept(
        plan,
        accounts=2,
        pictures=4,
        thumbnails_made=8,
        thumbnails_replaced=3,
        thumbnails_removed=4,
        lose_originals=2,
        sampled=0,
    )
    assert plan.changes["heights"] == [[100, 200], [100, 300]]
    assert kinds(plan) == ["made", "applied", "done"]
    assert (plan.applier_name, plan.maker_name) == ("carol", "")
    assert {tuple(heights(each)) for each in Picture.objects.filter(owner=carol)} == {(100, 300)}


def test_bytes_are_told_by_the_sizes_of_thumbnails_that_are_there(tier: Tier, carol: User) -> None:
    picture = make_picture(carol, jpeg(600, 400))
    ensure_thumbnails(picture.pk)
    make_beside(picture.pk)
    plan = propose_change(tier=tier, values={"heights": [100, 150, 200]}, by=None)
    apply_plan(plan, by=None)
    work()
    plan = reload(plan)
    assert plan.counts is not None
    assert plan.outcome is not None
    assert plan.outcome["bytes_made"] == pytest.approx(plan.counts["bytes_made"], rel=0.2)


@pytest.mark.unhurried
def test_the_outcome_of_a_move_is_what_was_planned(tier: Tier, carol: User) -> None:
    for owner in (carol, dave := make_user("dave", "Premium")):
        rendered(owner, 2)
    rendered(make_user("eve", tier.name), 1)
    target = make_tier("Small", [50])
    chosen = User.objects.filter(pk__in=[carol.pk, dave.pk])
    plan = propose_move(accounts=chosen, target=target, by=None)
    apply_plan(plan, by=None)
    work()
    plan = reload(plan)
    assert plan.state == State.DONE
    assert_kept(plan, accounts=2, pictures=4, thumbnails_made=4, thumbnails_removed=8)
    assert plan.outcome is not None
    assert plan.outcome["accounts"] == 2
    assert set(User.objects.filter(tier=target).values_list("username", flat=True)) == {
        "carol",
        "dave",
    }


def test_a_tier_is_deleted_once_its_accounts_have_moved(tier: Tier, carol: User) -> None:
    rendered(carol, 2)
    Invitation.objects.create(tier=tier)
    target = make_tier("Small", [50])
    plan = propose_deletion(tier=tier, target=target, by=None)
    apply_plan(plan, by=None)
    with pytest.raises(ProtectedError):
        tier.delete()
    work()
    plan = reload(plan)
    assert_kept(plan, accounts=1, thumbnails_removed=4, invitations_ended=1)
    assert (plan.state, plan.tier, plan.tier_name) == (State.DONE, None, "Poster")
    assert kinds(plan) == ["made", "applied", "deleted", "done"]
    assert not Tier.objects.filter(name="Poster").exists()
    assert User.objects.get(pk=carol.pk).tier == target


def test_what_waits_or_has_failed_is_not_promised(tier: Tier, carol: User) -> None:
    waiting, failed, _ = rendered(carol, 3)
    Picture.objects.filter(pk=waiting.pk).update(rendering=Picture.Rendering.PENDING)
    Picture.objects.filter(pk=failed.pk).update(rendering=Picture.Rendering.FAILED)
    plan = propose_change(tier=tier, values={"heights": [100, 200, 300]}, by=None)
    assert plan.counts is not None
    assert (plan.counts["thumbnails_made"], plan.counts["failed_pictures"]) == (1, 1)


def test_grants_and_limits_are_there_at_once(tier: Tier, carol: User) -> None:
    picture = rendered(carol, 1)[0]
    make_link(maker=carol, picture=picture, seconds=300)
    values = {"grants_links": False, "max_pictures": 0, "max_stored_bytes": 10}
    plan = propose_change(tier=tier, values=values, by=None)
    assert plan.counts is not None
    assert (plan.counts["links_ended"], plan.counts["over_quota"]) == (1, 1)
    apply_plan(plan, by=None)
    tier.refresh_from_db()
    assert (tier.grants_links, tier.max_pictures, tier.max_stored_bytes) == (False, 0, 10)
    assert reload(plan).state == State.DONE
    assert not Backfill.objects.exists()


# --- Under a lock ---------------------------------------------------------------------------------


def test_a_plan_of_a_tier_that_changed_since_is_refused(tier: Tier) -> None:
    plan = propose_change(tier=tier, values={"quality": 60}, by=None)
    save_for_later(plan, by=None)
    set_heights(tier=tier, heights=[100])
    with pytest.raises(PlanStale):
        apply_plan(plan, by=None)
    assert reload(plan).state == State.SAVED
    count_anew(plan, by=None)
    apply_plan(plan, by=None)
    tier.refresh_from_db()
    assert (tier.quality, heights_of(tier)) == (60, {100})


def test_a_plan_of_a_move_to_a_tier_that_changed_is_refused(tier: Tier, carol: User) -> None:
    target = make_tier("Small", [50])
    plan = propose_move(former=tier, target=target, by=None)
    Tier.objects.filter(pk=target.pk).update(grants_original=True)
    with pytest.raises(PlanStale):
        apply_plan(plan, by=None)


def test_a_plan_is_applied_once(tier: Tier) -> None:
    plan = propose_change(tier=tier, values={"quality": 60}, by=None)
    again = reload(plan)
    apply_plan(plan, by=None)
    for each in (plan, again):
        with pytest.raises(PlanRefused):
            apply_plan(each, by=None)
    assert Backfill.objects.count() == 1
    assert kinds(plan).count("applied") == 1


def test_another_plan_of_the_tier_ends_the_one_that_is_under_way(tier: Tier, carol: User) -> None:
    rendered(carol, 2)
    first = propose_change(tier=tier, values={"heights": [300]}, by=None)
    apply_plan(first, by=None)
    second = propose_change(tier=tier, values={"heights": [100, 400]}, by=None)
    apply_plan(second, by=None)
    first = reload(first)
    assert (first.state, first.steps.last().other_id) == (State.CANCELLED, second.pk)  # type: ignore[union-attr]  # it has steps
    work()
    assert reload(second).state == State.DONE
    assert_kept(reload(second))
    assert {tuple(heights(each)) for each in Picture.objects.all()} == {(100, 400)}


def test_limits_can_be_changed_while_thumbnails_are_made(tier: Tier, carol: User) -> None:
    write_pictures(carol, 2)
    running = propose_change(tier=tier, values={"heights": [300]}, by=None)
    apply_plan(running, by=None)
    limits = propose_change(tier=tier, values={"max_pictures": 9}, by=None)
    apply_plan(limits, by=None)
    assert (reload(running).state, reload(limits).state) == (State.RUNNING, State.DONE)
    assert Backfill.objects.running().count() == 1


@pytest.mark.parametrize("kind", ["a change", "a move to it"])
def test_nothing_else_happens_to_a_tier_that_is_deleted(tier: Tier, carol: User, kind: str) -> None:
    deletion = propose_deletion(tier=tier, target=make_tier("Small"), by=None)
    if kind == "a change":
        other = propose_change(tier=tier, values={"quality": 60}, by=None)
    else:
        other = propose_move(former=make_user("dave").tier, target=tier, by=None)
    apply_plan(deletion, by=None)
    with pytest.raises(PlanRefused, match="deletes this tier"):
        apply_plan(other, by=None)


def test_a_tier_to_which_accounts_move_is_not_deleted(tier: Tier) -> None:
    make_user("dave")
    apply_plan(propose_move(accounts=User.objects.all(), target=tier, by=None), by=None)
    with pytest.raises(PlanRefused, match="moves accounts to this tier"):
        apply_plan(propose_deletion(tier=tier, target=make_tier("Small"), by=None), by=None)


def test_tiers_that_new_accounts_get_are_not_deleted(settings: Settings) -> None:
    settings.SIGNUP_TIER = "Enterprise"
    for name in ("Basic", "Enterprise"):
        with pytest.raises(PlanRefused, match="New accounts"):
            propose_deletion(tier=Tier.objects.get(name=name), target=None, by=None)


@pytest.mark.unhurried
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_who_apply_at_once_one_does() -> None:
    tier = make_tier("Poster", [100, 200])
    plan = propose_change(tier=tier, values={"heights": [300]}, by=None)
    barrier, refused = threading.Barrier(4), []

    def race() -> None:
        own = reload(plan)
        barrier.wait(10)
        try:
            apply_plan(own, by=None)
        except PlanRefused as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(refused) == 3
    assert Backfill.objects.count() == 1


# --- Rest, go on, end -----------------------------------------------------------------------------


@pytest.mark.unhurried
def test_a_paused_plan_rests_and_a_resumed_one_ends_as_planned(
    tier: Tier, carol: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfills, "MAX_WANTED", 2)
    rendered(carol, 6)
    plan = propose_change(tier=tier, values={"heights": [100, 300]}, by=None)
    apply_plan(plan, by=None)
    backfills.go_on()
    pause(plan, by=carol)
    work()
    progress = measure_progress(reload(plan))
    assert (progress.done, progress.total, progress.waiting) == (2, 6, 0)
    work()
    assert Thumbnail.objects.filter(height=300).count() == 2
    assert reload(plan).state == State.PAUSED
    resume(plan, by=carol)
    work()
    plan = reload(plan)
    assert plan.state == State.DONE
    assert_kept(plan)
    assert kinds(plan) == ["made", "applied", "paused", "resumed", "done"]


@pytest.mark.unhurried
def test_a_cancelled_plan_leaves_the_rest_as_it_was(
    tier: Tier, carol: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfills, "MAX_WANTED", 2)
    rendered(carol, 6)
    plan = propose_change(tier=tier, values={"heights": [100, 300]}, by=None)
    apply_plan(plan, by=None)
    backfills.go_on()
    cancel(plan, by=carol)
    work()
    assert heights_of(tier) == {100, 300}
    there = [tuple(sorted(each.thumbnails.values_list("height", flat=True)))
             for each in Picture.objects.all()]  # fmt: skip
    assert sorted(there) == [(100, 200)] * 4 + [(100, 300)] * 2
    plan = reload(plan)
    assert (plan.state, outcome_of(plan)["thumbnails_made"]) == (State.CANCELLED, 2)
    back = propose_way_back(plan, by=None)
    assert back.counts is not None
    assert (back.counts["thumbnails_made"], back.counts["thumbnails_removed"]) == (2, 2)
    rest = propose_rest(plan, by=None)
    apply_plan(rest, by=None)
    work()
    assert_kept(reload(rest), thumbnails_made=4, thumbnails_removed=4)
    assert {tuple(heights(each)) for each in Picture.objects.all()} == {(100, 300)}


def test_accounts_that_a_cancelled_move_has_not_reached_stay(
    tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plans.moving.MAX_ACCOUNTS", 2)
    for number in range(5):
        write_pictures(make_user(f"account-{number}", tier.name), 1)
    target = make_tier("Small", [50])
    for accounts in ({"former": tier}, {"accounts": User.objects.filter(tier=tier)}):
        plan = propose_move(target=target, by=None, **accounts)
        apply_plan(plan, by=None)
        move_next_accounts()
        cancel(plan, by=None)
        assert not move_next_accounts()
        left = propose_rest(plan, by=None)
        assert (left.counts or {})["accounts"] == User.objects.filter(tier=tier).count()
    assert User.objects.filter(tier=target).count() == 4
    with pytest.raises(PlanRefused):
        cancel(plan, by=None)


def test_what_has_another_tier_meanwhile_is_skipped(tier: Tier, carol: User) -> None:
    dave = make_user("dave", tier.name)
    plan = propose_move(accounts=User.objects.filter(tier=tier), target=make_tier("Small"), by=None)
    move_to_tier(dave, make_tier("Large"))
    apply_plan(plan, by=None)
    work()
    plan = reload(plan)
    assert (plan.accounts_moved, plan.accounts_skipped) == (1, 1)
    assert User.objects.get(pk=dave.pk).tier.name == "Large"
    assert plan.state == State.DONE


# --- What dies ------------------------------------------------------------------------------------


def test_a_move_that_dies_in_the_middle_of_a_batch_is_done_again_once(
    tier: Tier, carol: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered(carol, 2)
    plan = propose_move(former=tier, target=make_tier("Small", [50]), by=None)
    apply_plan(plan, by=None)

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("plans.moving._log_moves", die)
        with pytest.raises(RuntimeError):
            move_next_accounts()
    assert User.objects.get(pk=carol.pk).tier == tier
    assert not Backfill.objects.exists()
    work()
    assert_kept(reload(plan), accounts=1, thumbnails_made=2, thumbnails_removed=4)


def test_a_broker_that_is_away_delays_a_plan_and_loses_nothing(
    tier: Tier,
    carol: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    rendered(carol, 2)

    def refuse(*_: object, **__: object) -> None:
        raise OSError("the broker is away")

    plan = propose_move(former=tier, target=make_tier("Small", [50]), by=None)
    with monkeypatch.context() as patched:
        patched.setattr("plans.tasks.move.apply_async", refuse)
        part = Part("broker", lambda: None)
        patched.setattr(background, "broker_part", lambda: part)
        with django_capture_on_commit_callbacks(execute=True):
            apply_plan(plan, by=None)
    assert reload(plan).state == State.RUNNING
    work()
    assert reload(plan).state == State.DONE


def test_a_worker_that_dies_while_it_looks_costs_a_plan_nothing(
    tier: Tier, carol: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered(carol, 3)
    plan = propose_change(tier=tier, values={"heights": [300]}, by=None)
    apply_plan(plan, by=None)

    def die(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(backfills, "_lock", die)
        with pytest.raises(RuntimeError):
            backfills.go_on()
    Backfill.objects.update(leased_until=timezone.now())
    tasks.backfill()
    assert_kept(reload(plan), thumbnails_made=3, thumbnails_removed=6)


# --- Without a plan -------------------------------------------------------------------------------


@pytest.mark.unhurried
@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda tier, _: set_heights(tier=tier, heights=[300]), TierPlan.Kind.CHANGE),
        (lambda tier, user: move_to_tier(user, make_tier("Large", [300])), TierPlan.Kind.MOVE),
    ],
)
def test_a_direct_change_is_a_plan_that_was_applied_at_once(
    tier: Tier, carol: User, change: Callable[[Tier, User], None], kind: str
) -> None:
    rendered(carol, 2)
    change(tier, carol)
    plan = TierPlan.objects.get()
    assert (plan.kind, plan.state, plan.counts) == (kind, State.RUNNING, None)
    work()
    plan = reload(plan)
    assert (plan.state, outcome_of(plan)["thumbnails_made"]) == (State.DONE, 2)
    assert kinds(plan) == ["direct", "done"]


def test_a_direct_change_ends_the_plan_that_is_under_way(tier: Tier, carol: User) -> None:
    rendered(carol, 2)
    plan = propose_change(tier=tier, values={"heights": [300]}, by=None)
    apply_plan(plan, by=None)
    set_heights(tier=tier, heights=[400])
    assert reload(plan).state == State.CANCELLED
    direct = TierPlan.objects.latest("pk")
    assert plan.steps.values_list("kind", "other_id").last() == (
        PlanStep.Kind.SUPERSEDED,
        direct.pk,
    )
    work()
    assert {tuple(heights(each)) for each in Picture.objects.all()} == {(400,)}
    used = Usage.objects.get(owner=carol).thumbnails_bytes
    assert used == sum(each.bytes + each.webp_bytes for each in Thumbnail.objects.all())


# --- Undecided ------------------------------------------------------------------------------------


def test_only_what_is_saved_is_kept_longer_than_a_day(tier: Tier) -> None:
    plans = [propose_change(tier=tier, values={"quality": 50 + n}, by=None) for n in range(3)]
    save_for_later(plans[0], by=None)
    discard(plans[1])
    TierPlan.objects.update(created_at=timezone.now() - 2 * backfills.RETENTION)
    propose_change(tier=tier, values={"quality": 60}, by=None)
    assert TierPlan.objects.exclude(changes__quality=[80, 60]).get() == plans[0]


def test_nothing_is_counted_or_applied_before_accounts_have_a_place_to_go(
    tier: Tier, carol: User
) -> None:
    for each in (
        propose_move(accounts=User.objects.all(), target=None, by=None),
        propose_deletion(tier=tier, target=None, by=None),
    ):
        plan = reload(each)
        assert plan.counts is None
        with pytest.raises(PlanRefused, match="Choose a tier"):
            apply_plan(plan, by=None)
        choose_target(plan, make_tier(f"For {plan.kind}"), by=None)
        plan = reload(plan)
        assert plan.counts is not None
        assert plan.counts["accounts"] == 1
        apply_plan(plan, by=None)


@pytest.mark.parametrize(
    "values",
    [{"heights": [5000]}, {"heights": [0]}, {"quality": 5}, {"colour": 1},
     {"link_min_seconds": 900, "link_max_seconds": 300}, {"max_upload_bytes": "many"}],
)  # fmt: skip
def test_what_a_tier_cannot_say_is_not_planned(tier: Tier, values: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"."):
        propose_change(tier=tier, values=values, by=None)
    assert not TierPlan.objects.exists()
