"""Every URL that serves bytes, as a stranger sees it: pixels come, and no metadata."""

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from images.exceptions import StrippingFailed
from images.links import make_link
from images.models import Picture
from images.services import activate, update_picture
from images.signed_urls import signed_path
from tests import corpus
from tests.clients import Client
from tests.factories import token_client
from tests.metadata_fixtures import (
    FORMATS,
    SECRET,
    picture_with_metadata,
)
from tests.metadata_inspector import find_metadata, metadata_texts
from tests.pictures import BLUE, RED, animation, frame_count
from thumbnails.renderings import RenderingFailed

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
NAMES = ("SECRET-NAME.jpg", "SECRET-NAME")
# The smallest file of the corpus in each format that tells its place or bears a mark.
_TELLING = [each for each in corpus.samples("accept") if each.gps or each.marker]
_TELLING.sort(key=lambda each: each.path.stat().st_size, reverse=True)
NAMED = {each.format: each for each in _TELLING}


@pytest.fixture
def shown(
    alice: User,
    as_alice: Client,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Callable[[bytes], Picture]:
    """Return a function that uploads a public picture through a contract and makes it active."""

    def upload(content: bytes) -> Picture:
        file = SimpleUploadedFile(NAMES[0], content)
        with django_capture_on_commit_callbacks(execute=True):
            response = as_alice.post("/api/user/images/", {"image": file})
            assert response.status_code == 201, response.content
            picture = Picture.objects.with_owner().latest("id")
            update_picture(picture, visibility="public")
            activate(picture)
        return Picture.objects.with_owner().get(pk=picture.pk)

    return upload


@dataclass(frozen=True)
class Sent:
    """What a URL responded with."""

    route: str
    status: int
    headers: bytes
    content: bytes


def record_sent(route: str, response: Any) -> Sent:
    content: bytes = response.getvalue()
    if response.status_code == 200 and response["Content-Type"] == "application/json":
        content = b64decode(json.loads(content)["image"].partition(",")[2])
    return Sent(route, response.status_code, str(response.headers).encode(), content)


def originals(picture: Picture, member: User) -> list[Sent]:
    """Request the original by every URL, as a stranger or as another member."""
    stranger, bob = Client(), token_client(member)
    token = make_link(maker=picture.owner, picture=picture, seconds=300)[1]
    listed = bob.get(f"/pictures/get-user-pictures/{picture.owner_id}").json()[0]
    return [
        record_sent("the file", stranger.get(f"/images/{picture.key}")),
        record_sent("the file, for a member", bob.get(f"/images/{picture.key}")),
        record_sent("a link", stranger.get(f"/l/{token}")),
        record_sent("the images API", stranger.get(f"/api/images/{picture.uid}")),
        record_sent("the image service", bob.get(f"/image/{picture.uid}")),
        record_sent(
            "the pictures service",
            bob.get(f"/images/users/{picture.owner_id}/{listed['path']}"),
        ),
    ]


def copies(picture: Picture, member: User) -> list[Sent]:
    """Request every rendered copy."""
    stranger, bob = Client(), token_client(member)
    return [
        *(
            record_sent(
                f"thumbnail {each.height} {accept}",
                stranger.get(signed_path(each.key), headers={"Accept": accept}),
            )
            for each in picture.thumbnails.all()
            for accept in ("*/*", "image/webp", "image/avif")
        ),
        record_sent("an avatar", stranger.get(f"/avatars/{picture.owner_id}", follow=True)),
        record_sent("the image service's JPEG", bob.get(f"/image/{picture.uid}/jpeg")),
        record_sent("the image service's widths", bob.get(f"/image/{picture.uid}?Size=320")),
    ]


def find_faults(response: Sent, words: set[bytes]) -> list[str]:
    if response.status != 200:
        return [f"{response.route} responds with {response.status}"]
    found = [word for word in words if word in response.content or word in response.headers]
    return [
        f"{response.route} reveals {what}" for what in [*find_metadata(response.content), *found]
    ]


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(content)))


@pytest.mark.parametrize("name", FORMATS)
def test_no_url_serves_metadata_to_strangers(
    alice: User,
    bob: User,
    as_alice: Client,
    as_staff: Client,
    shown: Callable[[bytes], Picture],
    name: str,
) -> None:
    contents = [picture_with_metadata(name)]
    if name in NAMED:
        contents.append(NAMED[name].path.read_bytes())
    for content in contents:
        picture, words = shown(content), {SECRET, *metadata_texts(content)}
        found = []
        for response in originals(picture, bob):
            found += find_faults(response, words)
            if not np.array_equal(pixels(response.content), pixels(content)):
                found.append(f"{response.route} changes pixels")
        for response in copies(picture, bob):
            found += find_faults(response, words)
        assert found == []
        for own in (as_alice, as_staff):
            assert record_sent("the file", own.get(f"/images/{picture.key}")).content == content
            assert record_sent("the service", own.get(f"/image/{picture.uid}")).content == content


def test_of_an_original_that_cannot_be_stripped_a_rendition_leaves(
    alice: User,
    bob: User,
    as_alice: Client,
    shown: Callable[[bytes], Picture],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the reason: here it is not the file's."""
    content = picture_with_metadata("JPEG")
    picture = shown(content)
    asked = f"/api/user/images/{picture.pk}/?fields=clean_copy"
    assert as_alice.get(asked).json() == {"clean_copy": None}
    monkeypatch.setattr("delivery.stripped_copies.strip_metadata", _fail)
    responses = originals(picture, bob)
    assert [fault for each in responses for fault in find_faults(each, {SECRET})] == []
    for response in responses:
        assert Image.open(BytesIO(response.content)).size == (picture.width, picture.height)
    assert record_sent("the file", as_alice.get(f"/images/{picture.key}")).content == content
    assert as_alice.get(asked).json() == {"clean_copy": "rendition"}


def test_of_an_animation_that_cannot_be_stripped_an_animation_leaves(
    alice: User, shown: Callable[[bytes], Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = shown(animation("GIF", [RED, BLUE], [100, 200]))
    monkeypatch.setattr("delivery.stripped_copies.strip_metadata", _fail)
    response = Client().get(f"/l/{make_link(maker=alice, picture=picture, seconds=300)[1]}")
    assert frame_count(Image.open(BytesIO(response.getvalue()))) == 2


def test_a_link_to_what_cannot_be_shown_at_all_says_so_and_not_that_it_expired(
    alice: User, shown: Callable[[bytes], Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = shown(picture_with_metadata("JPEG"))
    picture.thumbnails.all().delete()
    Picture.objects.filter(pk=picture.pk).update(rendering=Picture.Rendering.FAILED)
    monkeypatch.setattr("delivery.stripped_copies.strip_metadata", _fail)
    monkeypatch.setattr("delivery.stored_renditions.render_jpeg", _fail_to_render)
    token = make_link(maker=alice, picture=picture, seconds=300)[1]
    response = Client().get(f"/l/{token}")
    assert response.status_code == 410
    assert "The link is valid" in response.content.decode()
    Picture.objects.filter(pk=picture.pk).update(rendering=Picture.Rendering.PENDING)
    response = Client().get(f"/l/{token}")
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def _fail_to_render(*args: object, **kwargs: object) -> None:
    raise RenderingFailed("nothing works today")


def _fail(*args: object) -> None:
    raise StrippingFailed("nothing works today")
