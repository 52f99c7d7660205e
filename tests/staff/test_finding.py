"""Finding in the admin's lists: filters, dates and search that read no more than they show."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import finding
from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images.links import make_link
from images.models import Link, Picture
from tests.clients import Client
from tests.factories import make_user
from tests.rows import make_row, make_thumbnail_row

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]
PICTURES = "/admin/images/picture/"
UTC = ZoneInfo("UTC")


def found(client: Client, address: str) -> list[int]:
    response = client.get(address)
    assert response.status_code == 200, address
    return sorted(each.pk for each in response.context["cl"].result_list)


@pytest.fixture
def pictures(alice: User, bob: User) -> dict[str, Picture]:
    carol = make_user("carol", "Basic")
    return {
        "alice's": make_row(alice, format="GIF", rendering="failed", visibility="public"),
        "bob's": make_row(bob, format="PNG", created_at=datetime(2025, 12, 31, 23, 59, tzinfo=UTC)),
        "carol's": make_row(carol, format="JPEG", created_at=datetime(2026, 1, 1, tzinfo=UTC)),
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("owner=alice", ["alice's"]),
        ("owner=ALICE", ["alice's"]),
        ("owner=ali", []),
        ("owner=nobody", []),
        ("owner=", ["alice's", "bob's", "carol's"]),
        ("format__exact=GIF", ["alice's"]),
        ("format__exact=TIFF", []),
        ("rendering__exact=failed", ["alice's"]),
        ("visibility__exact=public", ["alice's"]),
        ("tier={basic}", ["carol's"]),
        ("tier=none", ["alice's", "bob's", "carol's"]),
        ("created_at__year=2026&owner=carol", ["carol's"]),
        ("created_at__year=2025", ["bob's"]),
        ("created_at__year=2026&created_at__month=1", ["carol's"]),
        ("created_at__year=2025&created_at__month=12&created_at__day=31", ["bob's"]),
        ("created_at__year=2025&created_at__month=12&created_at__day=30", []),
        ("q=ali", ["alice's"]),
        ("q=BOB", ["bob's"]),
        ("q=lice", []),
        ("q={uid}", ["bob's"]),
        ("owner=alice&format__exact=PNG", []),
        ("owner={alice}", ["alice's"]),
    ],
)
def test_pictures_are_found(
    admin_client: Client, pictures: dict[str, Picture], query: str, names: list[str]
) -> None:
    values = {
        "basic": pictures["carol's"].owner.tier_id, "uid": pictures["bob's"].uid,
        "alice": pictures["alice's"].owner_id,
    }  # fmt: skip
    assert found(admin_client, f"{PICTURES}?{query.format(**values)}") == sorted(
        pictures[name].pk for name in names
    )


@pytest.mark.parametrize(
    "query",
    [
        "created_at__year=10000", "created_at__year=0", "created_at__year=x", "created_at__month=3",
        "created_at__year=2026&created_at__month=13", "created_at__year=2026&created_at__hour=3",
        "owner__password__startswith=a", "created_at__gte=2026-01-01",
    ],
)  # fmt: skip
def test_no_address_picks_another_look_up(admin_client: Client, query: str) -> None:
    assert admin_client.get(f"{PICTURES}?{query}").status_code == 400


def test_a_day_that_is_none_is_said_to_be_wrong(admin_client: Client) -> None:
    query = "created_at__year=2026&created_at__month=2&created_at__day=31"
    assert admin_client.get(f"{PICTURES}?{query}").status_code == 302


def test_dates_are_offered_without_reading_the_list(
    admin_client: Client, pictures: dict[str, Picture]
) -> None:
    addresses = {
        "": ["2025", "2026"],
        "?created_at__year=2025": ["January 2025", "December 2025", "All dates"],
        "?created_at__year=2025&created_at__month=2": ["February 1", "February 28", "2025"],
        "?created_at__year=2025&created_at__month=2&created_at__day=3": ["February 3"],
    }
    for address, texts in addresses.items():
        with CaptureQueriesContext(connection) as queries:
            page = admin_client.get(PICTURES + address, headers={"Accept-Language": "en"})
        shown = page.text.split('class="toplinks"')[1].split("</nav>")[0]
        assert all(text in shown for text in texts), (address, shown)
        assert "February 29" not in shown
        statements = " ".join(each["sql"].upper() for each in queries)
        assert not any(word in statements for word in ("MIN(", "MAX(", "DISTINCT", "TRUNC"))


def test_no_list_asks_which_values_its_table_has(admin_client: Client, alice: User) -> None:
    for name in ("images/picture", "images/link", "thumbnails/thumbnail", "accounts/session"):
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(f"/admin/{name}/?_facets=True")
        statements = " ".join(each["sql"].upper() for each in queries)
        assert "DISTINCT" not in statements, name
        assert statements.count("COUNT(") == statements.count("LIMIT 10000"), name


def test_a_form_of_a_filter_keeps_the_other_filters(admin_client: Client, alice: User) -> None:
    page = admin_client.get(f"{PICTURES}?format__exact=GIF&q=ali&owner=alice").text
    form = page.split('class="account-filter"')[1].split("</form>")[0]
    assert '<input type="hidden" name="format__exact" value="GIF">' in form
    assert '<input type="hidden" name="q" value="ali">' in form
    assert 'name="owner" value="alice"' in form
    assert form.count("<input") == 4


@pytest.mark.parametrize(
    ("state", "expected"), [("yes", {0}), ("revoked", {1}), ("expired", {2}), ("x", {0, 1, 2, 3})]
)
def test_links_are_found_by_their_state_and_their_maker(
    admin_client: Client, alice: User, bob: User, state: str, expected: set[int]
) -> None:
    mine, theirs = make_row(alice), make_row(bob)
    links = [make_link(maker=alice, picture=mine, seconds=300)[0] for _ in range(4)]
    make_link(maker=bob, picture=theirs, seconds=300)
    Link.objects.filter(pk=links[1].pk).revoke()
    Link.objects.filter(pk=links[2].pk).update(expires_at=timezone.now() - timedelta(hours=1))
    Link.objects.filter(pk=links[3].pk).update(max_opens=1, opened=1)
    wanted = sorted(links[number].pk for number in expected)
    assert found(admin_client, f"/admin/images/link/?live={state}&maker=alice") == wanted
    assert len(found(admin_client, f"/admin/images/link/?q={mine.uid}")) == 4
    assert len(found(admin_client, "/admin/images/link/?q=bo")) == 1


def test_sessions_and_thumbnails_are_found_by_their_account(
    admin_client: Client, alice: User, bob: User
) -> None:
    for owner in (alice, bob):
        open_bearer_session(owner, RequestOrigin())
        make_thumbnail_row(make_row(owner))
    for address in (
        "accounts/session/?account=alice",
        "accounts/session/?q=ali",
        "thumbnails/thumbnail/?owner=alice",
        "thumbnails/thumbnail/?q=ali",
    ):
        rows = admin_client.get(f"/admin/{address}").context["cl"].result_list
        assert len(rows) == 1, address
        assert alice in {getattr(rows[0], "user", None), getattr(rows[0], "owner", None)}


def test_a_beginning_that_many_logins_have_finds_the_first_of_them(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MAX_ACCOUNTS", 2)
    made = [make_row(make_user(f"person-{number}")).pk for number in range(4)]
    assert found(admin_client, f"{PICTURES}?q=person") == sorted(made[:2])


@pytest.mark.parametrize("language", ["en", "es"])
def test_search_says_how_it_searches(admin_client: Client, language: str) -> None:
    texts = {"en": "The beginning of", "es": "El principio de"}
    for name in (
        "images/picture",
        "images/link",
        "thumbnails/thumbnail",
        "accounts/session",
        "accounts/user",
    ):
        page = admin_client.get(f"/admin/{name}/", headers={"Accept-Language": language}).text
        assert texts[language] in page, name
