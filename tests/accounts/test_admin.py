"""Accounts and sessions in the admin, through its real forms."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import Mail, Session, User
from accounts.request_origin import RequestOrigin
from accounts.scopes import Scope
from accounts.sessions import make_named_token, open_bearer_session
from images.models import Picture
from plans.moving import move_next_accounts
from tests.admin_actions import run_action
from tests.clients import Client
from tests.factories import PASSWORD, make_picture, make_user, tier
from tests.storages import StoredKeys
from thumbnails.models import Backfill

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]


NEW_USER = {
    "username": "carol", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"
}  # fmt: skip


def test_staff_create_an_account_with_a_tier(admin_client: Client) -> None:
    form = {**NEW_USER, "tier": tier("Premium").pk}
    assert admin_client.post("/admin/accounts/user/add/", form).status_code == 302
    assert User.objects.get(username="carol").tier.name == "Premium"


def test_a_new_account_gets_the_basic_tier_by_default(admin_client: Client) -> None:
    page = admin_client.get("/admin/accounts/user/add/")
    assert page.context["adminform"].form.initial["tier"].name == "Basic"


@pytest.mark.parametrize("login", ["ALICE", "al", "a b", "a@b"])
def test_an_invalid_or_taken_login_is_refused_in_the_admin(
    admin_client: Client, alice: User, login: str
) -> None:
    form = {**NEW_USER, "username": login, "tier": tier("Basic").pk}
    assert admin_client.post("/admin/accounts/user/add/", form).status_code == 200
    assert User.objects.filter(username=login).count() == 0


def test_what_is_taken_is_refused_in_the_language_of_staff(
    admin_client: Client, alice: User
) -> None:
    make_user("carla", email="carla@example.org")
    form = {**NEW_USER, "username": "alice", "email": "carla@example.org"}
    page = admin_client.post(
        "/admin/accounts/user/add/",
        {**form, "tier": tier("Basic").pk},
        headers={"Accept-Language": "es"},
    )
    assert page.context["adminform"].form.errors == {
        "username": ["Ese usuario ya existe."],
        "email": ["Esa dirección de correo ya está en uso."],
    }


def user_form(user: User, **changes: object) -> dict[str, Any]:
    form = {"username": user.username, "name": "", "email": "", "tier": user.tier.pk}
    return {**form, "is_active": "on", **changes}


def addresses_of(user: User) -> dict[str, dict[str, Any]]:
    """The pages at which staff give an address, and the forms that they send."""
    return {
        "/admin/accounts/user/add/": {**NEW_USER, "tier": tier("Basic").pk},
        f"/admin/accounts/user/{user.pk}/change/": user_form(user),
    }


@pytest.mark.parametrize(
    ("email_url", "verified"), [("", False), ("", True), ("smtp://mail.example.org", True)]
)
def test_another_accounts_address_is_refused_in_the_admin(
    admin_client: Client, bob: User, settings: Settings, email_url: str, *, verified: bool
) -> None:
    at = timezone.now() if verified else None
    make_user("carla", email="carla@example.org", email_verified_at=at)
    settings.EMAIL_URL = email_url
    for page, form in addresses_of(bob).items():
        response = admin_client.post(page, {**form, "email": "Carla@example.org"})
        assert response.context["adminform"].form.errors == {
            "email": ["This email address is taken."]
        }
    assert User.objects.filter(email__iexact="carla@example.org").count() == 1


def test_an_address_that_nobody_has_verified_may_be_given_again_where_mail_is_sent(
    admin_client: Client, bob: User, settings: Settings
) -> None:
    make_user("carla", email="carla@example.org")
    settings.EMAIL_URL = "smtp://mail.example.org"
    for page, form in addresses_of(bob).items():
        response = admin_client.post(page, {**form, "email": "carla@example.org"})
        assert response.status_code == 302
    assert Mail.objects.filter(address="carla@example.org", kind=Mail.Kind.VERIFY).count() == 2
    counts = User.objects.filter(email="carla@example.org").values_list("email_counts", flat=True)
    assert sorted(counts) == [False, False, True]


def test_an_address_given_too_often_is_saved_without_another_mail(
    admin_client: Client, bob: User, settings: Settings
) -> None:
    settings.EMAIL_URL = "smtp://mail.example.org"
    page = f"/admin/accounts/user/{bob.pk}/change/"
    for email in ("new@example.org", "") * 4:
        assert admin_client.post(page, user_form(bob, email=email)).status_code == 302
    answer = admin_client.post(page, user_form(bob, email="new@example.org"), follow=True)
    assert "no more mails are sent" in answer.content.decode()
    assert User.objects.get(pk=bob.pk).email == "new@example.org"
    assert Mail.objects.filter(address="new@example.org").count() == 3


@pytest.mark.parametrize(
    ("language", "message"),
    [("en", "A superuser is staff too"), ("es", "Un superusuario también es del personal")],
)
def test_a_superuser_is_staff_who_can_sign_in_here(
    admin_client: Client, language: str, message: str
) -> None:
    bob = make_user("bob")
    address = f"/admin/accounts/user/{bob.pk}/change/"
    form = user_form(bob, is_superuser="on")
    refused = admin_client.post(address, form, headers={"Accept-Language": language})
    assert message in refused.content.decode()
    assert not User.objects.filter(pk=bob.pk, is_superuser=True).exists()
    assert admin_client.post(address, {**form, "is_staff": "on"}).status_code == 302
    assert User.objects.filter(pk=bob.pk, is_staff=True, is_superuser=True).exists()


def test_another_tier_starts_a_backfill_of_the_accounts_pictures(
    admin_client: Client, alice: User
) -> None:
    form = user_form(alice, tier=tier("Basic").pk)
    address = f"/admin/accounts/user/{alice.pk}/change/"
    plan = admin_client.post(address, form)["Location"]
    assert not Backfill.objects.exists()
    admin_client.post(plan, {"apply": "Apply"})
    move_next_accounts()
    assert Backfill.objects.get().owner == alice


def test_disabling_an_account_ends_its_sessions(admin_client: Client, alice: User) -> None:
    open_bearer_session(alice, RequestOrigin())
    form = user_form(alice)
    del form["is_active"]
    admin_client.post(f"/admin/accounts/user/{alice.pk}/change/", form)
    assert not Session.objects.live().exists()
    assert Session.objects.get().ended_at


def test_a_password_set_by_staff_ends_every_session(admin_client: Client, alice: User) -> None:
    open_bearer_session(alice, RequestOrigin())
    form = {
        "password1": "another good one",
        "password2": "another good one",
        "usable_password": "true",
    }
    response = admin_client.post(f"/admin/accounts/user/{alice.pk}/password/", form)
    assert response.status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("another good one")
    assert Session.objects.get().ended_at


def test_an_action_ends_every_session_of_the_chosen_accounts(
    admin_client: Client, alice: User, bob: User
) -> None:
    for who in (alice, alice, bob):
        open_bearer_session(who, RequestOrigin())
    assert run_action(admin_client, "accounts/user", "end_every_session", [alice]) == [
        "2 sessions ended."
    ]
    assert [each.user for each in Session.objects.live()] == [bob]


def test_an_action_ends_the_chosen_sessions(admin_client: Client, alice: User) -> None:
    open_bearer_session(alice, RequestOrigin(client_ip="192.0.2.7", user_agent="curl/8"))
    page = admin_client.get("/admin/accounts/session/").content.decode()
    assert "192.0.2.7" in page
    assert "curl/8" in page
    assert run_action(admin_client, "accounts/session", "end", Session.objects.all()) == [
        "1 session ended."
    ]
    assert not Session.objects.live().exists()


def test_staff_see_the_name_and_the_scopes_of_a_token(admin_client: Client, alice: User) -> None:
    open_bearer_session(alice, RequestOrigin())
    made, _ = make_named_token(
        Session.objects.get(),
        name="backup at home",
        scopes=[Scope.READ, Scope.LINKS],
        lifetime=timedelta(days=1),
        origin=RequestOrigin(),
    )
    for address in ("", f"{made.pk}/change/"):
        page = admin_client.get(f"/admin/accounts/session/{address}").content.decode()
        assert "backup at home" in page
        assert "read, links" in page
    in_spanish = admin_client.get(
        "/admin/accounts/session/", headers={"Accept-Language": "es"}
    ).content.decode()
    assert "Permisos" in in_spanish
    assert "todos" in in_spanish


def test_deleting_an_account_removes_its_pictures_and_files(
    admin_client: Client,
    alice: User,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    make_picture(alice)
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"})
    assert not Picture.objects.exists()
    assert stored_keys() == []
