"""Nothing but pixels leaves: every picture of the corpus that is taken, looked at from outside."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from images.exceptions import StrippingFailed
from images.formats.facts import Facts
from images.formats.inspect import inspect
from images.formats.limits import Limits, RefusedPicture
from images.metadata.strip import strip
from images.sandbox.pool import run_sandboxed
from images.sandbox.work_dir import temporary_dir
from tests import corpus
from tests.metadata_inspector import told, words_of
from tests.pictures import opened
from thumbnails.renderings import RenderingFailed
from thumbnails.sandbox_work import render_jpeg, render_thumbnails

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING),
]
LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)


def test_nothing_is_told_by_anything_that_leaves():
    """What cannot be cleaned or rendered does not leave, which only doubtful files may be."""
    samples = corpus.samples("accept", "either")
    with ThreadPoolExecutor(2) as both_cores:
        outcomes = dict(zip(map(str, samples), both_cores.map(_looked_at, samples), strict=True))
    assert {name: faults for name, faults in outcomes.items() if faults} == {}


def test_the_other_reader_finds_what_there_is():
    """Else the test above would find nothing whatever left."""
    named = [each for each in corpus.samples("accept") if each.gps or each.marker]
    assert len(named) > 15
    assert [str(each) for each in named if not told(each.path.read_bytes())] == []
    assert sum(bool(words_of(each.path.read_bytes())) for each in named) > 15


def _looked_at(sample: corpus.Sample) -> list[str]:
    with temporary_dir() as name:
        source, folder = Path(name) / "source", Path(name)
        source.write_bytes(sample.path.read_bytes())
        try:
            facts = run_sandboxed(inspect, source, LIMITS)
        except RefusedPicture:
            return [] if sample.expectation == "either" else ["refused"]
        words = _words(source)
        if sample.marker:
            words.add(sample.marker.encode())
        try:
            return [
                *_faults_of_copies(source, folder, words),
                *_faults_of_original(source, folder, facts, words),
            ]
        except (RenderingFailed, StrippingFailed) as kept_back:
            return [] if sample.expectation == "either" else [str(kept_back)]


def _words(source: Path) -> set[bytes]:
    try:
        return words_of(source.read_bytes())
    except Exception:  # noqa: BLE001 (the other reader cannot open it: the marks remain)
        return set()


def _faults_of_copies(source: Path, folder: Path, words: set[bytes]) -> Iterator[str]:
    thumbnails = run_sandboxed(render_thumbnails, source, [200, 50], folder).thumbnails
    made = [path for each in thumbnails for path in (each.path, each.webp) if path]
    if words:
        run_sandboxed(render_jpeg, source, folder / "whole.jpg", width=320)
        made.append(folder / "whole.jpg")
    for path in made:
        content = path.read_bytes()
        yield from (f"{path.name} tells {what}" for what in told(content))
        yield from (f"{path.name} says {word!r}" for word in words if word in content)
        if "exif" in opened(path).info or "icc_profile" in opened(path).info:
            yield f"{path.name} holds more than pixels"


def _faults_of_original(
    source: Path, folder: Path, facts: Facts, words: set[bytes]
) -> Iterator[str]:
    target = folder / "clean"
    changed = run_sandboxed(strip, source, target, facts.format)
    target = target if changed else source
    content = target.read_bytes()
    yield from (f"the original says {word!r}" for word in words if word in content)
    try:
        yield from (f"the original tells {what}" for what in told(content))
        same = not changed or np.array_equal(_pixels(source), _pixels(target))
    except Exception:  # noqa: BLE001 (only the product's reader opens it)
        same = run_sandboxed(inspect, target, LIMITS) == facts
    if not same:
        yield "the original has other pixels"


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)
