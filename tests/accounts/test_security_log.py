"""What is recorded of accounts, sessions, links and rights: a line and a row, without a secret."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import SecurityEvent, Session, User
from accounts.security_log import RETENTION, purge_security_events
from accounts.services import disable
from tests.clients import Client
from tests.factories import PASSWORD, bearer_client, make_picture, make_user, tier, token_client
from tests.plans.work import work
from tiers.models import Tier

pytestmark = pytest.mark.django_db
NEW = "another good one"
ADDRESS = "127.0.0.1"


def post(client: Client, address: str, **body: str) -> Any:
    return client.post(address, body, content_type="application/json")


def kinds(user: User | None) -> list[str]:
    events = SecurityEvent.objects.filter(user_id=user.pk if user else None).order_by("pk")
    return list(events.values_list("kind", flat=True))


def written(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    messages = [each.getMessage() for each in caplog.records if each.name == "tintype.security"]
    decoder = json.JSONDecoder()
    # Of a flood, how many lines were left out may stand behind.
    return [decoder.raw_decode(message.partition(" ")[2])[0] for message in messages]


def test_a_sign_in_is_recorded_with_who_and_from_where(alice: User) -> None:
    post(
        Client(headers={"User-Agent": "a browser"}),
        "/auth/signin",
        login="alice",
        password=PASSWORD,
    )
    event = SecurityEvent.objects.get()
    assert (event.kind, event.user_id, event.actor_id) == ("sign-in", alice.pk, alice.pk)
    assert (event.address, event.agent) == (ADDRESS, "a browser")
    assert event.facts["scheme"] == "bearer"


def test_what_people_do_is_recorded_for_their_account(alice: User) -> None:
    browser = bearer_client(alice)
    picture = make_picture(alice)
    browser.get(f"/api/user/link/{picture.pk}/", {"time": "300"})
    post(Client(), "/api/user/token/", username="alice", password=PASSWORD)
    post(Client(), "/auth/signin", login="alice", password="wrong")
    post(browser, "/auth/password", currentPassword=PASSWORD, newPassword=NEW)
    browser.get("/auth/signout")
    assert kinds(alice) == [
        "sign-in", "link.made", "token.made", "sign-in.refused", "password.changed",
        "token.ended", "sessions.ended",
    ]  # fmt: skip


def test_an_unknown_login_is_recorded_without_the_login() -> None:
    post(Client(), "/auth/signin", login="my secret passphrase", password="x")
    event = SecurityEvent.objects.get()
    assert (event.kind, event.user_id, event.facts) == ("sign-in.refused", None, {})


def test_sign_up_and_the_end_of_an_account_are_recorded(alice: User) -> None:
    tier("Premium")
    post(Client(), "/auth/signup", name="Carol", login="carol", password=NEW)
    assert kinds(User.objects.get(username="carol")) == ["account.created", "sign-in"]
    token_client(alice)
    disable(alice)
    assert kinds(alice) == ["token.made", "account.closed", "token.ended"]


def test_what_staff_change_in_the_admin_is_recorded_with_who_did_it(
    admin_client: Client, staff: User, bob: User
) -> None:
    form = {
        "username": "bob", "name": "Robert", "email": "", "tier": str(bob.tier_id),
        "is_active": "on", "is_staff": "on",
    }  # fmt: skip
    response = admin_client.post(f"/admin/accounts/user/{bob.pk}/change/", form)
    assert response.status_code == 302
    event = SecurityEvent.objects.get(kind="admin.changed")
    assert (event.user_id, event.actor_id) == (bob.pk, staff.pk)
    assert event.facts["model"] == "user"
    assert set(event.facts["changes"]) == {"Name", "Staff"}


def test_a_tier_is_recorded_when_it_is_added_and_deleted(admin_client: Client) -> None:
    numbers = ("quality", "link_min_seconds", "link_max_seconds")
    form = {
        **{name: getattr(Tier(), name) for name in numbers},
        "name": "Big", "max_upload_bytes": "5 MB", "max_pixels": "20 MP",
        "heights-TOTAL_FORMS": "0", "heights-INITIAL_FORMS": "0",
    }  # fmt: skip
    response = admin_client.post("/admin/tiers/tier/add/", form)
    assert response.status_code == 302, response.context["adminform"].errors
    added = SecurityEvent.objects.get(kind="admin.added")
    assert added.facts["model"] == "tier"
    address = f"/admin/tiers/tier/{added.facts['object']}/delete/"
    plan = admin_client.post(address, {"post": "yes"})["Location"]
    assert admin_client.post(plan, {"apply": "Apply"}).status_code == 302
    work()
    deleted = SecurityEvent.objects.get(kind="admin.deleted")
    assert {name: deleted.facts[name] for name in added.facts} == added.facts
    assert f"/{deleted.facts['plan']}/" in plan


def test_revoked_links_are_recorded_for_the_owner(admin_client: Client, alice: User) -> None:
    picture = make_picture(alice)
    client = token_client(alice)
    for _ in range(2):
        client.get(f"/api/user/link/{picture.pk}/", {"time": "300"})
    links = list(picture.links.values_list("pk", flat=True))
    form = {"action": "revoke", "_selected_action": links}
    admin_client.post("/admin/images/link/", form)
    event = SecurityEvent.objects.get(kind="link.revoked")
    assert (event.user_id, event.facts) == (alice.pk, {"count": 2})


def test_each_event_is_a_line_of_json_and_no_line_holds_a_secret(
    alice: User, caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: Any
) -> None:
    with (
        caplog.at_level(logging.INFO, "tintype.security"),
        django_capture_on_commit_callbacks(execute=True),
    ):
        opened = [
            post(Client(), "/auth/signin", login="alice", password=PASSWORD),
            post(Client(), "/api/user/token/", username="alice", password=PASSWORD),
        ]
        post(Client(), "/auth/signin", login="alice", password="a wrong one")
    lines = written(caplog)
    assert [line["event"] for line in lines] == ["sign-in", "token.made", "sign-in.refused"]
    assert lines[0]["account"] == lines[0]["by"] == str(alice.pk)
    assert lines[2]["by"] is None
    assert {line["address"] for line in lines} == {ADDRESS}
    rows = json.dumps(list(SecurityEvent.objects.values("kind", "facts", "agent")))
    for secret in (*(each.json()["token"] for each in opened), PASSWORD, "a wrong one"):
        assert secret not in caplog.text + rows


def test_throttled_sign_ins_write_lines_and_no_rows(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "tintype.security"):
        for _ in range(8):
            post(Client(), "/auth/signin", login="alice", password="wrong")
    assert kinds(alice) == ["sign-in.refused"] * 5
    assert [line["event"] for line in written(caplog)].count("sign-in.throttled") == 3


def test_an_event_is_rolled_back_with_what_it_records(alice: User) -> None:
    """No row tells of a session that never was."""
    with transaction.atomic():
        token_client(alice)
        transaction.set_rollback(True)
    assert not Session.objects.exists()
    assert not SecurityEvent.objects.exists()


def test_events_are_kept_for_ninety_days(alice: User) -> None:
    token_client(alice)
    token_client(alice)
    oldest = SecurityEvent.objects.earliest("pk")
    past = timezone.now() - RETENTION - timedelta(seconds=1)
    SecurityEvent.objects.filter(pk=oldest.pk).update(at=past)
    assert timedelta(days=90) == RETENTION
    assert purge_security_events() == 1
    assert purge_security_events() == 0
    assert SecurityEvent.objects.count() == 1


def test_staff_look_at_the_log_and_nobody_writes_it(admin_client: Client, alice: User) -> None:
    token_client(alice)
    event = SecurityEvent.objects.get(kind="token.made")
    page = admin_client.get("/admin/accounts/securityevent/", {"q": str(alice.pk)})
    assert "token.made" in page.content.decode()
    address = f"/admin/accounts/securityevent/{event.pk}"
    assert admin_client.get(f"{address}/change/").status_code == 200
    assert admin_client.post(f"{address}/change/", {"kind": "x"}).status_code == 403
    assert admin_client.post(f"{address}/delete/", {"post": "yes"}).status_code == 403
    make_user("helper", is_staff=True)
    helper = Client()
    helper.force_login(User.objects.get(username="helper"))
    assert helper.get("/admin/accounts/securityevent/").status_code == 403
