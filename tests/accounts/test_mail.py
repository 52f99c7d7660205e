"""Mails: sent by a real SMTP server, once it is there, and addresses that count once verified."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.mail import MAX_ATTEMPTS, send_due_mail
from accounts.models import Mail, SecurityEvent, Session, User
from accounts.throttling import RESETS_PER_MAILBOX
from config.env.mail import mail_config
from tests.accounts.mail_server import Inbox, mail_server
from tests.clients import Client, Response
from tests.factories import PASSWORD, make_user, tier, token_client

pytestmark = pytest.mark.django_db
NEW = "another good one"
ACCOUNT, ASK, CONFIRM = (
    f"/api/user/{each}/" for each in ("account", "password-reset", "password-reset/confirm")
)


def post(address: str, **body: Any) -> Response:
    return Client().post(address, body, content_type="application/json")


def use(settings: Settings, url: str) -> None:
    for name, value in mail_config(url).items():
        setattr(settings, name, value)
    settings.EMAIL_URL = url


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Inbox]:
    """The mails that a real server received."""
    with mail_server() as (inbox, url):
        use(settings, url)
        yield inbox


def received(inbox: Inbox) -> list[tuple[str, str]]:
    """Send what is due; return whom each new mail went to, and its link's token."""
    inbox.mails.clear()
    send_due_mail()
    found = []
    for mail in inbox.mails:
        match = re.search(r"http://localhost:\d+/(?:reset|verify)/(\S+)/", str(mail.get_content()))
        found.append((str(mail["To"]), match[1] if match else ""))
    return found


def verified(username: str, address: str) -> User:
    return make_user(username, email=address, email_verified_at=timezone.now())


def open_verification(token: str) -> Response:
    return Client().post(f"/verify/{token}/")


# --- A forgotten password -------------------------------------------------------------------------


def test_a_link_by_mail_sets_another_password_once(inbox: Inbox) -> None:
    alice = verified("alice", "alice@example.org")
    phone = token_client(alice)
    asked = post(ASK, email="ALICE@example.org")
    assert (asked.status_code, asked.content) == (204, b"")
    [(to, token)] = received(inbox)
    mail = inbox.mails[0]
    assert to == "alice@example.org"
    assert (mail["Subject"], mail["Auto-Submitted"]) == ("A new password", "auto-generated")
    assert mail["From"] == "Tintype <tintype@localhost>"
    weak = post(CONFIRM, token=token, new_password="short")
    assert (weak.status_code, weak.json().keys()) == (400, {"new_password"})
    assert post(CONFIRM, token=token, new_password=NEW).status_code == 204
    assert phone.get(ACCOUNT).status_code == 401
    assert not Session.objects.live().exists()
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    again = post(CONFIRM, token=token, new_password="a third good one")
    assert (again.status_code, again.json()) == (
        400, {"token": ["This link was used, or its time is over."]}
    )  # fmt: skip
    kinds = list(
        SecurityEvent.objects.filter(user_id=alice.pk).order_by("pk").values_list("kind", flat=True)
    )
    assert kinds[-3:] == ["password.changed", "token.ended", "password.reset"]


def test_known_and_unknown_addresses_are_answered_by_the_same_work(
    inbox: Inbox, django_assert_num_queries: Any
) -> None:
    """Whether an account has the address, the worker alone finds out."""
    verified("alice", "alice@example.org")
    make_user("bob", email="bob@example.org")  # never verified
    make_user("carol", email="carol@example.org", email_verified_at=timezone.now(), is_active=False)
    outside = verified("ada", "ada@example.org")
    User.objects.filter(pk=outside.pk).update(password="!")  # of an external issuer
    answers = set()
    for name in ("alice", "bob", "carol", "ada", "nobody"):
        with django_assert_num_queries(1):
            answer = post(ASK, email=f"{name}@example.org")
        answers.add((answer.status_code, answer.content))
    assert answers == {(204, b"")}
    assert [to for to, _ in received(inbox)] == ["alice@example.org"]
    assert not Mail.objects.exists()


def test_one_mailbox_is_asked_for_three_times_an_hour(inbox: Inbox) -> None:
    for _ in range(RESETS_PER_MAILBOX.amount):
        assert post(ASK, email="nobody@example.org").status_code == 204
    refused = post(ASK, email="Nobody@example.org")
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 60
    assert post(ASK, email="another@example.org").status_code == 204


def test_without_mail_people_are_sent_to_the_staff(settings: Settings, alice: User) -> None:
    assert Client().get("/api/user/site/").json()["password_reset"] is False
    refused = post(ASK, email="alice@example.org")
    assert (refused.status_code, refused.json()) == (
        403, {"detail": "This service sends no mail: ask its staff for a link."}
    )  # fmt: skip
    settings.EMAIL_URL = "smtp://127.0.0.1"
    assert Client().get("/api/user/site/").json()["password_reset"] is True


def test_a_mail_is_in_the_language_of_who_asked(inbox: Inbox) -> None:
    verified("alice", "alice@example.org")
    headers = {"Accept-Language": "es"}
    Client().post(
        ASK, {"email": "alice@example.org"}, content_type="application/json", headers=headers
    )
    received(inbox)
    assert inbox.mails[0]["Subject"] == "Una contraseña nueva"


def test_a_mail_waits_for_its_server_and_is_given_up_in_the_end(inbox: Inbox) -> None:
    verified("alice", "alice@example.org")
    post(ASK, email="alice@example.org")
    inbox.refuses = True
    assert received(inbox) == []
    mail = Mail.objects.get()
    assert mail.attempts == 1
    assert mail.due_at > timezone.now()
    inbox.refuses = False
    Mail.objects.update(due_at=timezone.now())
    assert len(received(inbox)) == 1
    assert not Mail.objects.exists()
    post(ASK, email="alice@example.org")
    inbox.refuses = True
    Mail.objects.update(attempts=MAX_ATTEMPTS - 1)
    assert received(inbox) == []
    assert not Mail.objects.exists()


# --- Addresses ------------------------------------------------------------------------------------


def test_an_address_counts_once_it_is_verified(inbox: Inbox) -> None:
    tier("Premium")
    body = {"email": "carol@example.org", "password": PASSWORD}
    for login in ("first", "second"):
        assert post("/api/registration", login=login, **body).status_code == 200
    (_, first), (_, second) = received(inbox)
    # Nobody's yet: it resets no password.
    post(ASK, email="carol@example.org")
    assert received(inbox) == []
    assert open_verification(second).status_code == 200
    assert SecurityEvent.objects.filter(kind="email.verified").count() == 1
    # Each link is good once, and not for an address that somebody else verified.
    assert open_verification(second).status_code == 410
    assert open_verification(first).status_code == 410
    assert post("/api/registration", login="third", **body).status_code == 409
    assert not User.objects.filter(username="third").exists()
    post(ASK, email="carol@example.org")
    [(_, token)] = received(inbox)
    assert post(CONFIRM, token=token, new_password=NEW).status_code == 204
    assert User.objects.get(username="second").check_password(NEW)


def test_another_address_is_verified_anew_and_the_former_one_is_told(inbox: Inbox) -> None:
    client = token_client(verified("alice", "old@example.org"))

    def change(**body: str) -> Response:
        return client.patch(ACCOUNT, body, content_type="application/json")

    assert change(email="new@example.org", password=PASSWORD).status_code == 200
    [(to_new, token), (to_old, none)] = received(inbox)
    assert (to_new, to_old, none) == ("new@example.org", "old@example.org", "")
    assert inbox.mails[1]["Subject"] == "Your account has another address"
    # Giving it once more sends the mail once more.
    assert change(email="new@example.org").status_code == 200
    assert [to for to, _ in received(inbox)] == ["new@example.org"]
    assert change(email="newer@example.org", password=PASSWORD).status_code == 200
    assert open_verification(token).status_code == 410
    user = User.objects.get()
    assert (user.email, user.email_verified_at) == ("newer@example.org", None)


def test_whoever_verifies_an_address_takes_it_from_those_who_were_believed(inbox: Inbox) -> None:
    """Of the time before mail could be sent: taken at their word, and never for a reset."""
    believed = make_user("mallory", email="alice@example.org")
    client = token_client(make_user("alice"))
    taken = client.patch(
        ACCOUNT,
        {"email": "alice@example.org", "password": PASSWORD},
        content_type="application/json",
    )
    assert taken.status_code == 200
    [(_, token)] = received(inbox)
    assert open_verification(token).status_code == 200
    believed.refresh_from_db()
    assert not believed.email_counts
    post(ASK, email="alice@example.org")
    [(_, token)] = received(inbox)
    assert post(CONFIRM, token=token, new_password=NEW).status_code == 204
    assert User.objects.get(username="alice").check_password(NEW)


def test_where_no_mail_is_sent_an_address_belongs_to_one_account_at_once() -> None:
    tier("Premium")
    body = {"email": "carol@example.org", "password": PASSWORD}
    assert post("/api/registration", login="first", **body).status_code == 200
    assert post("/api/registration", login="second", **body).status_code == 409
    assert not Mail.objects.exists()


# --- The setting ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://mail.example", 25, None, None),
        ("smtp+tls://me%40x:p%2Fw@mail.example", 587, True, None),
        ("smtp+ssl://me%40x:p%2Fw@mail.example:466", 466, None, True),
    ],
)
def test_one_url_says_how_mail_is_sent(
    url: str, port: int, tls: bool | None, ssl: bool | None
) -> None:
    config = mail_config(url)
    assert (config["EMAIL_HOST"], config["EMAIL_PORT"]) == ("mail.example", port)
    assert (config.get("EMAIL_USE_TLS"), config.get("EMAIL_USE_SSL")) == (tls, ssl)
    if "@" in url:
        assert (config["EMAIL_HOST_USER"], config["EMAIL_HOST_PASSWORD"]) == ("me@x", "p/w")
