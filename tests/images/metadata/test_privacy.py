"""No metadata leaves: every picture of the corpus that is taken, read by another program."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from images.exceptions import StrippingFailed
from images.formats.facts import Facts
from images.formats.limits import Limits, RefusedPicture
from images.sandbox.work import inspect_picture, strip_metadata
from images.sandbox.work_dir import temporary_dir
from tests import corpus
from tests.metadata_inspector import find_metadata, metadata_texts
from tests.pictures import open_image
from thumbnails.renderings import RenderingFailed
from thumbnails.sandbox_work import render_jpeg, render_thumbnails

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING),
]
LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)


def test_no_metadata_leaves_with_originals_thumbnails_or_renditions() -> None:
    """Only a doubtful file may fail to be stripped or rendered; then it does not leave."""
    samples = corpus.samples("accept", "either")
    with ThreadPoolExecutor(2) as pool:
        leaks = dict(zip(map(str, samples), pool.map(_find_leaks, samples), strict=True))
    assert {name: found for name, found in leaks.items() if found} == {}


def test_the_inspector_finds_metadata_where_there_is_some() -> None:
    """Else the test above would pass whatever leaves."""
    named = [each for each in corpus.samples("accept") if each.gps or each.marker]
    assert len(named) > 15
    assert [str(each) for each in named if not find_metadata(each.path.read_bytes())] == []
    assert sum(bool(metadata_texts(each.path.read_bytes())) for each in named) > 15


def _find_leaks(sample: corpus.Sample) -> list[str]:
    with temporary_dir() as name:
        source, folder = Path(name) / "source", Path(name)
        source.write_bytes(sample.path.read_bytes())
        try:
            facts = inspect_picture(source, LIMITS)
        except RefusedPicture:
            return [] if sample.expectation == "either" else ["refused"]
        texts = _texts(source)
        if sample.marker:
            texts.add(sample.marker.encode())
        try:
            return [
                *_leaks_of_renderings(source, folder, texts),
                *_leaks_of_original(source, folder, facts, texts),
            ]
        except (RenderingFailed, StrippingFailed) as failure:
            return [] if sample.expectation == "either" else [str(failure)]


def _texts(source: Path) -> set[bytes]:
    try:
        return metadata_texts(source.read_bytes())
    except Exception:  # noqa: BLE001 (the other reader cannot open it: the marks remain)
        return set()


def _leaks_of_renderings(source: Path, folder: Path, texts: set[bytes]) -> Iterator[str]:
    thumbnails = render_thumbnails(source, [200, 50], folder).thumbnails
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


def _leaks_of_original(
    source: Path, folder: Path, facts: Facts, texts: set[bytes]
) -> Iterator[str]:
    target = folder / "stripped"
    changed = strip_metadata(source, target, facts.format)
    target = target if changed else source
    content = target.read_bytes()
    yield from (f"the original contains {text!r}" for text in texts if text in content)
    try:
        yield from (f"the original has {what}" for what in find_metadata(content))
        same = not changed or np.array_equal(_pixels(source), _pixels(target))
    except Exception:  # noqa: BLE001 (only the product's reader opens it)
        same = inspect_picture(target, LIMITS) == facts
    if not same:
        yield "the original has other pixels"


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)
