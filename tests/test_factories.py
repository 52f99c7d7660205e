from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from images.formats.limits import RefusedPicture
from images.models import Picture
from images.pixels import taken
from images.sandbox import work
from images.sandbox.pool import Decoded, decoded
from tests import known_picture
from tests.clients import Client
from tests.factories import make_picture
from tests.known_picture import known_picture as known_content

TOLD_BY_THE_SANDBOX = ["format", "width", "height", "frames", "bytes", "sha256", "clean_version"]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the sandbox was asked, in a process where it has told nothing yet."""
    monkeypatch.setattr(known_picture, "_told", {})
    asked: list[str] = []

    def note(
        operation: str, source: Path | BinaryIO, **options: Any
    ) -> AbstractContextManager[Decoded]:
        asked.append(operation)
        return decoded(operation, source, **options)

    monkeypatch.setattr(work, "decoded", note)
    return asked


def described(picture: Picture) -> list[object]:
    """What the row says of the file, and the pixels that wait for its thumbnails."""
    picture = Picture.objects.get(pk=picture.pk)
    with taken(picture.uid) as pixels:
        assert pixels
        pixels.file.seek(0)
        left = (pixels.shape, pixels.file.read())
        assert len(left[1]) == pixels.shape.bytes
    return [*(getattr(picture, name) for name in TOLD_BY_THE_SANDBOX), left]


def test_the_known_picture_is_looked_at_once_and_stored_as_any_other(
    alice: User, bob: User, looks: list[str]
) -> None:
    content = known_content()
    by_its_bytes = make_picture(alice, content)
    asked = list(looks)
    looks.clear()
    first, second, others = make_picture(alice), make_picture(alice), make_picture(bob)
    assert asked
    assert looks == asked
    expected = described(by_its_bytes)
    assert [described(each) for each in (first, second, others)] == [expected] * 3
    assert len({each.key for each in (by_its_bytes, first, second, others)}) == 4


def test_a_tier_that_does_not_allow_the_known_picture_refuses_it(
    alice: User, looks: list[str]
) -> None:
    make_picture(alice)
    alice.tier.max_pixels = 60 * 40 - 1
    for _ in range(2):
        looks.clear()
        with pytest.raises(RefusedPicture):
            make_picture(alice)
        assert looks


def test_what_a_client_uploads_is_always_looked_at(as_alice: Client, looks: list[str]) -> None:
    make_picture(User.objects.get(username="alice"))
    for _ in range(2):
        looks.clear()
        file = SimpleUploadedFile("a.jpg", known_content())
        response = as_alice.post("/api/user/images/", {"image": file})
        assert response.status_code == 201, response.content
        assert looks
