"""What an owner is told of what a recipient gets is what leaves by a link."""

from io import BytesIO
from typing import Any

import pytest
from PIL import ExifTags, Image, ImageCms
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from accounts.models import User
from images.exceptions import StrippingFailed
from images.models import Picture
from images.storage.base import picture_storage
from tests.clients import Client, Response
from tests.factories import make_picture, make_user, tier, token_client
from tests.metadata_fixtures import FORMATS, picture_with_metadata
from tests.pictures import encode, jpeg, quarters
from tests.revealing import check_told

pytestmark = pytest.mark.django_db


def reveals(client: Client, picture: Picture) -> dict[str, Any]:
    response = client.get(f"/api/user/images/{picture.pk}/reveals/")
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


def open_link(owner: Client, picture: Picture) -> Response:
    address = owner.get(f"/api/user/link/{picture.pk}/?time=300").json()["url"]
    return Client().get(address)


def check(owner: Client, picture: Picture) -> list[tuple[str, str]]:
    """Compare what the owner is told with what leaves by a link; return what is dropped."""
    told, response = reveals(owner, picture), open_link(owner, picture)
    assert response.status_code == 200
    return check_told(told, dict(response.headers), stored(picture), response.getvalue())


def stored(picture: Picture) -> bytes:
    with picture_storage.open(picture.key) as file:
        return file.read()


@pytest.mark.unhurried
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_told_is_what_leaves(name: str, alice: User, as_alice: Client) -> None:
    picture = make_picture(alice, picture_with_metadata(name))
    dropped = check(as_alice, picture)
    assert dropped
    told = reveals(as_alice, picture)
    assert (told["width"] < told["height"]) == (name != "GIF")  # shown upright
    assert (("GPS", "GPSLatitudeRef") in dropped) == (name != "GIF")


def test_metadata_are_named_as_their_standards_name_them(alice: User, as_alice: Client) -> None:
    exif = Image.Exif()
    exif[271], exif[306] = "SECRET-CAMERA", "2020:01:01 00:00:00"
    exif.get_ifd(ExifTags.IFD.Exif).update({0xA431: "SECRET-SERIAL", 0x927C: b"SECRET-NOTE"})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (1.0, 2.0, 3.0)})
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><dc:creator>A</dc:creator></rdf:RDF>"
    iptc = b"\x1c\x02\x5a\x00\x04Lima"
    photoshop = b"Photoshop 3.0\0" + resource(0x0404, iptc) + resource(0x040C, b"x")
    content = jpeg(60, 40, exif=exif.tobytes(), xmp=xmp, comment=b"SECRET")
    content = with_segment(content, 0xED, photoshop)
    film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(64)
    dropped = check(as_alice, make_picture(alice, content + film))
    assert set(dropped) == {
        ("EXIF", "Make"), ("EXIF", "DateTime"), ("EXIF", "BodySerialNumber"),
        ("EXIF", "MakerNote"), ("GPS", "GPSLatitudeRef"), ("GPS", "GPSLatitude"),
        ("XMP", "dc:creator"), ("IPTC", "City"), ("Preview", "Photoshop thumbnail"),
        ("Text", "comment"), ("Video", "motion photo"),
    }  # fmt: skip


def resource(number: int, content: bytes) -> bytes:
    padding = b"\0" * (len(content) % 2)
    return (
        b"8BIM"
        + number.to_bytes(2, "big")
        + b"\0\0"
        + len(content).to_bytes(4, "big")
        + (content + padding)
    )


def with_segment(content: bytes, marker: int, body: bytes) -> bytes:
    length = (len(body) + 2).to_bytes(2, "big")
    return content[:2] + bytes([0xFF, marker]) + length + body + content[2:]


def test_a_film_and_a_preview_in_heic_are_named(alice: User, as_alice: Client) -> None:
    film = b"\0\0\0\x20mpvd" + b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
    content = encode(quarters(400, 300), "HEIC", thumbnails=[64]) + film
    dropped = check(as_alice, make_picture(alice, content))
    assert set(dropped) >= {("Video", "motion photo"), ("Preview", "thumbnail")}


def test_the_uploaders_file_name_stays_behind(alice: User, as_alice: Client) -> None:
    picture = make_picture(alice, jpeg(60, 40), name="SECRET.jpg")
    assert reveals(as_alice, picture)["name"] == picture.file_name
    assert check(as_alice, picture) == []


def test_a_picture_without_metadata_leaves_as_it_is(alice: User, as_alice: Client) -> None:
    assert check(as_alice, make_picture(alice, jpeg(60, 40))) == []


def test_a_tier_that_strips_nothing_drops_nothing(alice: User, as_alice: Client) -> None:
    alice.tier.cleans_originals = False
    alice.tier.save()
    picture = make_picture(alice, picture_with_metadata("JPEG"))
    told = reveals(as_alice, picture)
    assert (told["dropped"], told["bytes"]) == ([], picture.bytes)
    assert open_link(as_alice, picture).getvalue() == stored(picture)


# --- Without the grant of originals ---------------------------------------------------------------


@pytest.fixture
def carol(db: None) -> User:
    """Owns things in the Basic tier, which may make links here."""
    basic = tier("Basic")
    basic.grants_links = True
    basic.save()
    return make_user("carol", "Basic")


def test_the_best_thumbnail_leaves_without_a_profile(
    carol: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = encode(quarters(640, 480), "JPEG", comment=b"SECRET", icc_profile=profile)
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(carol, content)
    owner = token_client(carol)
    told, response = reveals(owner, picture), open_link(owner, picture)
    content = response.getvalue()
    assert (told["width"], told["height"]) == Image.open(BytesIO(content)).size
    assert (told["height"], told["bytes"]) == (200, len(content))
    assert told["name"] in response["Content-Disposition"]
    assert response["Content-Type"] == f"image/{told['format'].lower()}"
    assert told["dropped"] == [
        {"group": "Text", "name": "comment"}, {"group": "Colour profile", "name": "ICC profile"},
    ]  # fmt: skip


def test_a_thumbnail_that_is_not_ready_is_a_503_and_what_cannot_be_followed_is_said_so(
    carol: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("delivery.reveals.list_dropped", _fail)
    owner = token_client(carol)
    with django_capture_on_commit_callbacks() as rendering:
        picture = make_picture(carol, jpeg(60, 40, comment=b"SECRET"))
    response = owner.get(f"/api/user/images/{picture.pk}/reveals/")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    for callback in rendering:
        callback()
    assert reveals(owner, picture)["dropped"] == [
        {"group": "Other", "name": "everything but the pixels"}
    ]


def _fail(*args: object, **kwargs: object) -> None:
    raise StrippingFailed("nothing works today")


# --- Who may ask, and what it costs ---------------------------------------------------------------


def test_nobody_else_is_told(alice: User, as_bob: Client) -> None:
    picture = make_picture(alice, visibility="public")
    assert as_bob.get(f"/api/user/images/{picture.pk}/reveals/").status_code == 404


def test_it_costs_constant_queries(
    alice: User, as_alice: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    picture = make_picture(alice, picture_with_metadata("JPEG"))
    reveals(as_alice, picture)
    with django_assert_num_queries(2):
        reveals(as_alice, picture)
