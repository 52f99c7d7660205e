"""Plans in the admin, by the forms that a browser sends."""

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.template.loader import render_to_string
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import SecurityEvent, User
from plans.models import TierPlan
from plans.progress import Progress
from plans.proposals import propose_change, propose_move, save_for_later
from plans.services import apply_plan, cancel, pause
from tests.admin_actions import run_action
from tests.clients import Client, Response
from tests.factories import make_staff, make_tier, make_user
from tests.plans.work import reload, work
from tests.rows import write_pictures
from thumbnails.models import Backfill
from tiers.models import Tier
from tiers.services import heights_of, set_heights

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]
State = TierPlan.State


@pytest.fixture
def tier() -> Tier:
    return make_tier("Poster", [100, 200], grants_original=True)


@pytest.fixture
def carol(tier: Tier) -> User:
    return make_user("carol", tier.name)


def form_of(tier: Tier, *, heights: list[int], **changes: Any) -> dict[str, Any]:
    """Return what a browser sends that changes rows of heights, from the first on."""
    rows = list(tier.heights.all())
    form = {
        "name": tier.name, "grants_original": "on", "cleans_originals": "on", "quality": 80,
        "link_min_seconds": "300", "link_max_seconds": "30000", "max_upload_bytes": "15 MB",
        "max_pixels": "50 MP", "max_pictures": "", "max_stored_bytes": "",
        "save_all_the_same": "on",
        "heights-TOTAL_FORMS": len(heights), "heights-INITIAL_FORMS": len(rows),
    }  # fmt: skip
    for number, height in enumerate(heights):
        form[f"heights-{number}-height"] = height
        if number < len(rows):
            form |= {f"heights-{number}-id": rows[number].pk, f"heights-{number}-tier": tier.pk}
    return {name: value for name, value in (form | changes).items() if value is not None}


def address_of(tier: Tier) -> str:
    return reverse("admin:tiers_tier_change", args=[tier.pk])


def page_of(plan: TierPlan) -> str:
    return reverse("admin:plans_tierplan_change", args=[plan.pk])


def text_of(response: Response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


# --- From the form of a tier ----------------------------------------------------------------------


def test_a_saved_tier_is_a_plan_first_and_changes_once_that_is_applied(
    admin_client: Client, tier: Tier, carol: User
) -> None:
    write_pictures(carol, 3, heights=[100, 200])
    form = form_of(tier, heights=[100, 250], quality=70, grants_original=None)
    response = admin_client.post(address_of(tier), form)
    plan = TierPlan.objects.get()
    assert response["Location"] == page_of(plan)
    assert plan.changes == {
        "grants_original": [True, False], "quality": [80, 70], "heights": [[100, 200], [100, 250]]
    }  # fmt: skip
    assert heights_of(tier) == {100, 200}
    assert not Backfill.objects.exists()
    page = text_of(admin_client.get(page_of(plan)))
    assert "Thumbnails to make 6" in page
    assert "Of these, in place of others 3" in page
    assert "Thumbnails to remove 3" in page
    assert "People who lose their originals 1" in page
    assert admin_client.post(page_of(plan), {"apply": "Apply"})["Location"] == page_of(plan)
    tier.refresh_from_db()
    assert (tier.quality, tier.grants_original, heights_of(tier)) == (70, False, {100, 250})
    assert (reload(plan).state, reload(plan).applier_name) == (State.RUNNING, "staff")


def test_another_name_alone_needs_no_plan(admin_client: Client, tier: Tier) -> None:
    admin_client.post(address_of(tier), form_of(tier, heights=[100, 200], name="Placard"))
    assert Tier.objects.get(pk=tier.pk).name == "Placard"
    assert not TierPlan.objects.exists()


def test_a_form_with_errors_is_shown_again_and_plans_nothing(
    admin_client: Client, tier: Tier
) -> None:
    response = admin_client.post(address_of(tier), form_of(tier, heights=[100, 9000]))
    assert "4096" in response.content.decode()
    assert not TierPlan.objects.exists()


def test_a_plan_leads_back_to_the_form_as_it_was_filled_in(
    admin_client: Client, tier: Tier
) -> None:
    admin_client.post(address_of(tier), form_of(tier, heights=[100, 250, 300], quality=70))
    plan = TierPlan.objects.get()
    [back] = re.findall(r'href="([^"]+plan=\d+)"', admin_client.get(page_of(plan)).content.decode())
    page = admin_client.get(back)
    form, [inline] = page.context["adminform"].form, page.context["inline_admin_formsets"]
    assert form["quality"].value() == 70
    shown = [(each["height"].value(), bool(each["DELETE"].value())) for each in inline.formset]
    assert shown == [(100, False), (200, True), (250, False), (300, False), (None, False)]
    assert Tier.objects.get(pk=tier.pk).quality == 80
    data = form_of(tier, heights=[100, 200, 250, 300], quality=70)
    admin_client.post(back, data | {"heights-1-DELETE": "on"})
    assert TierPlan.objects.latest("pk").changes == plan.changes


# --- From the pages of accounts -------------------------------------------------------------------


def user_form(user: User, **changes: Any) -> dict[str, Any]:
    form = {"username": user.username, "name": "", "email": "", "tier": user.tier.pk}
    return {**form, "is_active": "on", **changes}


def test_another_tier_of_an_account_is_planned_and_the_rest_is_saved(
    admin_client: Client, tier: Tier, carol: User
) -> None:
    write_pictures(carol, 2, heights=[100, 200])
    target = make_tier("Small", [100])
    address = reverse("admin:accounts_user_change", args=[carol.pk])
    response = admin_client.post(address, user_form(carol, tier=target.pk, name="Carol"))
    plan = TierPlan.objects.get()
    assert response["Location"] == page_of(plan)
    carol = User.objects.get(pk=carol.pk)
    assert (carol.name, carol.tier) == ("Carol", tier)
    assert (plan.counts or {})["thumbnails_removed"] == 2
    admin_client.post(page_of(plan), {"apply": "Apply"})
    work()
    assert User.objects.get(pk=carol.pk).tier == target
    assert reload(plan).state == State.DONE
    entry = LogEntry.objects.get(object_id=str(carol.pk), change_message__contains='["tier"]')
    assert entry.user.username == "staff"


def test_chosen_accounts_move_to_the_tier_that_is_chosen_on_the_next_page(
    admin_client: Client, tier: Tier, carol: User
) -> None:
    dave = make_user("dave", "Premium")
    form = {"action": "plan_move", "_selected_action": [carol.pk, dave.pk]}
    page = admin_client.post("/admin/accounts/user/", form, follow=True)
    plan = TierPlan.objects.get()
    assert "Chosen accounts carol dave" in text_of(page)
    assert plan.counts is None
    admin_client.post(page_of(plan), {"apply": "Apply"})
    assert reload(plan).state == State.PROPOSED
    target = make_tier("Small", [100])
    admin_client.post(page_of(plan), {"choose": "x", "target": target.pk})
    admin_client.post(page_of(plan), {"apply": "Apply"})
    work()
    assert User.objects.filter(tier=target).count() == 2


def test_accounts_of_those_who_may_do_more_are_left_out(tier: Tier, carol: User) -> None:
    root = make_user("root", tier.name, is_staff=True, is_superuser=True)
    clerk = make_staff("clerk", "accounts.change_user")
    client = Client()
    client.force_login(clerk)
    run_action(client, "accounts/user", "plan_move", [root, carol])
    assert list(TierPlan.objects.get().chosen.values_list("account_id", flat=True)) == [carol.pk]


# --- The end of a tier ----------------------------------------------------------------------------


def test_a_tier_in_use_is_deleted_once_its_accounts_have_a_place(
    admin_client: Client, tier: Tier, carol: User
) -> None:
    address = reverse("admin:tiers_tier_delete", args=[tier.pk])
    assert "protected" in text_of(admin_client.get(address))
    target = make_tier("Small", [100])
    admin_client.post(address, {"target": target.pk})
    plan = TierPlan.objects.get()
    admin_client.post(page_of(plan), {"apply": "Apply"})
    assert Tier.objects.filter(pk=tier.pk).exists()
    work()
    assert not Tier.objects.filter(pk=tier.pk).exists()
    assert "Poster" in text_of(admin_client.get(page_of(plan)))
    assert User.objects.get(pk=carol.pk).tier == target


# --- The page of a plan ---------------------------------------------------------------------------


def test_a_plan_is_saved_for_later_discarded_or_counted_anew(
    admin_client: Client, tier: Tier, carol: User
) -> None:
    plans = [propose_change(tier=tier, values={"quality": 50 + n}, by=None) for n in range(2)]
    admin_client.post(page_of(plans[0]), {"save": "x"})
    admin_client.post(page_of(plans[1]), {"discard": "x"})
    assert TierPlan.objects.get().state == State.SAVED
    set_heights(tier=tier, heights=[100])
    page = text_of(admin_client.get(page_of(plans[0])))
    assert "A tier has changed since this was counted" in page
    admin_client.post(page_of(plans[0]), {"apply": "x"})
    assert reload(plans[0]).state == State.SAVED
    write_pictures(carol, 2)
    admin_client.post(page_of(plans[0]), {"count": "x"})
    assert (reload(plans[0]).counts or {})["thumbnails_made"] == 2
    admin_client.post(page_of(plans[0]), {"apply": "x"})
    assert reload(plans[0]).state == State.RUNNING


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED])
def test_a_paused_plan_says_what_is_still_finished_and_foretells_no_end(state: State) -> None:
    progress = Progress(
        done=1, total=3, counts_pictures=True, waiting=2, rate=60.0, seconds_left=120.0
    )
    context = {"plan": TierPlan(state=state), "progress": progress, "time_left": "2 min"}
    page = render_to_string("plans/progress.html", context)
    assert ("is finished" in page) is (state == State.PAUSED)
    assert ("2 min" in page) is (state == State.RUNNING)


def test_a_plan_rests_goes_on_and_ends_by_its_buttons_and_leaves_history(
    admin_client: Client, tier: Tier, carol: User
) -> None:
    write_pictures(carol, 3)
    plan = propose_change(tier=tier, values={"heights": [300]}, by=None)
    for button in ("apply", "pause", "resume", "cancel", "way_back"):
        admin_client.post(page_of(plan), {button: "x"})
    assert list(plan.steps.values_list("kind", "by_name")) == [
        ("made", ""), ("applied", "staff"), ("paused", "staff"), ("resumed", "staff"),
        ("cancelled", "staff"),
    ]  # fmt: skip
    back = TierPlan.objects.latest("pk")
    assert back.changes == {"heights": [[300], [100, 200]]}
    history = admin_client.get(reverse("admin:plans_tierplan_history", args=[plan.pk]))
    assert "Plan: cancel." in text_of(history)
    entries = LogEntry.objects.filter(content_type__model="tier", object_id=str(tier.pk))
    assert entries.get().change_message == f"By plan {plan.pk}."
    assert SecurityEvent.objects.filter(kind="admin.changed", facts__model="tierplan").count() == 5


def test_the_part_with_the_progress_renews_itself(
    admin_client: Client, tier: Tier, carol: User
) -> None:
    write_pictures(carol, 4)
    plan = propose_change(tier=tier, values={"heights": [300]}, by=None)
    apply_plan(plan, by=None)
    Backfill.objects.update(pictures_done=1)
    part = admin_client.get(f"{page_of(plan)}?part").content.decode()
    assert part.strip().startswith("<section")
    assert 'max="4" value="1"' in part
    page = admin_client.get(page_of(plan))
    assert "plan-progress.js" in page.content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", page.content.decode()) == []
    assert "unsafe" not in page["Content-Security-Policy"]
    cancel(plan, by=None)
    assert "<section" not in admin_client.get(f"{page_of(plan)}?part").content.decode()


def test_a_plan_that_ends_another_says_so(admin_client: Client, tier: Tier) -> None:
    apply_plan(first := propose_change(tier=tier, values={"heights": [300]}, by=None), by=None)
    second = propose_change(tier=tier, values={"heights": [400]}, by=None)
    limits = propose_change(tier=tier, values={"max_pictures": 5}, by=None)
    assert page_of(first) in admin_client.get(page_of(second)).content.decode()
    assert page_of(first) not in admin_client.get(page_of(limits)).content.decode()


def test_pages_of_plans_take_as_many_queries_for_many_accounts_and_pictures(
    admin_client: Client, tier: Tier, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        write_pictures(make_user(f"account-{number}", tier.name), 2)
    with django_assert_max_num_queries(46):
        admin_client.post(address_of(tier), form_of(tier, heights=[100, 250]))
    plan = TierPlan.objects.get()
    move = propose_move(accounts=User.objects.filter(tier=tier), target=make_tier("S"), by=None)
    for each in (plan, move):
        with django_assert_max_num_queries(20):
            admin_client.get(page_of(each))
    with django_assert_max_num_queries(30):
        admin_client.post(page_of(plan), {"apply": "x"})
    with django_assert_max_num_queries(16):
        admin_client.get(page_of(plan))


def test_only_saved_and_applied_plans_are_listed(admin_client: Client, tier: Tier) -> None:
    plans = [propose_change(tier=tier, values={"quality": 50 + n}, by=None) for n in range(3)]
    save_for_later(plans[0], by=None)
    apply_plan(plans[1], by=None)
    pause(plans[1], by=None)
    page = admin_client.get(reverse("admin:plans_tierplan_changelist"))
    assert set(page.context["cl"].queryset) == set(plans[:2])


def test_the_pages_are_in_spanish_too(admin_client: Client, tier: Tier, carol: User) -> None:
    write_pictures(carol, 1)
    plan = propose_change(tier=tier, values={"heights": [300], "quality": 60}, by=None)
    page = admin_client.get(page_of(plan), headers={"Accept-Language": "es"}).content.decode()
    for text in (
        "Miniaturas que se crean",
        "Aplicar",
        "Guardar para después",
        "Cambio de un plan",
    ):
        assert text in page


# --- Who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permission", "kinds"),
    [
        ("tiers.change_tier", {"change"}),
        ("tiers.delete_tier", {"delete"}),
        ("accounts.change_user", {"move"}),
        ("tiers.view_tier", set()),
        ("images.change_picture", set()),
    ],
)
def test_who_may_do_the_same_without_a_plan_may_plan_it(
    tier: Tier, carol: User, permission: str, kinds: set[str]
) -> None:
    client, target = Client(), make_tier("Small")
    client.force_login(make_staff("clerk", permission))
    plans = {
        "change": propose_change(tier=tier, values={"quality": 60}, by=None),
        "move": propose_move(former=tier, target=target, by=None),
        "delete": propose_move(former=tier, target=target, by=None),
    }
    TierPlan.objects.filter(pk=plans["delete"].pk).update(kind="delete")
    for kind, plan in plans.items():
        opens = client.get(page_of(plan)).status_code == 200
        client.post(page_of(plan), {"save": "x"})
        assert opens is (reload(plan).state == State.SAVED) is (kind in kinds), kind
    listed = client.get(reverse("admin:plans_tierplan_changelist"))
    assert listed.status_code == (200 if kinds else 403)


def test_nobody_but_staff_sees_a_plan(tier: Tier, alice: User) -> None:
    plan = propose_change(tier=tier, values={"quality": 60}, by=None)
    client = Client()
    assert client.get(page_of(plan)).status_code == 302
    client.force_login(alice)
    assert client.post(page_of(plan), {"apply": "x"}).status_code == 302
    assert reload(plan).state == State.PROPOSED
