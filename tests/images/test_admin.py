"""Pictures and links in the admin: filtered, changed, deleted, and their actions."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from images.ledger import Usage
from images.links import make_link
from images.models import Link, Picture
from images.signals import picture_updated
from tests.admin_actions import run_action
from tests.clients import Client
from tests.factories import make_picture
from tests.pictures import jpeg
from tests.storages import StoredKeys
from thumbnails.models import Thumbnail

pytestmark = pytest.mark.django_db

LIST = "/admin/images/picture/"


def test_pictures_are_filtered_by_visibility(admin_client: Client, alice: User) -> None:
    shown, hidden = (make_picture(alice, visibility=each) for each in ("public", "members"))
    page = admin_client.get(f"{LIST}?visibility__exact=public").content.decode()
    assert shown.file_name in page
    assert hidden.file_name not in page
    assert "Anyone who knows the id" in page


def test_staff_change_a_picture_and_the_signal_is_sent(admin_client: Client, alice: User) -> None:
    picture = make_picture(alice)
    updates = []

    def record(picture: Picture, **kwargs: object) -> None:
        updates.append(picture.visibility)

    picture_updated.connect(record)
    try:
        form = {"visibility": "public", "description": "A cat"}
        response = admin_client.post(f"{LIST}{picture.pk}/change/", form)
    finally:
        picture_updated.disconnect(record)
    picture.refresh_from_db()
    assert response.status_code == 302
    assert (picture.visibility, picture.description) == ("public", "A cat")
    assert updates == ["public"]


def test_an_action_revokes_the_chosen_links(admin_client: Client, alice: User) -> None:
    make_link(maker=alice, picture=make_picture(alice), seconds=300)
    assert run_action(admin_client, "images/link", "revoke", Link.objects.all()) == [
        "1 link revoked."
    ]
    assert Link.objects.get().revoked_at


def test_the_page_of_a_link_shows_what_it_gives_but_not_the_hash_of_its_password(
    admin_client: Client, alice: User
) -> None:
    link, _ = make_link(
        maker=alice,
        picture=make_picture(alice),
        seconds=300,
        max_opens=3,
        password="boat",
        note="for Ana",
    )
    page = admin_client.get(f"/admin/images/link/{link.pk}/change/").content.decode()
    assert all(text in page for text in ("0 of 3", "for Ana", "Asks for a password"))
    assert link.password not in page
    assert '<input type="text"' not in page
    assert "0 of 3" in admin_client.get("/admin/images/link/").content.decode()


def test_an_action_renders_the_chosen_pictures_again(
    admin_client: Client,
    alice: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    picture = make_picture(alice, jpeg(900, 600))
    Picture.objects.update(rendering="failed")
    with django_capture_on_commit_callbacks(execute=True):
        messages = run_action(admin_client, "images/picture", "render_again", [picture])
    assert messages == ["1 picture will be rendered again."]
    assert Thumbnail.objects.count() == 2


def test_deleting_in_the_admin_removes_the_files(
    admin_client: Client,
    alice: User,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, jpeg(900, 600))
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(f"/admin/images/picture/{picture.pk}/delete/", {"post": "yes"})
    assert stored_keys() == []


# --- What accounts store, and quotas --------------------------------------------------------------


def test_the_list_of_accounts_tells_what_each_stores_by_one_query(
    admin_client: Client, alice: User, bob: User
) -> None:
    Usage.objects.create(owner=alice, pictures=1, originals_bytes=1024, other_bytes=1024)
    with CaptureQueriesContext(connection) as queries:
        page = admin_client.get("/admin/accounts/user/?o=-7")
    assert page.content.decode().count("2.0\xa0KB") == 1
    assert page.context["cl"].result_list[0] == alice
    assert len([each for each in queries if "images_usage" in each["sql"]]) == 1


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ["What this account stores", "2.0\xa0KB", "1.0\xa0GB"]),
        ("es", ["Lo que guarda esta cuenta", "2,0\xa0KB", "1,0\xa0GB"]),
    ],
)
def test_an_accounts_page_tells_what_it_stores_and_its_quota_in_two_languages(
    admin_client: Client, alice: User, language: str, texts: list[str]
) -> None:
    Usage.objects.create(owner=alice, pictures=1, originals_bytes=1024, thumbnails_bytes=1024)
    alice.tier.max_stored_bytes = 1024**3
    alice.tier.save()
    address = f"/admin/accounts/user/{alice.pk}/change/"
    page = admin_client.get(address, headers={"Accept-Language": language}).content.decode()
    assert [each for each in texts if each not in page] == []


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "Over the quota uploads are refused"), ("es", "Por encima de la cuota se rechazan")],
)
def test_a_tiers_page_explains_quotas_in_two_languages(
    admin_client: Client, alice: User, language: str, text: str
) -> None:
    address = f"/admin/tiers/tier/{alice.tier_id}/change/"
    assert text in admin_client.get(address, headers={"Accept-Language": language}).content.decode()
