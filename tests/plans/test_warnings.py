"""Warnings: people learn what a plan takes from them before it does, or that it will not."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.mail import send_due_mail
from accounts.models import User
from notifications.feed import read_events
from plans import warnings
from plans.exceptions import PlanRefused, PlanStale
from plans.losses import takes_of
from plans.models import TierPlan
from plans.proposals import propose_change, propose_deletion, propose_move, save_for_later
from plans.services import apply_plan, pause
from plans.tasks import move
from plans.warnings import apply_next_due, save_and_warn, tell_next_accounts, withdraw
from tests.accounts.mail_server import Inbox, mail_server
from tests.accounts.test_mail import use
from tests.clients import Client
from tests.factories import make_tier, make_user, token_client
from tests.plans.work import reload, work
from tiers.models import Tier
from tiers.services import set_heights, values_of

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]
ACCOUNT = "/api/user/account/"
SOON = datetime(2126, 1, 31, 6, tzinfo=UTC)


@pytest.fixture
def tier() -> Tier:
    return make_tier("Poster", [100, 200], grants_original=True, grants_links=True)


@pytest.fixture
def carol(tier: Tier) -> User:
    return make_user("carol", tier.name)


def told(*users: User) -> list[str]:
    """Return whom an event told of planned changes, once for each."""
    return [
        user.username
        for user in users
        for event in read_events(user.pk, 0).events
        if event["type"] == "planned_changes.updated"
    ]


def tell() -> None:
    while tell_next_accounts():
        pass


def planned(user: User) -> list[dict[str, Any]]:
    account = token_client(user).get(ACCOUNT).json()
    found: list[dict[str, Any]] = account.get("planned_changes", [])
    # The contract's fields alone where nothing is planned.
    assert ("planned_changes" in account) == bool(found)
    return found


# --- What is taken --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({"grants_original": False}, ["grants_original"]),
        ({"grants_links": False, "link_max_seconds": 300}, ["grants_links"]),
        ({"heights": [100]}, ["heights"]),
        ({"heights": [100, 300]}, ["heights"]),
        ({"heights": [100, 200, 300]}, []),
        ({"max_pictures": 5}, ["max_pictures"]),
        ({"max_stored_bytes": 5}, ["max_stored_bytes"]),
        ({"max_upload_bytes": 2048, "max_pixels": 9}, ["max_upload_bytes", "max_pixels"]),
        ({"link_min_seconds": 301}, ["link_min_seconds"]),
        ({"link_max_seconds": 29_999}, ["link_max_seconds"]),
        ({"link_min_seconds": 299, "link_max_seconds": 30_001}, []),
        ({"quality": 20, "cleans_originals": False, "name": "Placard"}, []),
    ],
)
def test_what_allows_less_is_named(tier: Tier, changes: dict[str, Any], taken: list[str]) -> None:
    before = values_of(tier)
    assert takes_of(before, {**before, **changes}) == taken


def test_a_quota_that_falls_is_less_and_none_is_more_than_any() -> None:
    tier = make_tier("Filled", max_pictures=10)
    before = values_of(tier)
    assert takes_of(before, {**before, "max_pictures": 9}) == ["max_pictures"]
    assert takes_of(before, {**before, "max_pictures": 10}) == []
    assert takes_of(before, {**before, "max_pictures": None}) == []


# --- What an account says -------------------------------------------------------------------------


def test_an_account_says_what_an_announced_plan_takes_and_when(
    tier: Tier, carol: User, bob: User
) -> None:
    plan = propose_change(tier=tier, values={"grants_links": False, "heights": [100]}, by=None)
    save_for_later(plan, by=None)
    assert planned(carol) == []
    save_and_warn(plan, at=SOON, by=None)
    [change] = planned(carol)
    assert change["at"] == "2126-01-31T06:00:00Z"
    assert change["takes"] == ["heights", "grants_links"]
    now = token_client(carol).get(ACCOUNT).json()["tier"]
    assert change["tier"] == {**now, "grants_links": False, "heights": [100]}
    assert planned(bob) == []
    tier.grants_links = False
    tier.save()
    assert planned(carol)[0]["takes"] == ["heights"]
    withdraw(plan, by=None)
    assert planned(carol) == []


def test_a_move_is_said_to_those_who_were_chosen_and_not_moved_yet(
    tier: Tier, carol: User, bob: User
) -> None:
    dave, small = make_user("dave", tier.name), make_tier("Small", [100])
    one = User.objects.filter(pk=carol.pk)
    plan = propose_move(accounts=one, target=small, by=None)
    save_and_warn(plan, at=None, by=None)
    [change] = planned(carol)
    assert (change["at"], change["tier"]["name"]) == (None, "Small")
    assert change["takes"] == ["heights", "grants_original", "grants_links"]
    assert planned(dave) == planned(bob) == []
    apply_plan(plan, by=None)
    assert planned(carol)[0]["at"] is not None
    pause(plan, by=None)
    assert len(planned(carol)) == 1
    TierPlan.objects.update(state="running")
    work()
    assert planned(User.objects.get(pk=carol.pk)) == []


def test_the_end_of_a_tier_is_said_to_all_of_it_but_superusers(tier: Tier, carol: User) -> None:
    root = make_user("root", tier.name, is_staff=True, is_superuser=True)
    plan = propose_deletion(tier=tier, target=make_tier("Small", [100]), by=None)
    assert (plan.counts or {})["told"] == 1
    save_and_warn(plan, at=SOON, by=None)
    assert planned(carol)[0]["tier"]["name"] == "Small"
    assert planned(root) == []
    tell()
    assert told(carol, root) == ["carol"]


@pytest.mark.unhurried
def test_it_takes_as_many_queries_for_many_plans_as_for_one(
    tier: Tier, carol: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client, small = token_client(carol), make_tier("Small", [100])
    client.get(ACCOUNT)
    with django_assert_num_queries(2):
        client.get(ACCOUNT)
    others = User.objects.filter(pk=carol.pk)
    for number in range(6):
        change = propose_change(tier=tier, values={"max_pictures": 10 - number}, by=None)
        for plan in (change, propose_move(accounts=others, target=small, by=None)):
            save_and_warn(plan, at=SOON, by=None)
        with django_assert_num_queries(6):
            found = client.get(ACCOUNT).json()["planned_changes"]
        assert len(found) == 2 * number + 2


# --- Who is told ----------------------------------------------------------------------------------


def test_each_account_is_told_once_in_batches_and_nobody_else(
    tier: Tier, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warnings, "_TOLD_AT_ONCE", 2)
    users = [make_user(f"user-{number}", tier.name) for number in range(5)]
    closed = make_user("closed", tier.name, is_active=False)
    plan = propose_change(tier=tier, values={"grants_original": False}, by=None)
    assert (plan.counts or {})["told"] == 5
    save_and_warn(plan, at=SOON, by=None)
    assert tell_next_accounts()
    assert (reload(plan).accounts_told, len(told(*users))) == (2, 2)
    tell()
    assert told(*users, bob, closed) == [each.username for each in users]
    assert (reload(plan).accounts_told, reload(plan).is_telling) == (5, False)
    withdraw(plan, by=None)
    tell()
    assert told(*users, closed) == [name for each in users for name in [each.username] * 2]


def test_of_accounts_of_several_tiers_those_are_told_who_lose_something(
    tier: Tier, carol: User
) -> None:
    small = make_tier("Small", [100])
    dave, erin = make_user("dave", small.name), make_user("erin", "Basic")
    target = make_tier("Middle", [100, 200], grants_links=True)
    chosen = User.objects.filter(pk__in=[carol.pk, dave.pk, erin.pk])
    plan = propose_move(accounts=chosen, target=target, by=None)
    assert (plan.counts or {})["told"] == 1
    save_and_warn(plan, at=SOON, by=None)
    tell()
    assert told(carol, dave, erin) == ["carol"]


def test_telling_takes_as_many_queries_for_many_accounts(
    tier: Tier, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(2):
        make_user(f"few-{number}", tier.name)
    plan = propose_change(tier=tier, values={"grants_original": False}, by=None)
    save_and_warn(plan, at=SOON, by=None)
    with django_assert_max_num_queries(20) as few:
        tell()
    for number in range(40):
        make_user(f"many-{number}", tier.name)
    save_and_warn(plan, at=SOON, by=None)
    with django_assert_max_num_queries(20) as many:
        tell()
    assert len(many) == len(few)


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Inbox]:
    with mail_server() as (inbox, url):
        use(settings, url)
        yield inbox


def test_a_verified_address_gets_a_mail_in_both_languages_and_one_when_it_is_withdrawn(
    tier: Tier, carol: User, inbox: Inbox
) -> None:
    User.objects.filter(pk=carol.pk).update(
        email="carol@example.org", email_verified_at=timezone.now()
    )
    make_user("dave", tier.name, email="dave@example.org")
    plan = propose_change(tier=tier, values={"grants_original": False}, by=None)
    save_and_warn(plan, at=SOON, by=None)
    tell()
    send_due_mail()
    withdraw(plan, by=None)
    tell()
    send_due_mail()
    first, second = inbox.mails
    assert first["To"] == second["To"] == "carol@example.org"
    assert "less" in first["Subject"]
    assert "withdrawn" in second["Subject"]
    for mail, spanish in ((first, "menos"), (second, "no llega")):
        text = str(mail.get_content())
        assert "carol" in text
        assert "/account" in text
        assert spanish in text


def test_nobody_is_mailed_where_no_mail_can_be_sent(tier: Tier, carol: User) -> None:
    User.objects.filter(pk=carol.pk).update(
        email="carol@example.org", email_verified_at=timezone.now()
    )
    save_and_warn(propose_change(tier=tier, values={"heights": []}, by=None), at=None, by=None)
    tell()
    assert told(carol) == ["carol"]


# --- When the time has come -----------------------------------------------------------------------


def come(plan: TierPlan) -> None:
    TierPlan.objects.filter(pk=plan.pk).update(effective_at=timezone.now() - timedelta(seconds=1))


def test_a_plan_applies_itself_at_its_time_and_not_before(
    tier: Tier, carol: User, staff: User
) -> None:
    plan = propose_change(tier=tier, values={"grants_original": False}, by=None)
    save_and_warn(plan, at=timezone.now() + timedelta(hours=1), by=staff)
    move()
    assert (reload(plan).state, told(carol)) == ("saved", ["carol"])
    come(plan)
    move()
    assert (reload(plan).state, reload(plan).applier_name) == ("done", "staff")
    assert not Tier.objects.get(pk=tier.pk).grants_original


def test_a_plan_that_only_was_saved_and_one_without_a_time_never_apply_themselves(
    tier: Tier, carol: User
) -> None:
    saved = propose_change(tier=tier, values={"max_pictures": 5}, by=None)
    save_for_later(saved, by=None)
    without = propose_change(tier=tier, values={"max_pictures": 6}, by=None)
    save_and_warn(without, at=None, by=None)
    move()
    assert {reload(saved).state, reload(without).state} == {"saved"}


def test_nobody_loses_anything_before_all_are_told(tier: Tier, carol: User) -> None:
    plan = propose_change(tier=tier, values={"grants_original": False}, by=None)
    save_and_warn(plan, at=SOON, by=None)
    come(plan)
    assert not apply_next_due()
    tell()
    assert apply_next_due()


def test_a_plan_of_a_tier_that_changed_meanwhile_waits_for_staff(tier: Tier, carol: User) -> None:
    plan = propose_change(tier=tier, values={"grants_original": False}, by=None)
    save_and_warn(plan, at=SOON, by=None)
    tell()
    set_heights(tier=tier, heights=[100])
    come(plan)
    assert apply_next_due()
    assert not apply_next_due()
    plan = reload(plan)
    assert (plan.state, plan.effective_at) == ("saved", None)
    assert plan.steps.latest("pk").kind == "not-due"
    assert planned(carol)[0]["at"] is None


def test_what_cannot_be_applied_cannot_be_announced(tier: Tier, carol: User) -> None:
    plan = propose_change(tier=tier, values={"grants_original": False}, by=None)
    with pytest.raises(PlanRefused, match="time to come"):
        save_and_warn(plan, at=timezone.now(), by=None)
    set_heights(tier=tier, heights=[100])
    with pytest.raises(PlanStale):
        save_and_warn(plan, at=SOON, by=None)
    unplaced = propose_move(accounts=User.objects.filter(pk=carol.pk), target=None, by=None)
    with pytest.raises(PlanRefused, match="Choose a tier"):
        save_and_warn(unplaced, at=SOON, by=None)
    with pytest.raises(PlanRefused):
        withdraw(plan, by=None)


# --- The page of a plan ---------------------------------------------------------------------------


def page_of(plan: TierPlan) -> str:
    return reverse("admin:plans_tierplan_change", args=[plan.pk])


def text_of(client: Client, plan: TierPlan) -> str:
    content = client.get(page_of(plan)).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content))


def test_staff_see_how_many_would_be_told_and_warn_reschedule_and_withdraw(
    admin_client: Client, tier: Tier, carol: User
) -> None:
    plan = propose_change(tier=tier, values={"grants_original": False}, by=None)
    page = admin_client.get(page_of(plan)).content.decode()
    assert "1 person is allowed less by this plan." in page
    assert 'type="datetime-local"' in page
    assert page.index('name="warn"') < page.index('name="apply"'), "what Enter presses"
    admin_client.post(page_of(plan), {"warn": "x", "effective_at": "2126-01-31T06:00"})
    assert reload(plan).effective_at == SOON
    tell()
    text = text_of(admin_client, plan)
    assert "Applies itself: Jan. 31, 2126, 6 a.m." in text
    assert "People told: 1" in text
    assert "People are told staff" in text
    admin_client.post(page_of(plan), {"warn": "x", "effective_at": ""})
    assert (reload(plan).effective_at, reload(plan).is_telling) == (None, True)
    for wrong in ("2016-01-31T06:00", "soon"):
        admin_client.post(page_of(plan), {"warn": "x", "effective_at": wrong})
        assert reload(plan).effective_at is None
    admin_client.post(page_of(plan), {"discard": "x"})
    assert reload(plan).state == "cancelled"
    text = text_of(admin_client, plan)
    assert "Withdrawn; people are told staff" in text
    assert "Plan the" not in text


def test_a_plan_that_takes_nothing_warns_nobody(
    admin_client: Client, tier: Tier, carol: User
) -> None:
    plan = propose_change(tier=tier, values={"heights": [100, 200, 300]}, by=None)
    text = text_of(admin_client, plan)
    assert "Nobody is allowed less by this plan" in text
    save_and_warn(plan, at=SOON, by=None)
    tell()
    assert (told(carol), planned(carol)) == ([], [])


def test_one_account_that_moves_to_a_lesser_tier_is_warned_from_its_page(
    admin_client: Client, tier: Tier, carol: User
) -> None:
    small = make_tier("Small", [100])
    form = {"username": "carol", "name": "", "email": "", "tier": small.pk, "is_active": "on"}
    admin_client.post(reverse("admin:accounts_user_change", args=[carol.pk]), form)
    plan = TierPlan.objects.get()
    assert "1 person is allowed less by this plan." in text_of(admin_client, plan)
    admin_client.post(page_of(plan), {"warn": "x", "effective_at": "2126-01-31T06:00"})
    assert planned(carol)[0]["tier"]["name"] == "Small"
    come(plan)
    move()
    work()
    assert User.objects.get(pk=carol.pk).tier == small
    assert planned(User.objects.get(pk=carol.pk)) == []


def test_the_command_warns_and_withdraws_too(
    tier: Tier, carol: User, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    file = tmp_path / "plan.json"
    file.write_text('{"action": "change", "tier": "Poster", "changes": {"max_pictures": 3}}')
    call_command("plan_tier", str(file), "--warn", "--at", "2126-01-31T06:00")
    assert '"effective_at": "2126-01-31T06:00:00+00:00"' in capsys.readouterr().out
    assert planned(carol)[0]["takes"] == ["max_pictures"]
    call_command("plan_tier", "--id", str(TierPlan.objects.get().pk), "--withdraw")
    assert planned(carol) == []
