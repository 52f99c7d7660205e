"""An account's page: its pictures, links and sessions at a glance, for whoever may see them."""

import re
from datetime import UTC, datetime

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images.links import make_link
from plans.proposals import propose_change, propose_move, save_for_later
from plans.warnings import save_and_warn
from tests.clients import Client
from tests.factories import make_staff, make_tier
from tests.rows import make_row, make_thumbnail_row

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]
ENGLISH = {"Accept-Language": "en"}


def fill(owner: User, count: int = 1) -> None:
    for number in range(count):
        picture = make_row(owner)
        for height in (64, 200, 400):
            make_thumbnail_row(picture, height)
        make_link(maker=owner, picture=picture, seconds=300)
        origin = RequestOrigin(client_ip="192.0.2.7", user_agent=f"curl/{number}")
        open_bearer_session(owner, origin)


def page_of(client: Client, user: User, language: str = "en") -> str:
    address = f"/admin/accounts/user/{user.pk}/change/"
    return client.get(address, headers={"Accept-Language": language}).content.decode()


def sections(page: str) -> set[str]:
    names = ("newest-pictures", "newest-links", "newest-sessions", "newest-plans")
    return {name for name in names if f'id="{name}"' in page}


def test_an_accounts_page_shows_its_newest_rows(
    admin_client: Client, alice: User, bob: User
) -> None:
    fill(alice, 2)
    fill(bob)
    make_row(alice, rendering="failed")
    page = page_of(admin_client, alice)
    assert sections(page) == {
        "newest-pictures", "newest-links", "newest-sessions", "newest-plans"
    }  # fmt: skip
    assert page.count(f'<img src="/images/users/{alice.pk}/') == 2
    # Of three thumbnails the smallest that is tall enough.
    assert page.count("_200-") == 2
    assert str(bob.pk) not in page
    assert 'class="no-thumbnail">Failed' in page
    assert "curl/1" in page
    assert "Live links: 2" in page
    assert "Live sessions: 2" in page
    assert "/admin/images/picture/?owner=alice" in page
    listed = admin_client.get("/admin/images/picture/?owner=alice").context["cl"].result_list
    assert {each.owner for each in listed} == {alice}
    spanish = page_of(admin_client, alice, "es")
    assert "Imágenes más recientes" in spanish
    assert "Enlaces vigentes: 2" in spanish


@pytest.mark.parametrize(
    ("permission", "seen"),
    [
        ("accounts.change_user", {"newest-plans"}),
        ("tiers.change_tier", {"newest-plans"}),
        ("tiers.view_tier", set()),
        ("images.view_picture", {"newest-pictures"}),
        ("images.change_picture", {"newest-pictures"}),
        ("images.view_link", {"newest-links"}),
        ("accounts.view_session", {"newest-sessions"}),
    ],
)
def test_staff_see_of_others_what_they_have_the_right_to(
    alice: User, permission: str, seen: set[str]
) -> None:
    fill(alice)
    client = Client()
    client.force_login(make_staff("clerk", "accounts.view_user", permission))
    page = page_of(client, alice)
    assert sections(page) == seen
    assert ("/images/users/" in page) == ("newest-pictures" in seen)


def test_an_accounts_page_shows_the_plans_of_it_and_its_tier_and_what_they_take(
    admin_client: Client, alice: User, bob: User
) -> None:
    small, other = make_tier("Small"), make_tier("Other")
    own = User.objects.filter(pk=alice.pk)
    moved = propose_move(accounts=own, target=small, by=None)
    save_and_warn(moved, at=datetime(2126, 1, 31, 6, tzinfo=UTC), by=None)
    save_for_later(propose_move(former=alice.tier, target=other, by=None), by=None)
    save_for_later(propose_move(former=small, target=other, by=None), by=None)
    propose_change(tier=alice.tier, values={"quality": 40}, by=None)
    page = page_of(admin_client, alice)
    [section] = re.findall(r'id="newest-plans">(.*?)</section>', page, re.DOTALL)
    found = re.findall(r"<a [^>]*>([^<]*)</a>", section)
    assert found == [f"{alice.tier.name} → Other", "chosen accounts → Small"]
    assert "Jan. 31, 2126, 6 a.m.: less of" in section
    assert "heights" in section
    assert "Saved for later" in section
    of_bob = page_of(admin_client, bob)
    assert "chosen accounts" not in of_bob
    User.objects.filter(pk=bob.pk).update(tier=small)
    assert "Small → Other" in page_of(admin_client, bob)


def test_clerks_see_plans_of_the_kinds_that_they_may_make(alice: User) -> None:
    save_for_later(propose_change(tier=alice.tier, values={"quality": 40}, by=None), by=None)
    client = Client()
    client.force_login(make_staff("clerk", "accounts.view_user", "accounts.change_user"))
    assert "No plans of this account or its tier." in page_of(client, alice)


def test_an_accounts_page_takes_the_same_queries_however_much_it_has(
    admin_client: Client,
    alice: User,
    bob: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    fill(alice)
    with django_assert_max_num_queries(27) as few:
        page_of(admin_client, alice)
    fill(bob, 30)
    with django_assert_max_num_queries(27) as many:
        page = page_of(admin_client, bob)
    assert len(many) == len(few)
    assert page.count(f'<img src="/images/users/{bob.pk}/') == 24


def test_a_new_accounts_page_has_nothing_to_show(admin_client: Client) -> None:
    assert sections(admin_client.get("/admin/accounts/user/add/").content.decode()) == set()
