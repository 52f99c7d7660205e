"""Staff with each single permission at every page and every action of the admin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import Invitation, SecurityEvent, Session, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images.links import make_link
from images.models import Link, Picture
from plans.models import TierPlan
from plans.proposals import propose_change
from tests.admin_actions import run_action
from tests.clients import Client
from tests.factories import (
    PASSWORD,
    find_permission,
    make_picture,
    make_staff,
    make_tier,
    make_user,
    tier,
)
from tests.pictures import jpeg
from tests.second_factors import give_factor
from tests.transactions import undone
from thumbnails.models import Thumbnail
from upkeep.closed_accounts import remove_closed_accounts

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]

# By page: which permissions open it, each alone. What is not here opens for superusers alone.
SEE_PICTURES = {"images.view_picture", "images.change_picture"}
ADDRESSES = {
    "list": "/admin/{model}/",
    "add": "/admin/{model}/add/",
    "change": "/admin/{model}/{pk}/change/",
    "history": "/admin/{model}/{pk}/history/",
    "delete": "/admin/{model}/{pk}/delete/",
    "password": "/admin/{model}/{pk}/password/",
}


def seen_by(*permissions: str) -> dict[str, set[str]]:
    return {name: set(permissions) for name in ("list", "change", "history")}


OPENED_BY: dict[str, dict[str, set[str]]] = {
    "auth/group": {},
    "accounts/user": {
        **seen_by("accounts.view_user", "accounts.change_user"),
        "password": {"accounts.change_user"},
        "delete": {"accounts.delete_user"},
    },
    "accounts/session": seen_by("accounts.view_session", "accounts.change_session"),
    "accounts/securityevent": seen_by(
        "accounts.view_securityevent", "accounts.change_securityevent"
    ),
    "accounts/invitation": {
        **seen_by("accounts.view_invitation", "accounts.change_invitation"),
        "add": {"accounts.add_invitation"},
    },
    "tiers/tier": {
        **seen_by("tiers.view_tier", "tiers.change_tier"),
        "add": {"tiers.add_tier"},
        "delete": {"tiers.delete_tier"},
    },
    # Of a plan that changes a tier: whoever may do the same without a plan.
    "plans/tierplan": {
        **seen_by("tiers.change_tier"),
        "list": {"tiers.change_tier", "tiers.delete_tier", "accounts.change_user"},
    },
    "images/picture": {**seen_by(*SEE_PICTURES), "delete": {"images.delete_picture"}},
    "images/link": {
        **seen_by("images.view_link", "images.change_link"),
        "delete": {"images.delete_link"},
    },
    "thumbnails/thumbnail": {**seen_by(*SEE_PICTURES), "delete": {"images.delete_picture"}},
}
# Pages that nobody has, superusers included.
NOBODYS = {
    ("accounts/session", "add"), ("accounts/session", "delete"),
    ("accounts/securityevent", "add"), ("accounts/securityevent", "delete"),
    ("accounts/invitation", "delete"), ("plans/tierplan", "add"), ("plans/tierplan", "delete"),
    ("images/picture", "add"), ("images/link", "add"), ("thumbnails/thumbnail", "add"),
}  # fmt: skip


@dataclass
class Things:
    """One row of every model that has pages, all of alice."""

    alice: User
    rows: dict[str, Model]


@pytest.fixture
def things(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> Things:
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, jpeg(30, 20))
    open_bearer_session(alice, RequestOrigin())
    rows: dict[str, Model] = {
        "accounts/user": alice,
        "accounts/session": Session.objects.get(),
        "accounts/securityevent": SecurityEvent.objects.earliest("pk"),
        "accounts/invitation": Invitation.objects.create(tier=tier("Basic")),
        "auth/group": Group.objects.get_or_create(name="A role")[0],
        "images/picture": picture,
        "images/link": make_link(maker=alice, picture=picture, seconds=300)[0],
        "thumbnails/thumbnail": Thumbnail.objects.first() or Thumbnail(),
        "tiers/tier": tier("Premium"),
        "plans/tierplan": propose_change(tier=tier("Premium"), values={"quality": 60}, by=None),
    }
    return Things(alice, rows)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def pages(things: Things) -> list[tuple[str, str, str]]:
    """Return model, page and address of every page that shows or changes rows."""
    found = []
    for model, row in things.rows.items():
        for page, address in ADDRESSES.items():
            if page != "password" or model == "accounts/user":
                found.append((model, page, address.format(model=model, pk=row.pk)))
    return found


def name_of(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


def all_permissions() -> list[Permission]:
    return list(Permission.objects.select_related("content_type"))


def test_the_table_has_every_model_of_the_admin(things: Things) -> None:
    registered = {f"{m._meta.app_label}/{m._meta.model_name}" for m in admin.site._registry}
    assert registered == set(OPENED_BY) == set(things.rows)


@pytest.mark.nightly
@pytest.mark.timeout(600)  # a thousand pages
def test_each_single_permission_opens_the_pages_that_the_table_says(things: Things) -> None:
    """Those that the table does not name are given all together, and open none."""
    named = set().union(*(names for each in OPENED_BY.values() for names in each.values()))
    others = {name_of(each) for each in all_permissions()} - named
    assert len(others) > 20
    clerk = make_staff("clerk")
    client, wrong = browser(clerk), []
    for given in [*({name} for name in sorted(named)), others]:
        clerk.user_permissions.set(find_permission(name) for name in given)
        for model, page, address in pages(things):
            expected = 200 if given & OPENED_BY[model].get(page, set()) else 403
            status = client.get(address).status_code
            if status != expected:
                wrong.append(f"{address} with {', '.join(given)}: {status}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.unhurried
def test_superusers_open_every_page(things: Things, admin_client: Client) -> None:
    for model, page, address in pages(things):
        expected = 403 if (model, page) in NOBODYS else 200
        assert admin_client.get(address).status_code == expected, address


def test_staff_without_permission_see_an_empty_home_page(things: Things) -> None:
    client = browser(make_staff("clerk"))
    page = client.get("/admin/")
    assert page.context["available_apps"] == []
    query = {"app_label": "images", "model_name": "picture", "field_name": "owner"}
    assert client.get("/admin/autocomplete/", query).status_code == 403


# --- Actions --------------------------------------------------------------------------------------

# By model and action: the permission that it asks for, and whether it had its effect.
Effect = Callable[[Things], bool]
ACTIONS: dict[tuple[str, str], tuple[str, Effect]] = {
    ("accounts/user", "end_every_session"): (
        "accounts.change_user",
        lambda things: not Session.objects.live().exists(),
    ),
    ("accounts/user", "make_reset_links"): (
        "accounts.change_user",
        lambda things: SecurityEvent.objects.filter(kind="reset-link.made").exists(),
    ),
    ("accounts/user", "revoke_reset_links"): (
        "accounts.change_user",
        lambda things: SecurityEvent.objects.filter(kind="reset-link.revoked").exists(),
    ),
    # Superusers alone.
    ("accounts/user", "reset_second_factor"): (
        "",
        lambda things: SecurityEvent.objects.filter(kind="second-factor.removed").exists(),
    ),
    ("accounts/session", "end"): (
        "accounts.change_session",
        lambda things: not Session.objects.live().exists(),
    ),
    ("accounts/invitation", "revoke"): (
        "accounts.change_invitation",
        lambda things: not Invitation.objects.open().exists(),
    ),
    ("images/picture", "render_again"): (
        "images.change_picture",
        lambda things: Picture.objects.filter(render_revision__gt=0).exists(),
    ),
    ("images/link", "revoke"): (
        "images.change_link",
        lambda things: not Link.objects.filter(revoked_at=None).exists(),
    ),
    ("images/picture", "delete_selected"): (
        "images.delete_picture",
        lambda things: not Picture.objects.exists(),
    ),
    ("images/link", "delete_selected"): (
        "images.delete_link",
        lambda things: not Link.objects.exists(),
    ),
    ("thumbnails/thumbnail", "delete_selected"): (
        "images.delete_picture",
        lambda things: Thumbnail.objects.count() == 1,
    ),
    ("accounts/user", "plan_move"): (
        "accounts.change_user",
        lambda things: TierPlan.objects.filter(kind=TierPlan.Kind.MOVE).exists(),
    ),
    # Without the permission to delete pictures, the account of somebody who has some stays.
    ("accounts/user", "delete_selected"): (
        "accounts.delete_user",
        lambda things: not User.objects.filter(username="alice").exists(),
    ),
}


def test_every_action_has_a_row(admin_client: Client, staff: User) -> None:
    request: Any = type("Request", (), {"user": staff, "GET": {}})()
    there = {
        (f"{model._meta.app_label}/{model._meta.model_name}", name)
        for model, pages in admin.site._registry.items()
        for name in pages.get_actions(request)
    }
    assert there - {("auth/group", "delete_selected")} == set(ACTIONS)


# A plan leaves its rows once it is applied (tests/plans/test_admin.py).
@pytest.mark.parametrize(
    ("model", "action"), [each for each in ACTIONS if each != ("accounts/user", "plan_move")]
)
def test_every_action_leaves_a_row_of_history(
    things: Things, admin_client: Client, staff: User, model: str, action: str
) -> None:
    row = things.rows[model]
    if (model, action) == ("tiers/tier", "delete_selected"):
        row = make_tier("Spare")
    if (model, action) == ("accounts/user", "reset_second_factor"):
        give_factor(things.alice)
    form = {"action": action, "_selected_action": [row.pk], "post": "yes"}
    assert admin_client.post(f"/admin/{model}/", form).status_code == 302
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (staff, str(row.pk))
    assert entry.content_type
    assert entry.content_type.model_class() is type(row)
    assert entry.is_deletion() or entry.get_change_message()


@pytest.mark.unhurried
@pytest.mark.parametrize(("model", "action"), ACTIONS)
def test_an_action_asks_for_its_permission(things: Things, model: str, action: str) -> None:
    """Staff have that to see the list, else no action is there; all the others do nothing."""
    wanted, has_effect = ACTIONS[model, action]
    if (model, action) == ("accounts/user", "delete_selected"):
        things.alice.pictures.all().delete()
    clerk = make_staff("clerk")
    client = browser(clerk)
    sees = min(OPENED_BY[model]["list"], key=lambda name: "view" not in name)
    form = {"action": action, "_selected_action": [things.rows[model].pk], "post": "yes"}
    others = [each for each in all_permissions() if name_of(each) != wanted]
    assert len(others) > 40
    alone = [find_permission(wanted)] if wanted else []
    for permissions, expected in ((others, False), (alone, bool(wanted))):
        clerk.user_permissions.set([find_permission(sees), *permissions])
        with undone():
            client.post(f"/admin/{model}/", form)
            done = has_effect(things)
        assert done is expected, (model, action)


def test_staff_who_may_delete_accounts_delete_no_pictures_with_them(things: Things) -> None:
    clerk = make_staff("clerk", "accounts.view_user", "accounts.delete_user")
    address = f"/admin/accounts/user/{things.alice.pk}/delete/"
    assert browser(clerk).post(address, {"post": "yes"}).status_code == 403
    both = make_staff("both", "accounts.delete_user", "images.delete_picture")
    assert browser(both).post(address, {"post": "yes"}).status_code == 302
    remove_closed_accounts()
    assert not Picture.objects.exists()


# --- Accounts that may do more --------------------------------------------------------------------


@pytest.fixture
def clerk(db: None) -> User:
    """May do whatever the permissions over accounts allow."""
    names = Permission.objects.filter(content_type__app_label="accounts")
    return make_staff("clerk", *(name_of(each) for each in names))


def form_of(user: User, **changes: object) -> dict[str, Any]:
    form = {"username": user.username, "name": "", "email": "", "tier": user.tier.pk}
    return {**form, "is_active": "on", **changes}


def test_only_superusers_say_who_is_staff_and_what_staff_may_do(clerk: User, bob: User) -> None:
    role = Group.objects.get_or_create(name="A role")[0]
    some = Permission.objects.order_by("pk").first()
    assert some is not None
    wanted = {
        "is_staff": "on", "is_superuser": "on", "groups": [role.pk], "user_permissions": [some.pk],
        "name": "Bob",
    }  # fmt: skip
    for who in (clerk, make_user("root", is_staff=True, is_superuser=True)):
        for target in (bob, clerk):
            address = f"/admin/accounts/user/{target.pk}/change/"
            assert browser(who).post(address, form_of(target, **wanted)).status_code == 302
            target.refresh_from_db()
            assert target.name == "Bob"
            gained = (
                target.is_superuser,
                target.groups.exists(),
                some in target.user_permissions.all(),
            )
            if who is clerk and target is bob:
                assert (target.is_staff, *gained) == (False, False, False, False)
            elif who is not clerk:
                assert (target.is_staff, *gained) == (True, True, True, True)


@pytest.mark.parametrize("kind", ["superuser", "moderator", "disabled moderator"])
def test_nobody_touches_the_account_of_somebody_who_may_do_more(clerk: User, kind: str) -> None:
    if kind == "superuser":
        target = make_user("target", is_staff=True, is_superuser=True)
    else:
        target = make_staff("target", "images.view_picture")
    open_bearer_session(target, RequestOrigin())
    User.objects.filter(pk=target.pk).update(is_active=not kind.startswith("disabled"))
    client, before = browser(clerk), User.objects.get(pk=target.pk)
    base = f"/admin/accounts/user/{target.pk}"
    password = {"password1": "another good one", "password2": "another good one"}
    assert client.post(f"{base}/change/", form_of(target, name="Eve")).status_code == 403
    assert client.get(f"{base}/password/").status_code == 403
    assert (
        client.post(f"{base}/password/", {**password, "usable_password": "true"}).status_code == 403
    )
    assert client.post(f"{base}/delete/", {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": [target.pk], "post": "yes"}
    assert client.post("/admin/accounts/user/", form).status_code == 403
    run_action(client, "accounts/user", "end_every_session", [target])
    run_action(client, "accounts/session", "end", Session.objects.all())
    after = User.objects.get(pk=target.pk)
    assert (after.name, after.password) == (before.name, before.password)
    assert after.check_password(PASSWORD)
    assert not Session.objects.filter(ended_at__isnull=False).exists()


# --- Look-ups in addresses ------------------------------------------------------------------------

REFUSED = [
    "accounts/user/?username__regex=(a%2B)%2B$", "accounts/user/?password__startswith=argon2",
    "accounts/user/?email__iregex=.", "accounts/user/?password__gte=a",
    "accounts/user/?tier__name__regex=.",
    "accounts/user/?token_sessions__key_hash__startswith=a", "accounts/session/?key_hash__gte=7",
    "accounts/session/?key_hash__startswith=a", "accounts/session/?user__password__contains=a",
    "images/picture/?sha256__startswith=a", "images/picture/?description__regex=(a*)*b",
    "images/picture/?visibility__regex=.", "images/picture/?key__contains=a",
    "images/picture/?owner__email=x",
    "images/link/?maker__password__startswith=a", "tiers/tier/?name__iregex=.",
    "thumbnails/thumbnail/?key__startswith=a", "auth/group/?name__regex=.",
]  # fmt: skip
ALLOWED = [
    "accounts/user/?is_active__exact=1", "accounts/user/?is_staff__exact=0&q=ali",
    "accounts/user/?tier__id__exact=1",
    "accounts/session/?user__id__exact={alice}", "accounts/session/?scheme__exact=bearer",
    "accounts/session/?ended_at__isempty=1",
    "images/picture/?visibility__exact=public&rendering__exact=ready",
    "images/link/?live=revoked", "thumbnails/thumbnail/?owner=alice",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_no_address_picks_a_look_up(admin_client: Client, address: str) -> None:
    assert admin_client.get(f"/admin/{address}").status_code == 400


@pytest.mark.parametrize("address", ALLOWED)
def test_the_filters_of_the_pages_still_work(
    admin_client: Client, alice: User, settings: Settings, address: str
) -> None:
    assert admin_client.get(f"/admin/{address.format(alice=alice.pk)}").status_code == 200
