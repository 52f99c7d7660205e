"""The image service against its contract: data URIs in and out, real JPEG, sizes, errors."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from PIL import Image
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from accounts.services import move_to_tier
from images.links import LinkToken, write_token
from images.models import Link, Picture
from images.services import delete_picture
from tests.clients import Client, Response
from tests.factories import make_picture, make_user, tier, token_client
from tests.pictures import encode, jpeg, png, quarters, rotated_jpeg
from tests.storages import StoredKeys
from thumbnails.models import Rendition

pytestmark = [pytest.mark.django_db, pytest.mark.storages]


def uri(content: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode()}"


def create(client: Client, image: str, path: str = "/image") -> Response:
    return client.post(path, {"image": image}, content_type="application/json")


def read(client: Client, name: str | UUID, **headers: str) -> Any:
    response = client.get(f"/image/{name}", headers=headers)
    assert response["Content-Type"] == "application/json"
    body = response.getvalue()
    assert int(response["Content-Length"]) == len(body)
    return response.json() if not response.streaming else json.loads(body)


@pytest.mark.parametrize("path", ["/image", "/v1/image"])
def test_a_picture_comes_back_byte_for_byte(as_alice: Client, path: str) -> None:
    content = png(30, 20)
    response = create(as_alice, uri(content), path)
    assert (response.status_code, list(response.json())) == (200, ["id"])
    name = response.json()["id"]
    assert read(as_alice, name) == {"id": name, "image": uri(content)}
    assert Picture.objects.get().visibility == "members"


@pytest.mark.parametrize("size", [1, 2, 3, 47, 48 * 1024, 48 * 1024 + 1])
def test_every_length_comes_back(as_alice: Client, size: int) -> None:
    content = png(30, 20) + b"x" * size
    name = create(as_alice, uri(content)).json()["id"]
    assert read(as_alice, name)["image"] == uri(content)


@pytest.mark.parametrize(
    "write",
    [
        lambda content: b64encode(content).decode(),
        lambda content: b64encode(content).decode().rstrip("="),
        lambda content: "DATA:image/png;BASE64," + b64encode(content).decode(),
        lambda content: "data:;base64," + b64encode(content).decode(),
        lambda content: "data:text/plain;charset=x;base64," + b64encode(content).decode(),
        lambda content: "\n".join(
            b64encode(content).decode()[i : i + 76] for i in range(0, 900, 76)
        ),
    ],
)
def test_base64_is_taken_in_every_usual_form(
    as_alice: Client, write: Callable[[bytes], str]
) -> None:
    content = png(31, 20)
    assert create(as_alice, write(content)).status_code == 200
    picture = Picture.objects.get()
    assert (picture.format, picture.bytes) == ("PNG", len(content))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "required"),
        ({"image": ""}, "required"),
        ({"image": None}, "required"),
        ({"image": 7}, "invalid"),
        ({"image": []}, "invalid"),
        ({"image": "***"}, "invalid"),
        ({"image": "data:image/png,rawdata"}, "invalid"),
        ({"image": "data:image/png;base64,%%%"}, "invalid"),
        ({"image": b64encode(b"no picture").decode()}, "invalid"),
        ({"image": "QUJD=QUJD"}, "invalid"),
        ({"image": b64encode(b"<svg xmlns=''/>").decode()}, "SVG pictures are not taken."),
        ({"image": uri(jpeg(300, 200)[:-500])}, "The picture is damaged or incomplete."),
    ],
)
def test_bad_input_is_named_and_leaves_nothing(
    as_alice: Client, stored_keys: StoredKeys, body: dict[str, object], message: str
) -> None:
    response = as_alice.post("/image", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json() == {"messages": [{"path": "image", "message": message}]}
    assert stored_keys() == []


@pytest.mark.parametrize("body", [[], "text", 7, None])
def test_a_body_that_is_no_object_is_400(as_alice: Client, body: object) -> None:
    response = as_alice.post("/image", body, content_type="application/json")
    assert (response.status_code, list(response.json())) == (400, ["messages"])


def test_a_photograph_of_two_megabytes_fits(as_alice: Client) -> None:
    content = png(30, 20) + b"\0" * 2_500_000
    assert create(as_alice, uri(content)).status_code == 200


def test_more_than_the_tier_takes_is_413_in_json(alice: User, as_alice: Client) -> None:
    alice.tier.max_upload_bytes = 2000
    alice.tier.save()
    for size in (2001, 100_000):
        response = create(as_alice, b64encode(b"x" * size).decode())
        assert (response.status_code, response.json()) == (
            413,
            {"error": "Request Entity Too Large"},
        )


@pytest.mark.parametrize("name", ["PNG", "GIF", "WEBP", "AVIF", "JPEG"])
def test_jpeg_is_a_real_jpeg_whatever_was_stored(alice: User, as_alice: Client, name: str) -> None:
    picture = make_picture(alice, encode(quarters(64, 48), name))
    response = as_alice.get(f"/image/{picture.uid}/jpeg")
    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
    made = Image.open(BytesIO(response.getvalue()))
    assert (made.format, made.size) == ("JPEG", (64, 48))


def test_jpeg_is_upright_and_on_white(alice: User, as_alice: Client) -> None:
    turned = make_picture(alice, rotated_jpeg(64, 48, 6))
    assert Image.open(BytesIO(as_alice.get(f"/image/{turned.uid}/jpeg").getvalue())).size == (
        48,
        64,
    )
    clear = make_picture(alice, encode(Image.new("RGBA", (20, 20), (0, 0, 0, 0)), "PNG"))
    made = Image.open(BytesIO(as_alice.get(f"/image/{clear.uid}/jpeg").getvalue()))
    assert made.getpixel((5, 5)) == (255, 255, 255)


def width_of(image: str) -> int:
    head, _, data = image.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(BytesIO(b64decode(data))).width


@pytest.mark.parametrize("size", ["160", "320", "640", "800", "1024", "1200"])
def test_a_size_is_fit_to_and_has_an_id_of_its_own(
    alice: User, as_alice: Client, size: str
) -> None:
    picture = make_picture(alice, jpeg(1300, 300))
    for body in (
        read(as_alice, picture.uid, Size=size),
        read(as_alice, f"{picture.uid}?Size={size}"),
    ):
        assert body["id"] == f"{picture.uid}_{size}"
        assert width_of(body["image"]) == int(size)
    assert read(as_alice, f"{picture.uid}_{size}") == body


def test_nothing_is_enlarged(alice: User, as_alice: Client) -> None:
    picture = make_picture(alice, jpeg(200, 100))
    assert width_of(read(as_alice, picture.uid, Size="640")["image"]) == 200


@pytest.mark.parametrize("size", ["", "161", "large", "-1", "16000000000"])
def test_any_other_size_is_the_original(alice: User, as_alice: Client, size: str) -> None:
    content = jpeg(200, 100)
    picture = make_picture(alice, content)
    assert read(as_alice, picture.uid, Size=size)["image"] == uri(content, "jpeg")


def test_a_size_is_rendered_once_stored_and_removed_with_its_picture(
    alice: User,
    as_alice: Client,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    picture = make_picture(alice, jpeg(400, 300))
    first = read(as_alice, picture.uid, Size="160")
    made = stored_keys()
    assert read(as_alice, picture.uid, Size="160") == first
    assert (len(made), stored_keys()) == (2, made)
    assert Rendition.objects.count() == 1
    with django_capture_on_commit_callbacks(execute=True):
        delete_picture(picture)
    assert stored_keys() == []


@pytest.mark.parametrize("name", ["x", "00000000-0000-4000-8000-000000000000", "a_160", "%00"])
def test_an_unknown_id_is_404(as_alice: Client, name: str) -> None:
    for path in (f"/image/{name}", f"/image/{name}/jpeg"):
        response = as_alice.get(path)
        assert (response.status_code, response.json()) == (404, {"error": "Not Found"})


def test_a_member_gets_it_clean_and_not_at_all_when_it_is_private(
    alice: User, as_bob: Client
) -> None:
    content = jpeg(60, 40, comment=b"taken at home")
    picture = make_picture(alice, content, visibility="members")
    sent = b64decode(read(as_bob, picture.uid)["image"].partition(",")[2])
    assert b"taken at home" not in sent
    Picture.objects.update(visibility="private")
    for path in (
        f"/image/{picture.uid}",
        f"/image/{picture.uid}/jpeg",
        f"/image/{picture.uid}_160",
    ):
        assert as_bob.get(path).status_code == 404


def test_a_tier_without_originals_shows_no_more_than_its_best_thumbnail(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    basic = make_user("basic", "Basic")
    client = token_client(basic)
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(basic, jpeg(1200, 900))
    assert width_of(read(client, picture.uid)["image"]) == 267
    assert width_of(read(client, picture.uid, Size="1200")["image"]) == 267
    jpeg_bytes = client.get(f"/image/{picture.uid}/jpeg").getvalue()
    assert Image.open(BytesIO(jpeg_bytes)).height == 200
    with django_capture_on_commit_callbacks(execute=True):
        move_to_tier(basic, tier("Premium"))
    assert width_of(read(client, picture.uid, Size="1200")["image"]) == 1200


@pytest.mark.parametrize("way", ["deleted", "set aside", "no heights"])
def test_what_is_not_being_rendered_is_not_found(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, way: str
) -> None:
    """Nothing will come of asking again."""
    basic = make_user("basic", "Basic")
    if way == "no heights":
        basic.tier.heights.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(basic)
    if way == "deleted":
        picture.thumbnails.all().delete()
    if way == "set aside":
        picture.thumbnails.all().delete()
        Picture.objects.update(rendering="failed")
    client = token_client(basic)
    paths = (f"/image/{picture.uid}", f"/image/{picture.uid}/jpeg", f"/images/{picture.key}")
    assert [client.get(path).status_code for path in paths] == [404] * 3
    opened = Link.objects.create(
        picture=picture, maker=basic, expires_at=timezone.now() + timedelta(hours=1)
    )
    token = write_token(LinkToken(opened.pk))
    assert client.get(f"/l/{token}").status_code == 410


def test_what_is_not_rendered_yet_is_503(alice: User) -> None:
    basic = make_user("basic", "Basic")
    picture = make_picture(basic)
    response = token_client(basic).get(f"/image/{picture.uid}")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json() == {"error": "Service Unavailable"}


def test_a_condition_that_fails_is_answered_in_the_contracts_json(alice: User) -> None:
    picture = make_picture(alice, png(30, 20))
    response = token_client(alice).get(
        f"/image/{picture.uid}/jpeg", headers={"If-Match": '"another"'}
    )
    assert (response.status_code, response.json()) == (412, {"error": "Precondition Failed"})
