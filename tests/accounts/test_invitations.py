"""Who makes an account: everybody, whoever is invited, or staff alone."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import override
from pytest_django import Settings

from accounts.invitations import invitation_url, write_invitation_token
from accounts.models import Invitation, SecurityEvent, User
from accounts.registration import sign_up
from accounts.request_origin import RequestOrigin
from tests.clients import Client, Response
from tests.factories import PASSWORD, make_staff, tier
from tests.parallel import run_in_parallel

pytestmark = pytest.mark.django_db
SITE = "/api/user/site/"


def sign_up_at_auth(login: str = "carol", **more: Any) -> Response:
    body = {"name": "Carol", "login": login, "password": PASSWORD, **more}
    return Client().post("/auth/signup", body, content_type="application/json")


def register(login: str = "carol", **more: Any) -> Response:
    body = {"login": login, "email": f"{login}@example.org", "password": PASSWORD, **more}
    return Client().post("/api/registration", body, content_type="application/json")


@pytest.fixture
def invitation(db: None) -> Invitation:
    tier("Premium")
    return Invitation.objects.create(tier=tier("Enterprise"))


def spoil(invitation: Invitation, how: str) -> str:
    """Return the token of an invitation that cannot be used."""
    now = timezone.now()
    changes: dict[str, Any] = {
        "used": {"accepted_at": now},
        "revoked": {"revoked_at": now},
        "over": {"expires_at": now - timedelta(seconds=1)},
    }.get(how, {"note": "forged"})
    Invitation.objects.filter(pk=invitation.pk).update(**changes)
    token = write_invitation_token(invitation)
    return token.replace(".", ".x")[:-1] if how == "forged" else token


def test_where_sign_up_is_closed_it_is_refused_in_each_contracts_shape(
    settings: Settings, invitation: Invitation
) -> None:
    settings.SIGNUP = "closed"
    for token in ("", write_invitation_token(invitation)):
        refused = sign_up_at_auth(invitation=token)
        assert (refused.status_code, refused.json()) == (
            403,
            {"error": "El registro está cerrado."},
        )
        assert refused["X-Status-Reason"] == "El registro esta cerrado."
        refused = register(invitation=token)
        assert (refused.status_code, refused.json()) == (
            403, {"message": "Nobody can sign up here.", "status_code": 403}
        )  # fmt: skip
    assert not User.objects.exists()
    assert Client().get(SITE).json()["signup"] == "closed"


@pytest.mark.parametrize("post", [sign_up_at_auth, register])
def test_an_invitation_makes_one_account_of_its_tier(
    settings: Settings, invitation: Invitation, post: Any
) -> None:
    settings.SIGNUP = "invite"
    assert post().status_code == 403
    token = write_invitation_token(invitation)
    # What is wrong with the account uses no invitation up.
    assert post(password="short", invitation=token).status_code == 400
    assert post(invitation=token).status_code == 200
    user = User.objects.get()
    assert user.tier.name == "Enterprise"
    invitation.refresh_from_db()
    assert invitation.account == user
    kinds = SecurityEvent.objects.filter(user_id=user.pk).values_list("kind", flat=True)
    assert "invitation.accepted" in kinds
    refused = post("dave", invitation=token)
    assert refused.status_code == 400
    assert User.objects.get() == user


@pytest.mark.parametrize("signup", ["open", "invite"])
@pytest.mark.parametrize("how", ["forged", "used", "revoked", "over"])
def test_an_invitation_that_cannot_be_used_is_refused(
    settings: Settings, invitation: Invitation, signup: str, how: str
) -> None:
    settings.SIGNUP = signup
    token = spoil(invitation, how)
    refused = sign_up_at_auth(invitation=token)
    assert (refused.status_code, refused.json()) == (
        400, {"messages": [{"path": "invitation", "message": "La invitación no es válida."}]}
    )  # fmt: skip
    refused = register(invitation=token)
    assert (refused.status_code, refused.json()["status_code"]) == (400, 400)
    assert refused.json()["message"].startswith("invitation: This invitation cannot be used")
    assert not User.objects.exists()
    read = Client().get(f"/api/user/invitations/{token}/")
    assert read.status_code == (404 if how == "forged" else 410)


def test_where_sign_up_is_open_an_invitation_still_gives_its_tier(invitation: Invitation) -> None:
    assert sign_up_at_auth().status_code == 200
    assert sign_up_at_auth("dave", invitation=write_invitation_token(invitation)).status_code == 200
    names = dict(User.objects.values_list("username", "tier__name"))
    assert names == {"carol": "Premium", "dave": "Enterprise"}


def test_an_invitation_is_called_by_its_note_or_by_its_tier_and_time(
    invitation: Invitation,
) -> None:
    invitation.created_at = datetime(2026, 3, 4, 15, 6, tzinfo=UTC)
    assert str(invitation) == "Enterprise, made on 03/04/2026 3:06 p.m."
    with override("es"):
        assert str(invitation) == "Enterprise, hecha el 04/03/2026 15:06"
    invitation.note = "For Carol"
    assert str(invitation) == "For Carol"


def test_whoever_holds_an_invitation_may_read_it(invitation: Invitation) -> None:
    read = Client().get(f"/api/user/invitations/{write_invitation_token(invitation)}/").json()
    assert read.keys() == {"tier", "expires_at"}
    assert read["tier"] == "Enterprise"
    assert read["expires_at"].endswith("Z")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_people_with_one_invitation_get_one_account() -> None:
    invitation = Invitation.objects.create(tier=tier("Premium"))
    token = write_invitation_token(invitation)

    def try_it(login: str) -> str:
        try:
            sign_up(login=login, password=PASSWORD, origin=RequestOrigin(), invitation=token)
        except ValidationError as error:
            return ",".join(error.error_dict)
        return "made"

    results = run_in_parallel([partial(try_it, f"person-{number}") for number in range(4)])
    assert sorted(results) == [*["invitation"] * 3, "made"]
    invitation.refresh_from_db()
    assert User.objects.get() == invitation.account


# --- In the admin ---------------------------------------------------------------------------------

PAGE = "/admin/accounts/invitation/"


def test_staff_make_an_invitation_and_see_its_link(
    admin_client: Client, staff: User, invitation: Invitation
) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    form = {
        "tier": str(tier("Premium").pk), "note": "for Dave",
        "expires_at_0": f"{tomorrow:%Y-%m-%d}", "expires_at_1": "12:00:00",
    }  # fmt: skip
    made = admin_client.post(f"{PAGE}add/", form)
    invitation = Invitation.objects.get(note="for Dave")
    assert made["Location"] == f"{PAGE}{invitation.pk}/change/"
    assert invitation.maker == staff
    assert invitation_url(invitation) in admin_client.get(made["Location"]).content.decode()
    # What was given to somebody stays as it is.
    admin_client.post(made["Location"], {**form, "note": "changed"})
    assert Invitation.objects.filter(note="for Dave").exists()


def test_an_invitation_that_would_be_over_at_once_is_refused(admin_client: Client) -> None:
    form = {
        "tier": str(tier("Premium").pk), "note": "",
        "expires_at_0": "2020-01-01", "expires_at_1": "12:00:00",
    }  # fmt: skip
    page = admin_client.post(f"{PAGE}add/", form, headers={"Accept-Language": "es"})
    assert "Elija una hora futura." in page.content.decode()
    assert not Invitation.objects.exists()


def test_a_revoked_invitation_shows_no_link(admin_client: Client, invitation: Invitation) -> None:
    form = {"action": "revoke", "_selected_action": [str(invitation.pk)]}
    page = admin_client.post(PAGE, form, follow=True).content.decode()
    assert "1 invitation revoked." in page
    page = admin_client.get(f"{PAGE}{invitation.pk}/change/").content.decode()
    assert "/join/" not in page
    assert SecurityEvent.objects.get(kind="invitation.revoked").facts == {"count": 1}


def test_the_pages_are_in_spanish_too(admin_client: Client, invitation: Invitation) -> None:
    spanish = {"Accept-Language": "es"}
    page = admin_client.get(f"{PAGE}{invitation.pk}/change/", headers=spanish).content.decode()
    for text in ("Enlace:", "Estado:", "abierta", "Vale hasta:", "Nota:"):
        assert text in page


def test_an_invitation_is_made_by_permission_alone(invitation: Invitation) -> None:
    client = Client()
    client.force_login(make_staff("clerk", "accounts.view_invitation"))
    assert client.get(f"{PAGE}add/").status_code == 403
    # The link makes an account: it is for those who may make it.
    page = client.get(f"{PAGE}{invitation.pk}/change/").content.decode()
    assert "/join/" not in page
