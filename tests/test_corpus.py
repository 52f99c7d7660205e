"""The whole corpus through the real routes: what is taken, what its owner is told, what leaves.

What is taken can be given clean; the clean copy is the same picture and tells nothing; stated sizes
are those that are seen. Two other readers, Pillow and exiftool, look at all that leaves.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pytest_django import DjangoCaptureOnCommitCallbacks, DjangoDbBlocker

from accounts.models import User
from images.formats.inspect import identify, inspect
from images.formats.limits import Limits
from images.formats.resizing import resize
from images.metadata.strip import strip
from images.models import Picture
from images.sandbox.work import inspect_picture
from images.sandbox.work_dir import temporary_dir
from images.signed_urls import signed_path
from tests import corpus
from tests.clients import Client
from tests.corpus_walk import HEIGHTS, Given, Rendered, Walk, render, walk
from tests.dropped_pieces import dropped_of, runs_of
from tests.exiftool import read_files, telling_fields
from tests.factories import token_client
from tests.metadata_inspector import find_metadata, metadata_texts
from tests.profiles import colours_of
from tests.revealing import check_told
from thumbnails.models import Thumbnail
from thumbnails.rendering.render import render_as_jpeg

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.nightly,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING),
    # What Pillow says of broken EXIF.
    pytest.mark.filterwarnings("ignore"),
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


@pytest.fixture(scope="module")
def rendered(walked: Walk, tmp_path_factory: pytest.TempPathFactory) -> list[Rendered]:
    return render(walked, tmp_path_factory.mktemp("rendered"))


@pytest.fixture(scope="module")
def renditions(taken: list[Rendered]) -> dict[int, bytes]:
    """JPEGs of those whose metadata hold texts, by their place among what is taken."""
    # One after another: what libvips says of a file is kept for the whole process.
    return {
        number: render_as_jpeg(each.given.sample.path.read_bytes(), 320, 80)[0]
        for number, each in enumerate(taken)
        if each.texts
    }


@pytest.fixture(scope="module")
def taken(rendered: list[Rendered]) -> list[Rendered]:
    """What can be rendered; the rest never leaves."""
    return [each for each in rendered if not each.failure]


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


def test_every_good_picture_is_taken_at_its_true_size(walked: Walk) -> None:
    wrong = []
    for upload in walked.uploads:
        sample = upload.sample
        name, *size = walked.facts.get(upload.picture_id or 0, ("refused", 0, 0))
        has_size = not sample.width or size == [sample.width, sample.height]
        if sample.expectation == "accept" and not (name == sample.format and has_size):
            wrong.append((str(sample), name, size))
    assert wrong == []


def test_what_is_told_of_every_picture_is_what_leaves(walked: Walk) -> None:
    compared = 0
    # Of what was reported, Pillow knows no fax's oblong pixels.
    for given in (each for each in walked.given if each.sample.category != "reports"):
        try:
            compared += _is_told_as_it_leaves(given)
        except AssertionError as error:
            raise AssertionError(f"{given.sample}: {error}") from error
    assert compared > 700


def _is_told_as_it_leaves(given: Given) -> bool:
    """Compare what leaves; return False for a doubtful file of which nothing does."""
    if given.told is None:
        assert given.sample.expectation == "either"
        assert given.status != 200
        return False
    assert given.status == 200
    check_told(given.told, given.headers, given.sample.path.read_bytes(), given.content)
    return True


def test_what_is_taken_can_be_given_and_is_the_same_picture(taken: list[Rendered]) -> None:
    assert len(taken) > 700
    given = [each.given for each in taken]
    assert [str(each.sample) for each in given if each.status != 200 or each.is_rendition] == []
    assert [name for name in map(_difference, given) if name] == []


def _difference(given: Given) -> str:
    name, original = given.sample.path.name, given.sample.path.read_bytes()
    if given.content == original:
        return ""
    facts = identify(original, LIMITS)
    if identify(given.content, LIMITS) != facts:
        return f"{name} states something else"
    if strip(given.content, facts.format) is not None:
        return f"{name} is not clean"
    before, after = _pixels(original), _pixels(given.content)
    # Of an AVIF with a film behind it libvips reads the copy alone: two decoders, two reductions.
    most = 2.5 if facts.format == "AVIF" else 0.01
    is_same = before.shape == after.shape and np.abs(before - after).mean() < most
    return "" if is_same else f"{name} looks different"


def _pixels(content: bytes) -> np.ndarray:
    # A broken profile may be why a grey picture is shown in colours.
    return np.asarray(resize(content, height=HEIGHTS[0]).colourspace("srgb").numpy(), int)


def test_stated_sizes_are_those_that_are_seen_and_thumbnails_keep_theirs(
    taken: list[Rendered],
) -> None:
    wrong = []
    for each in taken:
        width, height = _size_told(each.given)
        for made in each.thumbnails:
            shown = width * made.height_px / height
            if made.height_px > height or abs(made.width_px - shown) > 1:
                wrong.append(f"{each.given.sample}: {width}x{height} shown as {made.width_px}")
    assert wrong == []
    for each in taken[::7]:
        made = each.thumbnails[0]
        size = (made.width_px, made.height_px)
        for path in (made.path, *made.beside.values()):
            again = resize(path.read_bytes(), height=HEIGHTS[0])
            assert (again.width, again.height) == size, path
            facts = inspect(path.read_bytes(), LIMITS)
            assert (facts.width, facts.height) == size, path


def _size_told(given: Given) -> tuple[int, int]:
    assert given.told, given.sample
    return given.told["width"], given.told["height"]


# --- Read by other programs -----------------------------------------------------------------------


def test_no_run_of_what_was_dropped_is_in_a_clean_copy(taken: list[Rendered]) -> None:
    compared, found = 0, []
    for given in (each.given for each in taken):
        original = given.sample.path.read_bytes()
        if given.is_rendition or given.content == original:
            continue
        assert given.told
        pieces = list(dropped_of(original, given.told["format"]))
        compared += bool(pieces)
        rest = original
        for piece in pieces:
            rest = rest.replace(piece, b"", 1)
        runs = {run for piece in pieces for run in runs_of(piece)}
        if any(run in given.content and run not in rest for run in runs):
            found.append(str(given.sample))
    assert compared > 150
    assert found == [], "\n".join(found)


def test_exiftool_finds_nothing_but_structure(
    taken: list[Rendered], renditions: dict[int, bytes], tmp_path: Path, exiftool_program: str
) -> None:
    for number, each in enumerate(taken):
        name = f"{number:04}-{each.given.sample.path.name}"
        (tmp_path / f"copy-{name}").write_bytes(each.given.content)
        # Of what has nothing to tell, some show that encoders add nothing.
        may_tell = each.texts or number % 5 == 0
        for path in each.files if may_tell else ():
            if path.stem != str(HEIGHTS[1]):  # made as the larger
                (tmp_path / f"{path.stem}-{name}{path.suffix}").hardlink_to(path)
    for number, content in renditions.items():
        (tmp_path / f"rendition-{number:04}.jpg").write_bytes(content)
    files = read_files(exiftool_program, tmp_path)
    assert len(files) > 1000
    assert {"webp", "avif"} <= {name.rpartition(".")[2] for name in files if name[0].isdigit()}
    found: dict[str, object] = {}
    for name, fields in files.items():
        found |= telling_fields(name, fields)
    assert found == {}, "\n".join(f"{name}: {value}" for name, value in found.items())


def test_every_picture_is_rendered_and_no_metadata_leaves_with_it(
    rendered: list[Rendered],
) -> None:
    """Only a doubtful file may fail to be stripped or rendered; then it does not leave."""
    leaks = {str(each.given.sample): list(_leaks_of(each)) for each in rendered}
    assert {name: found for name, found in leaks.items() if found} == {}


def test_the_inspector_finds_metadata_where_there_is_some() -> None:
    """Else the test above would pass whatever leaves."""
    named = [each for each in corpus.samples("accept") if each.gps or each.marker]
    assert len(named) > 15
    assert [str(each) for each in named if not find_metadata(each.path.read_bytes())] == []
    assert sum(bool(metadata_texts(each.path.read_bytes())) for each in named) > 15


def _leaks_of(each: Rendered) -> Iterator[str]:
    given, must_leave = each.given, each.given.sample.expectation == "accept"
    if given.status == 200:
        yield from _leaks_of_what_left(given, each.texts)
    if must_leave and each.failure:
        yield each.failure
    if must_leave and (given.status != 200 or given.is_rendition):
        yield "the original did not leave"
    yield from _faults_of_renderings(each)


def _faults_of_renderings(each: Rendered) -> Iterator[str]:
    given = each.given
    if given.sample.width and not given.is_rendition and not each.failure:
        wanted = [min(height, _size_told(given)[1]) for height in each.heights]
        if [made.height_px for made in each.thumbnails] != wanted:
            yield f"the thumbnails are not {wanted} high"
    for path in each.files:
        yield from (f"{path.name} {fault}" for fault in _metadata_in(path.read_bytes(), each.texts))


def _metadata_in(content: bytes, texts: set[bytes]) -> Iterator[str]:
    """Yield what a file made of pixels bears beside them."""
    yield from (f"has {what}" for what in find_metadata(content))
    yield from (f"contains {text!r}" for text in texts if text in content)
    with Image.open(BytesIO(content)) as image:
        if "exif" in image.info or "icc_profile" in image.info:
            yield "holds more than pixels"


def test_no_metadata_leaves_with_a_rendition(
    taken: list[Rendered], renditions: dict[int, bytes]
) -> None:
    assert len(renditions) > 150
    leaks = {
        str(taken[number].given.sample): list(_metadata_in(content, taken[number].texts))
        for number, content in renditions.items()
    }
    assert {name: found for name, found in leaks.items() if found} == {}


def _leaks_of_what_left(given: Given, texts: set[bytes]) -> Iterator[str]:
    yield from (f"what left contains {text!r}" for text in texts if text in given.content)
    original = given.sample.path.read_bytes()
    try:
        yield from (f"what left has {what}" for what in find_metadata(given.content))
        same = given.content == original or _have_same_pixels(original, given.content)
    except Exception:  # noqa: BLE001 (only the product's reader opens it)
        same = given.content == original or _is_same_to_the_service(given)
    if not same and not given.is_rendition:
        yield "what left has other pixels"
    if not given.is_rendition and not _has_colours_of(original, given.content):
        yield "what left has other colours"


def _has_colours_of(original: bytes, copy: bytes) -> bool:
    """Tell whether a profile is kept; of two Pillow reads the last, everybody else the first."""
    try:
        before, after = (Image.open(BytesIO(each)).info for each in (original, copy))
    except Exception:  # noqa: BLE001 (only the product's reader opens it)
        return True
    kept = colours_of(after.get("icc_profile"))
    return colours_of(before.get("icc_profile")) in ({}, kept)


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
    named = [each for each in corpus.samples("accept") if each.marker or each.gps]
    # The walk looks at all of them; here they come by their address.
    for sample in named[::4]:
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
