"""The uploader's file name is kept at every upload, and leaves to the owner and staff alone."""

from base64 import b64encode
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from images.access import may_see
from images.models import Picture
from images.services import update_picture
from images.signed_urls import signed_path
from tests.clients import Client, Response
from tests.factories import make_picture, make_staff, make_user, token_client
from tests.pictures import png

pytestmark = pytest.mark.django_db

NAME = 'sueño "1".png'
JSON = "application/json"
SHOWN = "inline; filename*=utf-8''sue%C3%B1o%20%221%22.png"


def file_of(name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, png(8, 8))


def test_each_upload_that_sends_a_name_has_it_kept(as_alice: Client, alice: User) -> None:
    text = b64encode(png(8, 8)).decode()
    address = f"/pictures/create-default-picture/{alice.pk}"
    assert as_alice.post(address, {"customName": "../x/ana"}, content_type=JSON).status_code == 201
    as_alice.post("/api/user/images/", {"image": file_of("C:\\x\\hill.png")})
    as_alice.post("/pictures/create-picture", {"file": file_of("sueño.png")})
    as_alice.post("/image", {"image": text}, content_type=JSON)
    as_alice.post("/api/images", {"data": text}, content_type=JSON)
    names = Picture.objects.order_by("pk").values_list("name", flat=True)
    assert list(names) == ["ana.png", "hill.png", "sueño.png", "", ""]


def test_a_file_without_a_name_has_none(as_alice: Client) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n' + png(8, 8) + b"\r\n--b--"
    as_alice.post("/api/user/images/", body, content_type="multipart/form-data; boundary=b")
    assert Picture.objects.get().name == ""


@pytest.fixture
def picture(alice: User) -> Picture:
    return make_picture(alice, png(8, 8), visibility="public", name=NAME)


def addresses(picture: Picture) -> list[str]:
    return [
        f"/images/{picture.key}",
        f"/api/images/{picture.uid}",
        f"/image/{picture.uid}/jpeg",
    ]


def dispositions(client: Client, picture: Picture) -> list[str]:
    responses = [client.get(each) for each in addresses(picture)]
    return [each.get("Content-Disposition", str(each.status_code)) for each in responses]


def test_the_owner_and_staff_who_change_pictures_get_it(as_alice: Client, picture: Picture) -> None:
    as_jpeg = SHOWN.replace(".png", ".jpg")
    staff = token_client(make_staff("changer", "images.change_picture"))
    for client in (as_alice, staff):
        assert dispositions(client, picture) == [SHOWN, SHOWN, as_jpeg]


def test_nobody_else_gets_it(as_bob: Client, picture: Picture) -> None:
    viewer = make_staff("viewer", "images.view_picture")
    assert may_see(viewer, picture)
    for client in (as_bob, token_client(viewer)):
        assert not any("sue" in each for each in dispositions(client, picture))
        assert len(set(dispositions(client, picture))) == 2
    anonymous = [Client().get(each) for each in addresses(picture)[:2]]
    ours = f'inline; filename="{picture.file_name}"'
    assert [each["Content-Disposition"] for each in anonymous] == [ours, ours]


def listed_url(client: Client, owner: User) -> list[str]:
    image = client.get("/api/user/images/").json()[0]["image"]
    url = client.get(f"/pictures/get-user-pictures/{owner.pk}").json()[0]["url"]
    return [image, url]


def open_url(url: str) -> Response:
    parts = urlsplit(url)
    return Client().get(f"{parts.path}?{parts.query}")


@pytest.mark.storages
def test_the_owners_signed_url_bears_it(as_alice: Client, alice: User, picture: Picture) -> None:
    for url in listed_url(as_alice, alice):
        if urlsplit(url).hostname == "testserver":
            assert open_url(url)["Content-Disposition"] == SHOWN
        else:
            assert "sue%25C3%25B1o" in url


def test_a_name_that_was_put_into_a_url_is_refused(picture: Picture) -> None:
    plain, named = signed_path(picture.key), signed_path(picture.key, NAME)
    assert open_url(named)["Content-Disposition"] == SHOWN
    assert open_url(plain)["Content-Disposition"] == f'inline; filename="{picture.file_name}"'
    assert open_url(f"{plain}&name=x.exe").status_code == 404
    assert open_url(named.replace("sue", "sui")).status_code == 404
    assert open_url(named.split("&name")[0]).status_code == 404


def test_the_signed_url_that_others_get_does_not_bear_it(
    as_bob: Client, alice: User, picture: Picture
) -> None:
    url = as_bob.get(f"/pictures/get-user-pictures/{alice.pk}").json()[0]["url"]
    assert "name=" not in url
    assert "sue" not in open_url(url)["Content-Disposition"]


def test_a_new_name_is_seen_by_who_has_the_file_already(as_alice: Client, picture: Picture) -> None:
    address = addresses(picture)[0]
    etag = as_alice.get(address)["ETag"]
    assert as_alice.get(address, headers={"If-None-Match": etag}).status_code == 304
    update_picture(picture, name="hill.png")
    response = as_alice.get(address, headers={"If-None-Match": etag})
    assert (response.status_code, response["Content-Disposition"]) == (
        200, 'inline; filename="hill.png"'
    )  # fmt: skip


def test_a_thumbnail_in_place_of_the_original_has_its_own_extension(
    shown: Callable[..., Picture],
) -> None:
    owner = make_user("basic", "Basic")
    picture = shown(owner)
    update_picture(picture, name="hill.png")
    client = token_client(owner)
    address = f"/images/{picture.key}"
    assert client.get(address)["Content-Disposition"] == 'inline; filename="hill.jpg"'
    webp = client.get(address, headers={"Accept": "image/webp"})
    extension = {"image/webp": "webp", "image/jpeg": "jpg"}[webp["Content-Type"]]
    assert webp["Content-Disposition"] == f'inline; filename="hill.{extension}"'
