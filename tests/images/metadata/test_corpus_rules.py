"""Rules that hold over every picture of the corpus that is taken, whatever it is.

What is taken can be given clean; the clean copy is the same picture and tells nothing; and stated
sizes are those that are seen. Another reader, exiftool, looks at all that leaves.
"""

import json
import re
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from images.exceptions import StrippingFailed
from images.formats.facts import Facts
from images.formats.inspect import inspect
from images.formats.isobmff import boxes
from images.formats.limits import Limits, RefusedPicture
from images.metadata.strip import strip
from tests import corpus
from tests.metadata_inspector import metadata_texts
from thumbnails.rendering.encoding import Encoded
from thumbnails.rendering.render import render, render_as_jpeg
from thumbnails.renderings import RenderingFailed

pytestmark = [
    pytest.mark.slow,
    # Seven hundred files; each rule has tests of its own.
    pytest.mark.nightly,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING),
    # What Pillow says of broken EXIF.
    pytest.mark.filterwarnings("ignore"),
]
LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)
HEIGHT = 100
# Groups of exiftool that say how a file is made up and shown, and names of others that do.
STRUCTURE = re.compile(
    r"SourceFile|ExifTool:.*|System:.*|File:(?!Comment).*|Composite:.*|JFIF:.*|PNG:.*|PNG-pHYs:.*|"
    r"PNG-cICP:.*|RIFF:.*|GIF:(?!Comment).*|QuickTime:.*|Track\d:.*|Meta:.*|ICC.*|Adobe:.*|"
    r"APP14:.*|Chunk.*|IFD\d:Orientation|MPF0:.*|FlashPix:.*"
)
TELLING = re.compile(
    r".*:(.*(Comment|Artist|Author|Copyright|Title|Description|Keywords|Software|Make|Model|Serial|"
    r"GPS|Location|Creator|Owner|HandlerDescription|CreateDate|ModifyDate|MediaCreateDate|"
    r"TrackCreateDate|UserData).*)"
)
# Of profiles: what a standard gave them, or nothing.
HARMLESS_VALUES = re.compile(
    r"|0000:00:00 00:00:00|ICC profile|CC0|none|sRGB.*|Display P3|Adobe RGB.*|Dot Gain.*|"
    r"Gray Gamma.*|Generic.*|Copyright.*(Apple|Adobe|Hewlett|Google|International Color).*|IEC.*|"
    r"Apple.*|Adobe.*|Microsoft.*|Hewlett.*|Google.*|Linotronic|.*Viewing.*|.*D50.*|"
    r"\(Binary data.*|International Color Consortium.*|No copyright.*|libavif|PictureHandler"
)
RUN = 16
# How tables and scans of any JPEG begin, and the EXIF that states nothing but an orientation.
_USUAL = re.compile(rb"\xff[\xc0\xc4\xda\xdb]|Exif\0\0MM\0\*\0\0\0\x08\0\x01")


@dataclass(frozen=True)
class Taken:
    """A picture that is taken, its clean copy (None where none could be made), its thumbnail."""

    path: Path
    content: bytes
    facts: Facts
    copy: bytes | None
    thumbnail: Encoded


@pytest.fixture(scope="module")
def taken() -> list[Taken]:
    paths = [each.path for each in corpus.samples("accept", "either")]
    paths += [each for each in sorted((corpus.ROOT / "reports").iterdir()) if each.suffix != ".csv"]
    # One after another: what libvips says of a file is kept for the whole process.
    return [each for each in map(_take, paths) if each]


def _take(path: Path) -> Taken | None:
    content = path.read_bytes()
    try:
        facts = inspect(content, LIMITS)
        [thumbnail] = render(content, [HEIGHT], 80)[0]
    except (RefusedPicture, RenderingFailed):
        return None
    try:
        copy: bytes | None = strip(content, facts.format) or content
    except StrippingFailed:
        copy = None
    return Taken(path, content, facts, copy, thumbnail)


def test_what_is_taken_can_be_given_and_is_the_same_picture(taken: list[Taken]) -> None:
    assert len(taken) > 700
    assert [each.path.name for each in taken if each.copy is None] == []
    assert [name for name in map(_difference, taken) if name] == []


def _difference(each: Taken) -> str:
    if each.copy in {None, each.content}:
        return ""
    assert each.copy is not None
    if inspect(each.copy, LIMITS) != each.facts:
        return f"{each.path.name} states something else"
    if strip(each.copy, each.facts.format) is not None:
        return f"{each.path.name} is not clean"
    [thumbnail] = render(each.copy, [HEIGHT], 80)[0]
    before, after = _pixels(each.thumbnail.content), _pixels(thumbnail.content)
    # Of an AVIF with a film behind it libvips reads the copy alone: two decoders, two reductions.
    most = 2.5 if each.facts.format == "AVIF" else 0.01
    is_same = before.shape == after.shape and np.abs(before - after).mean() < most
    return "" if is_same else f"{each.path.name} looks different"


def _pixels(content: bytes) -> np.ndarray:
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image.convert("RGBA"), int)


def test_no_run_of_what_was_dropped_is_in_a_clean_copy(taken: list[Taken]) -> None:
    compared, found = 0, []
    for each in taken:
        if each.copy is None or each.copy == each.content:
            continue
        pieces = list(_dropped(each))
        compared += bool(pieces)
        rest = each.content
        for piece in pieces:
            rest = rest.replace(piece, b"", 1)
        runs = {run for piece in pieces for run in _runs(piece)}
        if any(run in each.copy and run not in rest for run in runs):
            found.append(each.path.name)
    assert compared > 150
    assert found == [], "\n".join(found)


def _runs(piece: bytes) -> Iterator[bytes]:
    step = max(RUN, len(piece) // 400)
    for at in range(0, len(piece) - RUN + 1, step):
        run = piece[at : at + RUN]
        if len(set(run)) >= 8 and not _USUAL.search(run):
            yield run


def _dropped(each: Taken) -> Iterator[bytes]:
    """Yield what is no part of a picture, by a reading of the formats as short as it can be."""
    readers = {"JPEG": _of_jpeg, "PNG": _of_png, "WEBP": _of_webp, "AVIF": _of_boxes,
               "HEIC": _of_boxes}  # fmt: skip
    reader = readers.get(each.facts.format)
    if reader:
        try:
            yield from (piece for piece in reader(each.content) if len(piece) >= RUN)
        except (struct.error, IndexError):  # of what only decoders follow
            return
    else:
        try:
            yield from metadata_texts(each.content)
        except Exception:  # noqa: BLE001 (the other reader cannot open it)
            return


def _of_jpeg(data: bytes) -> Iterator[bytes]:
    at = 2
    while data[at] == 0xFF and data[at + 1] != 0xDA:
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        body = data[at + 4 : end]
        kept = (b"ICC_PROFILE", b"JFIF", b"Adobe")
        if (0xE0 <= data[at + 1] <= 0xEF or data[at + 1] == 0xFE) and not body.startswith(kept):
            yield body
        at = end


def _of_png(data: bytes) -> Iterator[bytes]:
    kept = {b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB",
            b"cICP", b"bKGD", b"hIST", b"pHYs", b"acTL", b"fcTL", b"fdAT", b"mDCV", b"cLLI",
            b"IEND"}  # fmt: skip
    at, kind = 8, b""
    while kind != b"IEND" and at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind not in kept:
            yield data[at + 8 : at + 8 + length]
        at += 12 + length
    yield data[at:]


def _of_webp(data: bytes) -> Iterator[bytes]:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind in {b"EXIF", b"XMP "}:
            yield data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _of_boxes(data: bytes) -> Iterator[bytes]:
    end = 0
    try:
        for box in boxes(data, 0, len(data)):
            end = box.end
            if box.kind not in {b"ftyp", b"meta", b"mdat", b"moov"}:
                yield data[box.body : box.end]
    except Exception:  # noqa: BLE001 (what follows is no box)
        yield data[end:]
    yield from metadata_texts(data)


def test_another_reader_finds_nothing_but_structure(
    taken: list[Taken], tmp_path: Path, exiftool_program: str
) -> None:
    for number, each in enumerate(taken):
        name = f"{number:04}-{each.path.name}"
        if each.copy is not None:
            (tmp_path / f"copy-{name}").write_bytes(each.copy)
        for extension, content in _files_of(each.thumbnail).items():
            (tmp_path / f"thumbnail-{name}.{extension}").write_bytes(content)
        if number % 10 == 0:
            (tmp_path / f"rendition-{name}.jpg").write_bytes(
                render_as_jpeg(each.content, 320, 80)[0]
            )
    command = [exiftool_program, "-json", "-G1", "-a", "-u", "-q", "-q", "-fast0", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=False)
    files = json.loads(done.stdout)
    assert len(files) > 1400
    names = [file["SourceFile"] for file in files if "thumbnail-" in file["SourceFile"]]
    assert {"webp", "avif"} <= {each.rpartition(".")[2] for each in names}
    found = {
        f"{Path(file['SourceFile']).name} {name}": value
        for file in files
        for name, value in file.items()
        if not _is_structure(name, str(value), is_tiff=".tif" in file["SourceFile"])
    }
    assert found == {}, "\n".join(f"{name}: {value}" for name, value in found.items())


def _files_of(thumbnail: Encoded) -> dict[str, bytes]:
    """Return the thumbnail in each format that there is of it, by their extensions."""
    files = {
        thumbnail.format.extension: thumbnail.content,
        "webp": thumbnail.webp,
        "avif": thumbnail.avif,
    }
    return {extension: content for extension, content in files.items() if content}


def _is_structure(name: str, value: str, *, is_tiff: bool) -> bool:
    if is_tiff and name.startswith("IFD") and not TELLING.fullmatch(name):
        return True
    if not STRUCTURE.fullmatch(name):
        return False
    is_of_file = name.startswith(("System:", "ExifTool:", "File:", "SourceFile", "Composite:"))
    return is_of_file or not TELLING.fullmatch(name) or bool(HARMLESS_VALUES.fullmatch(value))


def test_stated_sizes_are_those_that_are_seen_and_thumbnails_keep_theirs(
    taken: list[Taken],
) -> None:
    wrong = []
    for each in taken:
        made, facts = each.thumbnail, each.facts
        scale = made.height_px / facts.height
        if made.height_px > facts.height or abs(made.width_px - facts.width * scale) > 1:
            wrong.append(f"{each.path.name}: {facts.width}x{facts.height} shown as {made.width_px}")
    assert wrong == []
    for each in taken[::7]:
        size = (each.thumbnail.width_px, each.thumbnail.height_px)
        for content in _files_of(each.thumbnail).values():
            [again] = render(content, [HEIGHT], 80)[0]
            assert (again.width_px, again.height_px) == size, each.path.name
            facts = inspect(content, LIMITS)
            assert (facts.width, facts.height) == size, each.path.name
