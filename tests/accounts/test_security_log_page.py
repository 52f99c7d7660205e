"""The security log as staff read it, and which sign-ins count as from a new device."""

import re
from datetime import timedelta
from typing import get_args
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts import new_devices
from accounts.models import SecurityEvent, User
from accounts.security_log import Kind
from accounts.security_log_page import PAGE_SIZE
from accounts.security_words import GROUPS, SENTENCES
from tests.clients import Client
from tests.factories import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]
PAGE = "/admin/accounts/securityevent/"


def ids_in(page: str) -> list[int]:
    return [int(each) for each in re.findall(r"securityevent/(\d+)/change/", page)]


def read(client: Client, **fields: str) -> str:
    return client.get(PAGE, fields).content.decode()


def note(kind: str, user: User | None = None, **fields: object) -> SecurityEvent:
    pk = user.pk if user else None
    return SecurityEvent.objects.create(kind=kind, **{"user_id": pk, "actor_id": pk, **fields})


def test_staff_find_events_by_what_happened_who_and_from_where(
    admin_client: Client, staff: User, alice: User, bob: User
) -> None:
    SecurityEvent.objects.all().delete()
    events = {
        "sign-in": note("sign-in", alice, address="192.0.2.7"),
        "new": note("sign-in", alice, address="192.0.2.8", is_new_device=True,
                    facts={"new_device": True, "scheme": "bearer"}),
        "refused": note("sign-in.refused", bob, actor_id=None, address="2001:db8::1"),
        "ended": note("sessions.ended", alice, actor_id=staff.pk),
        "password": note("password.changed", bob),
        "unknown": note("sign-in.refused"),
    }  # fmt: skip
    ids = {name: event.pk for name, event in events.items()}

    def found(**fields: str) -> set[str]:
        shown = ids_in(read(admin_client, **fields))
        assert shown == sorted(shown, reverse=True)
        return {name for name, pk in ids.items() if pk in shown}

    assert found() == set(events)
    assert found(group="sign-ins") == {"sign-in", "new"}
    assert found(group="new-devices") == {"new"}
    assert found(group="refused") == {"refused", "unknown"}
    assert found(group="ended") == {"ended"}
    assert found(group="passwords") == {"password"}
    assert found(q="ALICE") == {"sign-in", "new", "ended"}
    assert found(q=str(bob.pk)) == {"refused", "password"}
    # What somebody of the staff did to others, too.
    assert found(q="staff") == {"ended"}
    assert found(q="2001:db8:0::1") == {"refused"}
    assert found(q="alice", group="ended") == {"ended"}
    assert found(q="alice", group="new-devices") == {"new"}
    assert found(q=str(uuid4())) == found(q="nobody") == set()
    assert "There is no account" in read(admin_client, q="nobody")
    page = read(admin_client)
    assert "Signed in from a new device" in page
    assert "scheme: bearer" in page
    assert ">alice</a>" in page


def test_what_cannot_be_read_in_the_address_is_left_out(admin_client: Client, alice: User) -> None:
    event = note("sign-in", alice)
    for fields in (
        {"group": "x"}, {"until": "tomorrow"}, {"before": "-1"}, {"before": "9" * 30},
        {"kind__regex": "(a+)+"}, {"q": "\0alice"},
    ):  # fmt: skip
        assert event.pk in ids_in(read(admin_client, **fields)), fields


def test_pages_show_each_event_once_newest_first(admin_client: Client, alice: User) -> None:
    SecurityEvent.objects.all().delete()
    SecurityEvent.objects.bulk_create(
        SecurityEvent(kind=kind, user_id=alice.pk, actor_id=alice.pk)
        for _ in range(PAGE_SIZE)
        for kind in ("sessions.ended", "token.ended", "sign-in")
    )
    for query, expected in (("", 3 * PAGE_SIZE), ("group=ended", 2 * PAGE_SIZE),
                            (f"q={alice.pk}", 3 * PAGE_SIZE)):  # fmt: skip
        shown: list[int] = []
        address = f"{PAGE}?{query}"
        while address:
            page = admin_client.get(address).content.decode()
            shown += ids_in(page)
            following = re.search(r'rel="next" href="([^"]+)"', page)
            address = following[1].replace("&amp;", "&") if following else ""
        assert shown == sorted(shown, reverse=True)
        assert len(shown) == len(set(shown)) == expected, query


def test_staff_go_to_a_day(admin_client: Client, alice: User) -> None:
    SecurityEvent.objects.all().delete()
    now = timezone.now()
    old = note("sign-in", alice, at=now - timedelta(days=3))
    new = note("sign-in", alice, at=now)
    shown = ids_in(read(admin_client, until=(now - timedelta(days=2)).date().isoformat()))
    assert old.pk in shown
    assert new.pk not in shown


@pytest.mark.parametrize("fields", [{}, {"group": "accounts"}, {"q": "alice", "group": "shared"}])
def test_a_page_takes_as_many_queries_however_long_the_log(
    admin_client: Client,
    alice: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    fields: dict[str, str],
) -> None:
    SecurityEvent.objects.bulk_create(
        SecurityEvent(kind=kind, user_id=uuid4(), actor_id=alice.pk)
        for kind in SENTENCES
        for _ in range(20)
    )
    with django_assert_max_num_queries(14) as captured:
        read(admin_client, **fields)
    logged = [q["sql"] for q in captured.captured_queries if "securityevent" in q["sql"]]
    assert logged
    assert all("LIMIT" in sql and "COUNT(" not in sql for sql in logged)


@pytest.mark.postgres
def test_every_filter_is_answered_by_an_index(admin_client: Client, alice: User) -> None:
    for fields in ({}, {"group": "passwords"}, {"group": "new-devices"}, {"q": "alice"},
                   {"q": "192.0.2.1"}):  # fmt: skip
        with CaptureQueriesContext(connection) as captured:
            read(admin_client, **fields)
        asked = [q["sql"] for q in captured if 'FROM "accounts_securityevent"' in q["sql"]]
        assert asked
        with connection.cursor() as cursor:
            for way in ("seqscan", "bitmapscan", "sort"):  # an empty table is read in any way
                cursor.execute(f"SET LOCAL enable_{way} = off")
            for sql in asked:
                cursor.execute(f"EXPLAIN {sql}")
                plan = "\n".join(row[0] for row in cursor.fetchall())
                assert "Sort" not in plan, plan
                assert "Index" in plan, plan


def test_every_kind_has_a_sentence_and_a_group(admin_client: Client) -> None:
    kinds = set(get_args(Kind))
    assert set(SENTENCES) == kinds
    grouped = {kind for _, members in GROUPS.values() for kind in members}
    # It is a line of the log alone.
    assert grouped == kinds - {"sign-in.throttled"}


def test_the_page_is_in_spanish(admin_client: Client, alice: User) -> None:
    note("sign-in", alice)
    page = admin_client.get(PAGE, headers={"Accept-Language": "es"}).content.decode()
    assert "Registro de seguridad" in page
    assert "Entró" in page


# --- New devices ----------------------------------------------------------------------------------


def sign_in(agent: str, address: str = "192.0.2.1", browser: Client | None = None) -> Client:
    browser = browser or Client()
    body = {"username": "alice", "password": PASSWORD}
    response = browser.post(
        "/api/user/jwt-login/", body, content_type="application/json",
        headers={"User-Agent": agent}, REMOTE_ADDR=address,
    )  # fmt: skip
    assert response.status_code == 200
    return browser


def was_new() -> bool:
    event = SecurityEvent.objects.filter(kind="sign-in").latest("pk")
    assert event.is_new_device is bool(event.facts.get("new_device"))
    return event.is_new_device


def test_a_sign_in_from_an_unknown_device_is_marked(alice: User) -> None:
    browser = sign_in("Firefox/140")
    assert was_new()
    sign_in("Firefox/140", "192.0.2.99")
    assert not was_new()  # of the same network
    sign_in("curl/8")
    assert was_new()
    sign_in("Firefox/140", "198.51.100.7")
    assert was_new()
    sign_in("Firefox/141", "203.0.113.7", browser)
    assert not was_new()  # the browser has the cookie


def test_the_newest_two_hundred_of_the_log_are_looked_at(alice: User) -> None:
    common = {"user_id": alice.pk, "address": "192.0.2.1", "agent": "Firefox/140"}
    seen = SecurityEvent.objects.create(kind="sign-in", **common)
    others = [SecurityEvent(kind="link.made", **common) for _ in range(199)]
    SecurityEvent.objects.bulk_create(others)
    sign_in("Firefox/140")
    assert not was_new()
    SecurityEvent.objects.exclude(kind="link.made").exclude(pk=seen.pk).delete()
    SecurityEvent.objects.create(kind="link.made", **common)
    new_devices._found.clear()
    sign_in("Firefox/140")
    assert was_new()


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("192.0.2.1", "192.0.2.255", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8::1", "2001:db8:0:ff:1::7", True),
        ("2001:db8::1", "2001:db8:0:100::1", False),
        ("192.0.2.1", "2001:db8::1", False),
    ],
)
def test_a_network_is_what_one_customer_has(
    alice: User, first: str, second: str, is_same: bool
) -> None:
    sign_in("Firefox/140", first)
    sign_in("Firefox/140", second)
    assert was_new() is not is_same


def test_what_the_process_remembers_of_clients_is_bounded(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_devices, "_MAX_FOUND", 2)
    monkeypatch.setattr(new_devices, "_found", set())
    for number in (1, 1, 2, 2, 3, 3, 1):
        sign_in(f"Firefox/{number}")
        assert len(new_devices._found) <= 2
    assert not was_new()


def test_nobody_elses_sign_ins_make_a_device_known(alice: User, bob: User) -> None:
    SecurityEvent.objects.create(
        kind="sign-in", user_id=bob.pk, address="192.0.2.1", agent="Firefox/140"
    )
    SecurityEvent.objects.create(
        kind="sign-in.refused", user_id=alice.pk, address="192.0.2.1", agent="Firefox/140"
    )
    sign_in("Firefox/140")
    assert was_new()


def test_a_sign_in_of_the_admin_is_marked_too_and_ones_own_log_tells_it(staff: User) -> None:
    form = {"username": "staff", "password": PASSWORD}
    for expected in (True, False):
        Client(headers={"User-Agent": "Firefox"}).post("/admin/login/", form)
        assert was_new() is expected


def test_the_sign_in_that_makes_an_account_is_from_no_new_device() -> None:
    body = {"name": "Ana", "login": "ana.new", "password": PASSWORD}
    headers = {"User-Agent": "Firefox"}
    Client(headers=headers).post("/auth/signup", body, content_type="application/json")
    assert not was_new()


def test_ones_own_log_has_sentences_in_the_language_of_the_request(alice: User) -> None:
    browser = sign_in("Firefox/140")
    for language, sentence in (
        ("en", "Signed in from a new device"),
        ("es", "Entró desde un dispositivo nuevo"),
    ):
        response = browser.get("/api/user/account/log/", headers={"Accept-Language": language})
        assert response.json()[0]["summary"] == sentence
