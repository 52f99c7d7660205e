"""Deleting in numbers in the admin: all of a list, with sums, and nothing that was not shown."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from pytest_django import DjangoAssertNumQueries

from accounts.models import SecurityEvent, User
from config import admin as site
from images.links import make_link
from images.models import Link, Picture
from tests.clients import Client, Response
from tests.factories import make_user
from tests.rows import make_row, write_pictures

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]
PICTURES = "/admin/images/picture/?owner=alice"
ENGLISH = {"Accept-Language": "en"}


def fields_of(page: Response) -> dict[str, list[str]]:
    """Return what the form that asks sends back."""
    form = page.text.split('<form method="post">')[1].split("</form>")[0]
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form):
        found.setdefault(name, []).append(value)
    return found


def ask(client: Client, address: str, chosen: int) -> Response:
    form = {"action": "delete_selected", "_selected_action": chosen, "select_across": "1"}
    return client.post(address, form, headers=ENGLISH)


@pytest.mark.unhurried
def test_all_of_a_list_are_deleted_by_a_form_of_a_few_fields(
    admin_client: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ids = write_pictures(alice, 1_200, heights=[200])
    other = make_row(make_user("carol"))
    page = ask(admin_client, PICTURES, ids[0])
    assert "… and 1180 more" in page.text
    assert "Pictures: 1200" in page.text
    assert "Files: 4800" in page.text
    form = fields_of(page)
    assert sum(len(values) for values in form.values()) < 10
    with django_assert_max_num_queries(140):
        assert admin_client.post(PICTURES, form).status_code == 302
    assert Picture.objects.get() == other
    assert LogEntry.objects.count() == 1_200
    events = SecurityEvent.objects.filter(kind="admin.deleted")
    assert events.count() == 21
    assert events.latest("pk").facts["more"] == 1_179


def test_what_has_come_since_is_shown_before_it_is_deleted(
    admin_client: Client, alice: User
) -> None:
    ids = write_pictures(alice, 3)
    form = fields_of(ask(admin_client, PICTURES, ids[0]))
    make_row(alice)
    again = admin_client.post(PICTURES, form, headers=ENGLISH)
    assert "Pictures: 4" in again.text
    assert Picture.objects.count() == 4
    admin_client.post(PICTURES, fields_of(again))
    assert not Picture.objects.exists()


def test_more_than_are_counted_are_not_deleted_at_once(
    admin_client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "MAX_COUNTED_ROWS", 2)
    ids = write_pictures(alice, 3)
    refused = ask(admin_client, PICTURES, ids[0])
    assert (refused.status_code, refused["Location"]) == (302, PICTURES)
    page = admin_client.get(PICTURES, headers=ENGLISH)
    assert "These are more than 2" in page.text
    assert Picture.objects.count() == 3


def test_many_links_are_named_in_part(
    admin_client: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    picture = make_row(alice)
    link, _ = make_link(maker=alice, picture=picture, seconds=300)
    Link.objects.bulk_create(
        Link(picture=picture, owner=alice, maker=alice, expires_at=link.expires_at)
        for _ in range(40)
    )
    with django_assert_max_num_queries(15):
        page = ask(admin_client, "/admin/images/link/", link.pk)
    assert "… and 21 more" in page.text
    assert "Links: 41" in page.text
    admin_client.post("/admin/images/link/", fields_of(page))
    assert not Link.objects.exists()


# --- A picture that failed ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "texts"),
    [("en", ["could not be made", "Try again"]), ("es", ["No se pudieron generar", "Reintentar"])],
)
def test_a_failed_picture_says_why_and_is_tried_again_by_a_button(
    admin_client: Client, alice: User, language: str, texts: list[str]
) -> None:
    picture = make_row(alice, rendering="failed", render_failure="It has 12 legs.", description="A")
    address = f"/admin/images/picture/{picture.pk}/change/"
    page = admin_client.get(address, headers={"Accept-Language": language}).text
    assert all(text in page for text in [*texts, "It has 12 legs."])
    form = {"visibility": "private", "description": "A", "_render_again": "1"}
    assert admin_client.post(address, form)["Location"] == address
    picture.refresh_from_db()
    assert (picture.rendering, picture.render_failure) == ("pending", "")
    page = admin_client.get(address, headers={"Accept-Language": language}).text
    assert "_render_again" not in page
