"""`./dev bench bytes [SSIM [HEIGHT]]`: bytes and CPU of thumbnails beside sharp's, equally alike.

Photographs of the corpus, decoded and resized by us, are encoded by what renders our thumbnails and
by sharp, from its npm package, with its defaults and with `mozjpeg: true`; and as AVIF at other
speeds than ours. Likeness is the mean SSIM (Wang et al. 2004) of the grey pictures, as
`structural_similarity` of scikit-image 0.25 has it by its defaults: windows of 7×7, K1 0.01,
K2 0.03, sample covariance. Each encoder's quality is chosen to reach it, and bytes are interpolated
between the two qualities that lie around it. CPU is the median of rounds in turn, of all threads.
"""

import csv
import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from PIL import Image

from benchmarks.tables import note, show
from benchmarks.thumbnails.engines import install_sharp
from images.formats.resizing import resize
from tests.servers import npm
from thumbnails.rendering.encoding import encode_avif, encode_jpeg, encode_webp

CORPUS = Path(__file__).resolve().parent.parent.parent / "shared" / "corpus"
LIKENESS, HEIGHT, MAX_PHOTOGRAPHS, MIN_PIXELS = 0.97, 400, 12, 1_500_000
_C1, _C2, _WINDOW = (0.01 * 255) ** 2, (0.03 * 255) ** 2, 7
_QUALITIES = range(20, 100)
_ROUNDS = 3
# Bytes of a picture at a quality, and the milliseconds of CPU that they took.
Encode = Callable[[Any, int], tuple[bytes, float]]


def main() -> int:
    """Print a row for each encoder."""
    likeness = float(sys.argv[1]) if len(sys.argv) > 1 else LIKENESS
    height = int(sys.argv[2]) if len(sys.argv) > 2 else HEIGHT
    pyvips.vips_lib.vips_concurrency_set(1)
    began = _cpu_ms()
    pictures = [resize(each.read_bytes(), height=height).copy_memory() for each in photographs()]
    if not pictures:
        note("NOT RUN: no photographs at ../shared/corpus")
        return 1
    decoding = (_cpu_ms() - began) / len(pictures)
    note(f"{len(pictures)} photographs, {decoding:.1f} ms of CPU to decode and resize each")
    with tempfile.TemporaryDirectory() as folder, _sharp(Path(folder)) as sharp:
        encoders = ours() | sharp.encoders()
        points = {name: find_point(each, pictures, likeness) for name, each in encoders.items()}
        times = _measure_times(encoders, points, pictures)
    rows = {
        name: {"bytes": points[name].size, "CPU ms": times[name], "quality": points[name].quality}
        for name in encoders
    }
    show(f"Thumbnails {height} pixels high at SSIM {likeness}", rows)
    return 0


def photographs() -> list[Path]:
    """Return large JPEGs of the corpus that are in colour."""
    if not (CORPUS / "MANIFEST.csv").exists():
        return []
    with (CORPUS / "MANIFEST.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["expectation"] == "accept"]
    large = [
        CORPUS / row["path"]
        for row in rows
        if row["format"] == "JPEG" and int(row["width"]) * int(row["height"]) >= MIN_PIXELS
    ]
    return large[:MAX_PHOTOGRAPHS]


def ours() -> dict[str, Encode]:
    """Return the encoders of our thumbnails, and of AVIF at other speeds than theirs."""
    found = {
        "JPEG, ours": _timed(encode_jpeg),
        "WebP, ours": _timed(encode_webp),
        "AVIF, ours": _timed(encode_avif),
    }
    for effort in (0, 1, 2):
        found[f"AVIF, effort {effort}"] = _timed(_avif_encoder(effort))
    return found


def _avif_encoder(effort: int) -> Callable[[Any, int], bytes]:
    options = {"compression": "av1", "effort": effort, "tune": "ssim", "keep": "none"}
    return lambda image, quality: bytes(image.heifsave_buffer(Q=quality, **options))


def _timed(save: Callable[[Any, int], bytes]) -> Encode:
    def encode(image: Any, quality: int) -> tuple[bytes, float]:
        began = _cpu_ms()
        return save(image, quality), _cpu_ms() - began

    return encode


def _cpu_ms() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1e3


@dataclass(frozen=True)
class Point:
    """What an encoder needs for a likeness: mean bytes of a picture, and the quality above it."""

    size: float
    quality: int


def find_point(encode: Encode, pictures: list[Any], likeness: float) -> Point:
    """Find the lowest quality whose mean likeness is as high; interpolate the bytes from below."""
    low, high = _QUALITIES[0], _QUALITIES[-1]
    found = {each: _mean(encode, pictures, each) for each in (low, high)}
    if not found[low][0] <= likeness <= found[high][0]:
        return Point(float("nan"), high)
    while high - low > 1:
        middle = (low + high) // 2
        found[middle] = _mean(encode, pictures, middle)
        low, high = (middle, high) if found[middle][0] < likeness else (low, middle)
    (below, small), (above, large) = found[low], found[high]
    share = (likeness - below) / (above - below)
    return Point(exp(log(small) + share * (log(large) - log(small))), high)


def _mean(encode: Encode, pictures: list[Any], quality: int) -> tuple[float, float]:
    files = [encode(each, quality)[0] for each in pictures]
    alike = [ssim(*each) for each in zip(pictures, files, strict=True)]
    return statistics.mean(alike), statistics.mean(map(len, files))


def _measure_times(
    encoders: dict[str, Encode], points: dict[str, Point], pictures: list[Any]
) -> dict[str, float]:
    """Return the milliseconds of CPU that a picture takes, in the median of rounds in turn."""
    rounds: dict[str, list[float]] = {name: [] for name in encoders}
    for _ in range(_ROUNDS):
        for name, encode in encoders.items():
            took = [encode(each, points[name].quality)[1] for each in pictures]
            rounds[name].append(statistics.mean(took))
    return {name: statistics.median(took) for name, took in rounds.items()}


@dataclass
class Sharp:
    """A process of Node.js that encodes by sharp."""

    process: subprocess.Popen[str]
    folder: Path
    _written: dict[int, Path] = field(default_factory=dict)

    def encoders(self) -> dict[str, Encode]:
        """Return sharp's encoders with its defaults, and JPEG's as mozjpeg has it."""
        return {
            "JPEG, sharp's": self._encoder("jpeg"),
            "JPEG, sharp's with mozjpeg": self._encoder("jpeg", mozjpeg=True),
            "WebP, sharp's": self._encoder("webp"),
        }

    def _encoder(self, kind: str, **options: Any) -> Encode:
        def encode(image: Any, quality: int) -> tuple[bytes, float]:
            target = self.folder / "encoded"
            asked = {
                "format": kind,
                "options": {"quality": quality, **options},
                "pixels": str(self._pixels_of(image)),
                "width": image.width,
                "height": image.height,
                "channels": image.bands,
                "target": str(target),
            }
            took = self.ask(json.dumps(asked))["cpu_ms"]
            return target.read_bytes(), float(took)

        return encode

    def ask(self, line: str) -> dict[str, Any]:
        """Send a line, if it is one, and return the answer; raise RuntimeError for none."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the process has no pipes")
        if line:
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("sharp ended")
        found: dict[str, Any] = json.loads(answer)
        return found

    def _pixels_of(self, image: Any) -> Path:
        path = self._written.setdefault(id(image), self.folder / f"{id(image)}.raw")
        if not path.exists():
            path.write_bytes(image.write_to_memory())
        return path


@contextmanager
def _sharp(folder: Path) -> Iterator[Sharp]:
    install_sharp(folder)
    command: list[str | Path] = [npm.NODE, Path(__file__).with_name("sharp_bytes.mjs"), folder]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        sharp = Sharp(process, folder)
        versions = sharp.ask("")
        names = ("sharp", "vips", "mozjpeg", "webp", "aom")
        note("sharp: " + ", ".join(f"{name} {versions.get(name)}" for name in names))
        yield sharp
        process.communicate()


def ssim(picture: Any, file: bytes) -> float:
    """Return how alike a picture and what an encoder made of it are, from 0 to 1."""
    with Image.open(io.BytesIO(file)) as image:
        return ssim_of(_grey(Image.fromarray(picture.numpy().squeeze())), _grey(image))


def ssim_of(before: np.ndarray, after: np.ndarray) -> float:
    """Return the likeness of two grey pictures of 8 bits."""
    mean_a, mean_b = _means(before), _means(after)
    # Of a sample, not of all there is.
    sample = _WINDOW**2 / (_WINDOW**2 - 1)
    variances = _means(before**2) - mean_a**2 + _means(after**2) - mean_b**2
    covariance = _means(before * after) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + _C1) * (2 * sample * covariance + _C2)
    return float((likeness / ((mean_a**2 + mean_b**2 + _C1) * (sample * variances + _C2))).mean())


def _grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"), float)


def _means(values: np.ndarray) -> np.ndarray:
    """Return the mean of every window."""
    sums = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    n = _WINDOW
    found = sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n]
    return np.asarray(found / n**2)


if __name__ == "__main__":
    sys.exit(main())
