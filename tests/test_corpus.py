"""The whole corpus through the real routes: what is taken, what its owner is told, what leaves."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pytest_django import DjangoCaptureOnCommitCallbacks, DjangoDbBlocker

from accounts.models import User
from images.formats.limits import Limits
from images.models import Picture
from images.sandbox.work import inspect_picture
from images.sandbox.work_dir import temporary_dir
from images.signed_urls import signed_path
from tests import corpus
from tests.clients import Client
from tests.corpus_walk import Given, Walk, walk
from tests.factories import token_client
from tests.metadata_inspector import find_metadata, metadata_texts
from tests.pictures import open_image
from tests.revealing import check_told
from thumbnails.models import Thumbnail
from thumbnails.renderings import RenderingFailed
from thumbnails.sandbox_work import render_jpeg, render_thumbnails

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.nightly,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING),
]
LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)
# The memory that a web process may gain while it accepts over a thousand pictures (KiB).
MAX_GROWTH = 150 * 1024
STATUSES = {"accept": {201}, "reject": {400, 413}, "either": {201, 400, 413}}


@pytest.fixture(scope="module")
def walked(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Walk:
    with django_db_blocker.unblock():
        return walk(tmp_path_factory.mktemp("corpus"))


def test_every_picture_is_accepted_or_refused_as_the_corpus_says(walked: Walk) -> None:
    wrong = [
        (str(each.sample), each.status, each.answer)
        for each in walked.uploads
        if each.status not in STATUSES[each.sample.expectation]
    ]
    assert wrong == []
    accepted = sum(each.status == 201 for each in walked.uploads)
    assert walked.stored == walked.pictures == accepted
    assert walked.left == set()
    assert walked.growth < MAX_GROWTH


def test_what_is_told_of_every_picture_is_what_leaves(walked: Walk) -> None:
    compared = 0
    for given in walked.given:
        try:
            compared += _is_told_as_it_leaves(given)
        except AssertionError as error:
            raise AssertionError(f"{given.sample}: {error}") from error
    assert compared > 700


def _is_told_as_it_leaves(given: Given) -> bool:
    """Compare what leaves; return False for a doubtful file of which nothing does."""
    if given.told_status != 200:
        assert given.sample.expectation == "either"
        assert given.status != 200
        return False
    assert given.status == 200
    check_told(given.told, given.headers, given.sample.path.read_bytes(), given.content)
    return True


# --- Read by another program ----------------------------------------------------------------------


def test_every_picture_is_rendered_and_no_metadata_leaves_with_it(walked: Walk) -> None:
    """Only a doubtful file may fail to be stripped or rendered; then it does not leave."""
    with ThreadPoolExecutor(2) as pool:
        names = [str(each.sample) for each in walked.given]
        leaks = dict(zip(names, pool.map(_find_leaks, walked.given), strict=True))
    assert {name: found for name, found in leaks.items() if found} == {}


def test_the_inspector_finds_metadata_where_there_is_some() -> None:
    """Else the test above would pass whatever leaves."""
    named = [each for each in corpus.samples("accept") if each.gps or each.marker]
    assert len(named) > 15
    assert [str(each) for each in named if not find_metadata(each.path.read_bytes())] == []
    assert sum(bool(metadata_texts(each.path.read_bytes())) for each in named) > 15


def _find_leaks(given: Given) -> list[str]:
    texts = _texts(given.sample)
    found = list(_leaks_of_what_left(given, texts)) if given.status == 200 else []
    try:
        with temporary_dir() as name:
            found += _faults_of_renderings(given, Path(name), texts)
    except RenderingFailed as failure:
        if given.sample.expectation == "accept":
            found.append(str(failure))
    if given.sample.expectation == "accept" and (given.status != 200 or given.is_rendition):
        found.append("the original did not leave")
    return found


def _texts(sample: corpus.Sample) -> set[bytes]:
    marker = {sample.marker.encode()} if sample.marker else set()
    try:
        return metadata_texts(sample.path.read_bytes()) | marker
    except Exception:  # noqa: BLE001 (the other reader cannot open it: the marks remain)
        return marker


def _faults_of_renderings(given: Given, folder: Path, texts: set[bytes]) -> Iterator[str]:
    source = given.sample.path
    thumbnails = render_thumbnails(source, [200, 50], folder).thumbnails
    if given.sample.width and not given.is_rendition:
        wanted = [min(height, given.told["height"]) for height in (200, 50)]
        if [each.height_px for each in thumbnails] != wanted:
            yield f"the thumbnails are not {wanted} high"
    made = [path for each in thumbnails for path in (each.path, *each.beside.values())]
    if texts:
        render_jpeg(source, folder / "whole.jpg", width=320)
        made.append(folder / "whole.jpg")
    for path in made:
        content = path.read_bytes()
        yield from (f"{path.name} has {what}" for what in find_metadata(content))
        yield from (f"{path.name} contains {text!r}" for text in texts if text in content)
        if "exif" in open_image(path).info or "icc_profile" in open_image(path).info:
            yield f"{path.name} holds more than pixels"


def _leaks_of_what_left(given: Given, texts: set[bytes]) -> Iterator[str]:
    yield from (f"what left contains {text!r}" for text in texts if text in given.content)
    original = given.sample.path.read_bytes()
    try:
        yield from (f"what left has {what}" for what in find_metadata(given.content))
        same = given.content == original or _have_same_pixels(original, given.content)
    except Exception:  # noqa: BLE001 (only the product's reader opens it)
        same = _is_same_to_the_service(given)
    if not same and not given.is_rendition:
        yield "what left has other pixels"


def _is_same_to_the_service(given: Given) -> bool:
    with temporary_dir() as name:
        copy = Path(name) / "copy"
        copy.write_bytes(given.content)
        return inspect_picture(copy, LIMITS) == inspect_picture(given.sample.path, LIMITS)


def _have_same_pixels(one: bytes, other: bytes) -> bool:
    with Image.open(BytesIO(one)) as image, Image.open(BytesIO(other)) as copy:
        return np.array_equal(np.asarray(image), np.asarray(copy))


def test_no_thumbnail_holds_metadata_of_its_picture(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    client, leaking = token_client(alice), []
    for sample in (each for each in corpus.samples("accept") if each.marker or each.gps):
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
