from collections.abc import Mapping
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from images.formats.limits import RefusedPicture
from images.models import Picture
from images.pixels import taken
from images.sandbox.pool import Pool
from images.storage.base import picture_storage
from tests.clients import Client
from tests.factories import known_picture, make_picture
from tests.kept_answers import KeptAnswers
from tests.pictures import jpeg
from thumbnails.services import ensure_thumbnails

TOLD_BY_THE_SANDBOX = ["format", "width", "height", "frames", "bytes", "sha256", "clean_version"]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What decoders do, in a process where they have answered nothing yet."""
    monkeypatch.setattr(KeptAnswers, "kept", {})
    operations: list[str] = []
    run = Pool.run

    def note(pool: Pool, job: Mapping[str, Any], descriptors: list[int], **options: Any) -> object:
        operations.append(job["operation"])
        return run(pool, job, descriptors, **options)

    monkeypatch.setattr(Pool, "run", note)
    return operations


def described(picture: Picture) -> list[object]:
    """What the row says of the file, and the pixels that wait for its thumbnails."""
    picture = Picture.objects.get(pk=picture.pk)
    with taken(picture.uid) as pixels:
        assert pixels
        pixels.file.seek(0)
        left = (pixels.shape, pixels.file.read())
        assert len(left[1]) == pixels.shape.bytes
    return [*(getattr(picture, name) for name in TOLD_BY_THE_SANDBOX), left]


def test_the_same_bytes_are_looked_at_once_and_stored_every_time(
    alice: User, bob: User, as_alice: Client, done: list[str]
) -> None:
    first = make_picture(alice)
    assert done == ["inspect"]
    second, others = make_picture(alice, known_picture()), make_picture(bob)
    file = SimpleUploadedFile("a.jpg", known_picture())
    response = as_alice.post("/api/user/images/", {"image": file})
    assert response.status_code == 201, response.content
    uploaded = Picture.objects.get(pk=response.json()["id"])
    assert done == ["inspect"]
    expected = described(first)
    assert [described(each) for each in (second, others, uploaded)] == [expected] * 3
    assert len({each.key for each in (first, second, others, uploaded)}) == 4


def test_other_bytes_and_other_jobs_are_done(alice: User, done: list[str]) -> None:
    make_picture(alice)
    make_picture(alice, jpeg(61, 40))
    assert done == ["inspect"] * 2
    alice.tier.max_pixels += 1
    make_picture(alice)
    assert done == ["inspect"] * 3


def test_thumbnails_of_the_same_bytes_are_rendered_once_and_written_every_time(
    alice: User, done: list[str]
) -> None:
    written = []
    for _ in range(2):
        picture = make_picture(alice)
        ensure_thumbnails(picture.pk)
        thumbnail = picture.thumbnails.get(height=200)
        with picture_storage.open(thumbnail.key) as file:
            written.append((thumbnail.key, file.read()))
    assert done.count("render_pixels") == 1
    assert written[0][1] == written[1][1]
    assert written[0][0] != written[1][0]


def test_a_refusal_is_looked_at_every_time(alice: User, done: list[str]) -> None:
    alice.tier.max_pixels = 60 * 40 - 1
    for _ in range(2):
        done.clear()
        with pytest.raises(RefusedPicture):
            make_picture(alice)
        assert done == ["inspect"]
