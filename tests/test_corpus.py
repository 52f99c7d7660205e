"""The whole corpus through the real upload route."""

import resource
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from images.models import Picture
from images.sandbox.work_dir import work_dir
from images.signed_urls import signed_path
from tests import corpus
from tests.clients import Client
from tests.factories import token_client
from tests.storages import StoredKeys
from thumbnails.models import Thumbnail

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.nightly,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING),
]
# The memory that a web process may gain while it accepts over a thousand pictures (KiB).
MAX_GROWTH = 150 * 1024


def growth(since: int) -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - since


def pixels_of_pictures() -> set[Path]:
    """Where pixels lie for two minutes, for thumbnails to be made of, and their folder."""
    folder = work_dir() / "pixels"
    return {folder, *(folder / str(uid) for uid in Picture.objects.values_list("uid", flat=True))}


@pytest.fixture(scope="module")
def all_samples() -> list[corpus.Sample]:
    return corpus.samples("accept", "reject", "either")


def test_every_picture_is_accepted_or_refused_as_the_corpus_says(
    alice: User, all_samples: list[corpus.Sample], stored_keys: StoredKeys, settings: Settings
) -> None:
    settings.RATE_LIMITS = False
    alice.tier.max_stored_bytes = None
    client, wrong, accepted = token_client(alice), [], 0
    others = set(work_dir().rglob("*"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for sample in all_samples:
        file = SimpleUploadedFile("x.jpg", sample.path.read_bytes() or b"")
        response = client.post("/api/user/images/", {"image": file})
        accepted += response.status_code == 201
        expected = {"accept": {201}, "reject": {400, 413}, "either": {201, 400, 413}}
        if response.status_code not in expected[sample.expectation]:
            wrong.append((str(sample), response.status_code, response.content[:80]))
    assert wrong == []
    assert len(stored_keys()) == Picture.objects.count() == accepted
    assert set(work_dir().rglob("*")) - others <= pixels_of_pictures()
    assert growth(before) < MAX_GROWTH


def test_no_thumbnail_holds_metadata_of_its_picture(
    alice: User,
    all_samples: list[corpus.Sample],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client, leaking = token_client(alice), []
    for sample in (s for s in all_samples if s.expectation == "accept" and (s.marker or s.gps)):
        with django_capture_on_commit_callbacks(execute=True):
            file = SimpleUploadedFile("x.jpg", sample.path.read_bytes())
            assert client.post("/api/user/images/", {"image": file}).status_code == 201
        picture = Picture.objects.latest("id")
        assert picture.rendering == "ready", sample
        for thumbnail in picture.thumbnails.all():
            content = read(client, thumbnail)
            if sample.marker and sample.marker.encode() in content:
                leaking.append(str(sample))
    assert Thumbnail.objects.exists()
    assert leaking == []


def read(client: Client, thumbnail: Thumbnail) -> bytes:
    return client.get(signed_path(thumbnail.key)).getvalue()
