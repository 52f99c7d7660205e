"""What absolute addresses begin with."""

import pytest
from pytest_django import Settings

from accounts.models import User
from images.models import Picture
from tests.clients import Client
from tests.factories import bearer_client, make_picture
from tests.pictures import jpeg

pytestmark = pytest.mark.django_db
OURS = "https://pictures.example.org"


def test_every_address_that_leaves_begins_with_public_url_whatever_the_host_header_says(
    alice: User, settings: Settings
) -> None:
    settings.OWN_URL, settings.ALLOWED_HOSTS = OURS, ["*"]
    for _ in range(2):
        make_picture(alice, jpeg(30, 20), visibility="public")
    client = bearer_client(alice)
    client.defaults["HTTP_HOST"] = "evil.example"
    pk = Picture.objects.first().pk  # type: ignore[union-attr]  # made above
    found = [
        client.get("/api/user/images/?limit=1"),
        client.get(f"/api/user/images/{pk}/"),
        client.get("/api/user/thumbnails/"),
        client.get(f"/api/user/link/{pk}/?time=300"),
        client.get(f"/pictures/get-user-pictures/{alice.pk}?limit=1"),
        client.get(f"/pictures/get-active-picture/{alice.pk}"),
        client.get("/api/me?limit=1"),
        client.get("/api/user/events/?since=0&limit=1"),
        client.get(f"/avatars/{alice.pk}"),
    ]
    texts = [f"{each.content.decode()} {dict(each.headers)}" for each in found]
    assert not any("evil.example" in text for text in texts)
    assert sum(OURS in text for text in texts) >= 5
    assert f"<{OURS}/api/user/images/?limit=1&cursor=" in found[0]["Link"]
    assert found[3].json()["url"].startswith(f"{OURS}/l/")


def test_the_local_run_is_reached_under_any_of_its_names(alice: User, settings: Settings) -> None:
    settings.OWN_URL = ""
    make_picture(alice)
    client: Client = bearer_client(alice)
    client.defaults["HTTP_HOST"] = "127.0.0.1:8000"
    image = client.get("/api/user/images/").json()[0]["image"]
    assert image.startswith("http://127.0.0.1:8000/images/")
