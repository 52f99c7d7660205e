"""Addresses of thumbnails in JSON: on S3 each names the format that its reader's client prefers."""

import re
from urllib.parse import urlsplit

import pytest
import requests
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from accounts.models import User
from images.models import Picture
from tests.clients import Client, Response
from tests.factories import make_picture, token_client
from tests.pictures import animation, encode, waves
from tests.storages import S3
from thumbnails.models import Thumbnail
from thumbnails.services import ensure_thumbnails
from thumbnails.smaller_formats import make_beside

pytestmark = pytest.mark.django_db

CHROME = "application/json, image/avif, image/webp"
OLD_CHROME = "image/webp, */*;q=0.5"
KINDS = {CHROME: "avif", OLD_CHROME: "webp", "application/json": "jpg", "*/*": "jpg", "": "jpg"}
BEGINNINGS = {"avif": b"ftypavif", "webp": b"RIFF", "jpg": b"\xff\xd8\xff", "gif": b"GIF8"}
LISTS = ["images/?fields=id,thumbnails", "images/{0}/?fields=thumbnails", "thumbnails/",
         "thumbnails/{1}/"]  # fmt: skip


@pytest.fixture
def picture(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> Picture:
    with django_capture_on_commit_callbacks(execute=True):
        return make_picture(alice, encode(waves(900, 600), "JPEG"))


@pytest.fixture
def client(alice: User) -> Client:
    return token_client(alice)


def urls(response: Response) -> list[str]:
    assert response.status_code == 200
    return re.findall(r'https?://[^"]*/images/[^"]*', response.getvalue().decode())


def varies(response: Response) -> bool:
    return "Accept" in re.split(", *", response.get("Vary", ""))


@pytest.mark.unhurried
@pytest.mark.storages
@pytest.mark.parametrize("listed", LISTS)
def test_each_client_gets_addresses_of_what_it_prefers(
    picture: Picture, client: Client, listed: str, stored_on: str
) -> None:
    """One after another, so that a list that is kept for one is not the other's."""
    thumbnail = picture.thumbnails.latest("height")
    path = "/api/user/" + listed.format(picture.pk, thumbnail.pk)
    tags: dict[str, set[str | None]] = {}
    for accept, kind in [*KINDS.items(), *KINDS.items()]:
        response = client.get(path, headers={"Accept": accept})
        found = urls(response)
        assert len(found) == (1 if "{1}" in listed else 2)
        expected = kind if stored_on == S3 else "jpg"
        assert {urlsplit(each).path.rpartition(".")[2] for each in found} == {expected}
        assert varies(response) == (stored_on == S3)
        tags.setdefault(expected, set()).add(response.get("ETag"))
    assert len(set().union(*tags.values())) == (len(tags) if "ETag" in response else 1)


@pytest.mark.s3
@pytest.mark.usefixtures("bucket")
def test_the_storage_gives_what_the_address_names(picture: Picture, client: Client) -> None:
    for accept, kind in KINDS.items():
        for url in urls(client.get("/api/user/thumbnails/", headers={"Accept": accept})):
            response = requests.get(url, timeout=10)
            expected = "image/jpeg" if kind == "jpg" else f"image/{kind}"
            assert response.headers["Content-Type"] == expected
            assert f'.{kind}"' in response.headers["Content-Disposition"]
            assert BEGINNINGS[kind] in response.content[:12]


@pytest.mark.unhurried
@pytest.mark.s3
@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("listed", LISTS)
def test_an_address_names_what_is_there_by_then(
    alice: User,
    client: Client,
    listed: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """A list that is kept does not hide what was made since."""
    picture = make_picture(alice, encode(waves(900, 600), "JPEG"))
    with django_capture_on_commit_callbacks(execute=True):
        ensure_thumbnails(picture.pk)
    path = "/api/user/" + listed.format(picture.pk, picture.thumbnails.latest("height").pk)
    for kind in ("jpg", "avif"):
        [first, *_] = urls(client.get(path, headers={"Accept": CHROME}))
        assert urlsplit(first).path.endswith(f".{kind}")
        assert requests.get(first, timeout=10).status_code == 200
        with django_capture_on_commit_callbacks(execute=True):
            make_beside(picture.pk)


@pytest.mark.unhurried
@pytest.mark.s3
@pytest.mark.usefixtures("bucket")
def test_what_has_less_beside_it_is_named_as_it_is(
    client: Client,
    alice: User,
    picture: Picture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """Animations have no AVIF, and thumbnails of older releases neither."""
    colours = [(30 * n, 200 - 20 * n, 90) for n in range(8)]
    with django_capture_on_commit_callbacks(execute=True):
        make_picture(alice, animation("GIF", colours, [100] * 8, size=300))
    for row in picture.thumbnails.all():
        named = {name: getattr(row, name).replace("---.", "-.") for name in ("key", "webp_key")}
        Thumbnail.objects.filter(pk=row.pk).update(**named, avif_key="", avif_bytes=0)
    response = client.get("/api/user/thumbnails/", headers={"Accept": CHROME})
    found = [urlsplit(each).path for each in urls(response)]
    assert [each.rpartition(".")[2] for each in found] == ["webp"] * 4


@pytest.mark.s3
@pytest.mark.usefixtures("bucket")
def test_a_list_stays_unchanged_for_whoever_asks_again(
    picture: Picture, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    path = "/api/user/images/?fields=all"
    first = client.get(path, headers={"Accept": CHROME})
    with django_assert_max_num_queries(3):
        same = client.get(path, headers={"Accept": CHROME, "If-None-Match": first["ETag"]})
    assert (same.status_code, varies(same)) == (304, True)
    other = client.get(path, headers={"Accept": "*/*", "If-None-Match": first["ETag"]})
    assert other.status_code == 200
