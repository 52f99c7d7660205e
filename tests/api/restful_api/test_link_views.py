"""`/api/user/links/`: an account's links, listed, made, changed and revoked."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import SecurityEvent, User
from accounts.services import disable
from images.links import make_link
from images.models import Link, Picture
from lib.qr_code import draw_qr_code
from tests.clients import Client
from tests.factories import make_picture, make_staff, tier, token_client

pytestmark = pytest.mark.django_db
LINKS = "/api/user/links/"


@pytest.fixture
def picture(alice: User) -> Picture:
    return make_picture(alice)


def create(client: Client, picture: Picture, **more: Any) -> Any:
    body = {"image_id": picture.pk, "expires_in": 300, **more}
    return client.post(LINKS, body, content_type="application/json")


def change(client: Client, link_id: int, **body: Any) -> Any:
    return client.patch(f"{LINKS}{link_id}/", body, content_type="application/json")


def ids(client: Client, query: str = "") -> list[int]:
    return [each["id"] for each in client.get(LINKS + query).json()]


def test_a_link_is_made_with_all_that_it_may_have(as_alice: Client, picture: Picture) -> None:
    response = create(as_alice, picture, max_opens=1, password="boat", note="for Ana")
    assert response.status_code == 201
    made = response.json()
    url = made.pop("url")
    assert url.startswith("http://testserver/l/")
    created, expires = (
        parse_datetime(made.pop("created_at")),
        parse_datetime(made.pop("expires_at")),
    )
    assert created
    assert expires
    assert timedelta(seconds=298) < expires - created <= timedelta(seconds=300)
    assert made == {
        "id": Link.objects.get().pk,
        "image_id": picture.pk,
        "revoked_at": None,
        "max_opens": 1,
        "opens": 0,
        "last_opened_at": None,
        "has_password": True,
        "note": "for Ana",
        "cache_seconds": 0,
        "is_live": True,
    }
    address = url.removeprefix("http://testserver")
    assert Client().post(address, {"password": "boat"}).status_code == 303
    read = as_alice.get(f"{LINKS}{made['id']}/").json()
    assert (read["url"], read["opens"], read["is_live"]) == (url, 1, False)
    assert read["last_opened_at"].endswith("Z")


def test_a_link_needs_a_picture_and_a_time_alone(as_alice: Client, picture: Picture) -> None:
    made = create(as_alice, picture).json()
    assert (made["max_opens"], made["has_password"], made["note"]) == (None, False, "")
    assert create(as_alice, picture, max_opens=None, password=None).status_code == 201


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"expires_in": 299}, "expires_in"),
        ({"expires_in": 30_001}, "expires_in"),
        ({"expires_in": "soon"}, "expires_in"),
        ({"max_opens": 0}, "max_opens"),
        ({"max_opens": 1_000_001}, "max_opens"),
        ({"password": ""}, "password"),
        ({"note": "x" * 501}, "note"),
        ({"cache_seconds": 61}, "cache_seconds"),
        ({"cache_seconds": 1, "max_opens": 1}, "cache_seconds"),
        ({"cache_seconds": 1, "password": "x"}, "cache_seconds"),
        ({"image_id": None}, "image_id"),
    ],
)
def test_what_no_link_may_have_is_refused_by_its_field(
    as_alice: Client, picture: Picture, more: dict[str, Any], field: str
) -> None:
    response = create(as_alice, picture, **more)
    assert (response.status_code, list(response.json())) == (400, [field])
    assert not Link.objects.exists()


def test_permission_is_asked_before_existence_and_existence_before_the_time(
    as_bob: Client, bob: User, picture: Picture
) -> None:
    assert create(as_bob, picture, expires_in=1).status_code == 404
    bob.tier = tier("Premium")
    bob.save()
    response = create(as_bob, picture, expires_in=1)
    assert (response.status_code, list(response.json())) == (403, ["detail"])


def test_the_list_is_newest_first_in_pages_and_holds_what_staff_made(
    as_alice: Client, as_bob: Client, alice: User, bob: User, picture: Picture
) -> None:
    staff = make_staff("linker", "images.add_link")
    made = [make_link(maker=alice, picture=picture, seconds=300)[0] for _ in range(2)]
    made.append(make_link(maker=staff, picture=picture, seconds=300)[0])
    make_link(maker=bob, picture=make_picture(bob), seconds=300)
    newest_first = [each.pk for each in reversed(made)]
    assert ids(as_alice) == newest_first
    page = as_alice.get(f"{LINKS}?limit=2")
    assert [each["id"] for each in page.json()] == newest_first[:2]
    following = page["Link"].split(">")[0].removeprefix("<http://testserver")
    assert [each["id"] for each in as_alice.get(following).json()] == newest_first[2:]
    other = make_link(maker=alice, picture=make_picture(alice), seconds=300)[0]
    assert ids(as_alice, f"?image_id={other.picture_id}") == [other.pk]
    assert ids(as_bob, f"?image_id={other.picture_id}") == []
    # Staff who made it see and end it; the list is of one's own pictures.
    linker = token_client(staff)
    assert linker.get(f"{LINKS}{made[2].pk}/").json()["is_live"]
    assert linker.get(f"{LINKS}{made[0].pk}/").status_code == 404
    assert ids(linker) == []
    assert linker.delete(f"{LINKS}{made[2].pk}/").status_code == 204


def test_live_links_are_those_that_open(as_alice: Client, alice: User, picture: Picture) -> None:
    """As the list says, so a browser finds it: whatever ends a link."""
    staff = {name: make_staff(name, "images.add_link") for name in ("one", "two", "three")}
    now = timezone.now()
    makers = [alice, alice, alice, alice, *staff.values()]
    links = [make_link(maker=maker, picture=picture, seconds=300)[0] for maker in makers]
    Link.objects.filter(pk=links[1].pk).update(expires_at=now)
    Link.objects.filter(pk=links[2].pk).revoke()
    Link.objects.filter(pk=links[3].pk).update(max_opens=2, opened=2)
    disable(staff["two"])
    staff["three"].user_permissions.clear()
    assert ids(as_alice, "?live=true") == [links[4].pk, links[0].pk]
    assert set(ids(as_alice, "?live=false")) == {links[n].pk for n in (1, 2, 3, 5, 6)}
    for grants_links in (True, False):
        alice.tier.grants_links = grants_links
        alice.tier.save()
        for row in as_alice.get(LINKS).json():
            opened = Client().get(row["url"].removeprefix("http://testserver"))
            assert row["is_live"] == (opened.status_code == 200), row


@pytest.mark.parametrize("query", ["live=1", "live=yes", "image_id=x", "limit=0", "cursor=x"])
def test_a_query_that_cannot_be_read_is_refused(as_alice: Client, query: str) -> None:
    response = as_alice.get(f"{LINKS}?{query}")
    assert (response.status_code, list(response.json())) == (400, [query.partition("=")[0]])


def test_a_change_counts_from_now_and_keeps_the_address(
    as_alice: Client, alice: User, picture: Picture
) -> None:
    made = create(as_alice, picture).json()
    Link.objects.update(expires_at=timezone.now())
    assert not as_alice.get(f"{LINKS}{made['id']}/").json()["is_live"]
    changed = change(as_alice, made["id"], expires_in=600, note="for Eva").json()
    assert (changed["url"], changed["note"], changed["is_live"]) == (made["url"], "for Eva", True)
    left = parse_datetime(changed["expires_at"]) - timezone.now()  # type: ignore[operator]  # a time
    assert timedelta(seconds=595) < left <= timedelta(seconds=600)
    assert SecurityEvent.objects.filter(kind="link.changed", user_id=alice.pk).count() == 1
    unchanged = change(as_alice, made["id"]).json()
    assert unchanged == changed
    assert change(as_alice, made["id"], expires_in=299).json().keys() == {"expires_in"}


def test_a_revoked_link_gets_no_more_time(as_alice: Client, picture: Picture) -> None:
    made = create(as_alice, picture).json()
    for _ in range(2):
        assert as_alice.delete(f"{LINKS}{made['id']}/").status_code == 204
    response = change(as_alice, made["id"], expires_in=600)
    assert (response.status_code, list(response.json())) == (409, ["detail"])
    changed = change(as_alice, made["id"], note="gone").json()
    assert (changed["note"], changed["is_live"]) == ("gone", False)
    assert changed["revoked_at"]


def test_whose_tier_grants_no_links_may_end_and_note_but_not_prolong_them(
    as_alice: Client, alice: User, picture: Picture
) -> None:
    staff = make_staff("linker", "images.add_link", tier_name="Enterprise")
    link = make_link(maker=staff, picture=picture, seconds=300)[0]
    alice.tier = tier("Premium")
    alice.save()
    assert change(as_alice, link.pk, note="who made this?").status_code == 200
    assert change(as_alice, link.pk, expires_in=600).status_code == 403
    assert as_alice.delete(f"{LINKS}{link.pk}/").status_code == 204


def test_the_qr_code_of_a_link_is_a_picture_that_nobody_keeps(
    as_alice: Client, picture: Picture, django_assert_num_queries: Any
) -> None:
    made = [create(as_alice, picture).json() for _ in range(2)]
    for link in made:
        address = f"{LINKS}{link['id']}/qr/"
        with django_assert_num_queries(2):  # who asks, and for which link
            response = as_alice.get(address, headers={"Accept": "image/avif,image/*,*/*;q=0.8"})
        assert response.status_code == 200
        assert response["Content-Type"] == "image/svg+xml"
        assert response["Cache-Control"] == "private, no-store"
        assert response.content == draw_qr_code(link["url"])


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_a_strangers_link_is_not_found(as_bob: Client, alice: User, method: str) -> None:
    link = make_link(maker=alice, picture=make_picture(alice), seconds=300)[0]
    address = f"{LINKS}{link.pk}/"
    response = getattr(as_bob, method)(address, content_type="application/json")
    assert (response.status_code, list(response.json())) == (404, ["detail"])
    assert Link.objects.get().revoked_at is None


def test_all_links_to_ones_pictures_are_revoked_at_once(
    as_alice: Client, alice: User, bob: User, picture: Picture
) -> None:
    staff = make_staff("linker", "images.add_link")
    for maker in (alice, staff, alice):
        make_link(maker=maker, picture=picture, seconds=300)
    # As an older release writes it, which knows no owner.
    Link.objects.filter(pk=Link.objects.latest("pk").pk).update(owner=None)
    theirs = make_link(maker=bob, picture=make_picture(bob), seconds=300)[0]
    assert as_alice.delete(LINKS).json() == {"revoked": 3}
    assert as_alice.delete(LINKS).json() == {"revoked": 0}
    assert list(Link.objects.filter(revoked_at=None)) == [theirs]
    assert SecurityEvent.objects.filter(kind="link.revoked", facts={"count": 3}).count() == 1


def test_the_contracts_own_link_is_in_the_list(as_alice: Client, picture: Picture) -> None:
    url = as_alice.get(f"/api/user/link/{picture.pk}/?time=300").json()["url"]
    assert [each["url"] for each in as_alice.get(LINKS).json()] == [url]
