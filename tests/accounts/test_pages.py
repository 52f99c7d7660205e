"""Pages for whoever has no account yet, or no password any more."""

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.admin import MAX_RESET_LINKS
from accounts.invitations import write_invitation_token
from accounts.models import Invitation, SecurityEvent, User
from accounts.one_time_links import reset_url, verification_url
from accounts.throttling import SIGN_UPS_PER_ADDRESS
from tests.admin_actions import run_action
from tests.clients import Client, Response
from tests.factories import PASSWORD, make_staff, make_user, tier, token_client

pytestmark = pytest.mark.django_db
NEW = "another good one"
FORM = {"username": "carol", "name": "Carol", "email": "", "password": PASSWORD}


@pytest.fixture
def invited(db: None) -> str:
    """The address of a page to which somebody is invited."""
    tier("Premium")
    return f"/join/{write_invitation_token(Invitation.objects.create(tier=tier('Enterprise')))}/"


def text(response: Response) -> str:
    return response.content.decode()


def path_of(url: str) -> str:
    return url.removeprefix("http://localhost:8000")


def test_an_invitation_is_accepted_on_a_page_that_signs_in(
    settings: Settings, invited: str
) -> None:
    settings.SIGNUP = "invite"
    browser = Client()
    assert "Enterprise" in text(browser.get(invited))
    wrong = browser.post(invited, {**FORM, "username": "a b", "password": "short"})
    assert wrong.status_code == 400
    assert "Use letters, digits" in text(wrong)
    assert PASSWORD not in text(wrong)
    assert 'value="a b"' in text(wrong)
    made = browser.post(invited, FORM)
    assert (made.status_code, made["Location"]) == (302, "/")
    assert browser.get("/api/user/account/").json()["tier"]["name"] == "Enterprise"
    assert browser.post(invited, FORM).status_code == 410
    assert User.objects.get().username == "carol"


@pytest.mark.parametrize(
    ("signup", "without", "with_one"),
    [("open", 200, 200), ("invite", 403, 200), ("closed", 403, 403)],
)
def test_the_page_is_there_for_whom_the_setting_lets_in(
    settings: Settings, invited: str, signup: str, without: int, with_one: int
) -> None:
    settings.SIGNUP = signup
    assert Client().get("/join/").status_code == without
    assert Client().get(invited).status_code == with_one
    assert Client().get("/join/forged/").status_code == (403 if signup == "closed" else 410)
    assert Client().post("/join/", FORM).status_code == (302 if signup == "open" else 403)


def test_sign_ups_on_the_page_are_throttled(invited: str) -> None:
    for _ in range(SIGN_UPS_PER_ADDRESS.amount):
        assert Client().post("/join/", {**FORM, "password": "x"}).status_code == 400
    refused = Client().post("/join/", FORM)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0


def test_a_form_of_another_site_makes_no_account(invited: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert browser.post(invited, FORM).status_code == 403
    assert not User.objects.exists()


def test_a_link_of_the_staff_sets_a_password_once(alice: User) -> None:
    phone, browser = token_client(alice), Client()
    alice.refresh_from_db()
    address = path_of(reset_url(alice))
    assert "alice" in text(browser.get(address))
    wrong = browser.post(address, {"password": "short"})
    assert (wrong.status_code, "too short" in text(wrong)) == (400, True)
    assert browser.post(address, {"password": NEW}).status_code == 200
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert phone.get("/api/user/account/").status_code == 401
    for again in (browser.get(address), browser.post(address, {"password": "one more good one"})):
        assert again.status_code == 410
    for other in ("none", f"{alice.pk.hex}.none", f"{alice.pk.hex}.", "x" * 500):
        assert browser.get(f"/reset/{other}/").status_code == 410


def test_whoever_signs_in_meanwhile_needs_no_link(alice: User) -> None:
    address = path_of(reset_url(alice))
    body = {"username": "alice", "password": PASSWORD}
    Client().post("/api/user/token/", body, content_type="application/json")
    assert Client().get(address).status_code == 410


def test_a_link_of_an_account_that_was_closed_sets_nothing(alice: User) -> None:
    address = path_of(reset_url(alice))
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert Client().post(address, {"password": NEW}).status_code == 410


def test_opening_a_mail_verifies_nothing(alice: User) -> None:
    """Programs that look into mails open every link."""
    User.objects.filter(pk=alice.pk).update(email="alice@example.org")
    alice.refresh_from_db()
    address = path_of(verification_url(alice))
    page = Client().get(address)
    assert (page.status_code, "alice@example.org" in text(page)) == (200, True)
    unverified = User.objects.filter(pk=alice.pk, email_verified_at=None)
    assert unverified.exists()
    assert Client().post(address).status_code == 200
    assert not unverified.exists()
    assert Client().post(address).status_code == 410


def test_the_page_to_ask_for_a_link_says_the_same_to_everybody(settings: Settings) -> None:
    make_user("alice", email="alice@example.org", email_verified_at=timezone.now())
    assert "sends no mail" in text(Client().get("/reset/"))
    settings.EMAIL_URL = "smtp://127.0.0.1"
    assert Client().post("/reset/", {"email": "none"}).status_code == 400
    known, unknown = (
        Client().post("/reset/", {"email": f"{name}@example.org"}) for name in ("alice", "nobody")
    )
    assert known.status_code == unknown.status_code == 200
    assert text(known) == text(unknown)


@pytest.mark.parametrize(
    ("language", "heading"), [("en", "Make an account"), ("es", "Crear una cuenta")]
)
def test_a_page_runs_no_script_and_is_never_kept(invited: str, language: str, heading: str) -> None:
    page = Client(headers={"Accept-Language": language}).get(invited)
    assert heading in text(page)
    assert page["Cache-Control"] == "no-store"
    assert "default-src 'none'; style-src 'self'" in page["Content-Security-Policy"]
    assert "script-src" not in page["Content-Security-Policy"]
    assert page["Referrer-Policy"] == "same-origin"


# --- In the admin ---------------------------------------------------------------------------------


def test_staff_make_links_for_the_accounts_that_they_may_change(
    admin_client: Client, alice: User, bob: User
) -> None:
    first, second, note = run_action(
        admin_client, "accounts/user", "make_reset_links", [alice, bob]
    )
    assert "once, within 24 hours" in note
    addresses = {each.partition(": ")[0]: each.partition(": ")[2] for each in (first, second)}
    assert addresses.keys() == {"alice", "bob"}
    assert Client().post(path_of(addresses["alice"]), {"password": NEW}).status_code == 200
    events = SecurityEvent.objects.filter(kind="reset-link.made")
    assert {event.user_id for event in events} == {alice.pk, bob.pk}
    assert MAX_RESET_LINKS <= 20


def test_nobody_makes_a_link_for_who_may_do_more(staff: User, alice: User) -> None:
    clerk = Client()
    clerk.force_login(make_staff("clerk", "accounts.change_user"))
    said = run_action(clerk, "accounts/user", "make_reset_links", [staff, alice])
    assert [each.partition(":")[0] for each in said[:-1]] == ["alice"]
