"""Decoders are loaded in their own program alone, and what they answer is checked."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from images.exceptions import PictureTooCostly, StrippingFailed
from images.formats.limits import Limits, RefusedPicture
from images.formats.metadata_groups import MAX_ITEMS, MetadataGroup
from images.formats.registry import FORMATS
from images.pixels import Shape
from images.sandbox import pool as pools
from images.sandbox.pool import Pool
from images.sandbox.work import inspect_and_shrink, inspect_picture, list_dropped, strip_metadata
from tests import decoding
from tests.images.sandbox.pools import hostile_pool
from tests.metadata_fixtures import picture_with_metadata
from tests.pictures import BLUE, RED, animation, encode, jpeg, quarters
from thumbnails.renderings import RenderingFailed
from thumbnails.sandbox_work import render_jpeg, render_thumbnails

DECODERS = ("PIL", "pyvips", "pillow_heif")
LIMITS = Limits(max_bytes=10**7, max_pixels=10**7)
FACTS = {
    "format": "JPEG",
    "width": 30,
    "height": 20,
    "frames": 1,
    "has_alpha": False,
    "is_cleanable": True,
}
# What each process of a deployment imports before its first request, task or command.
ENTRANCES = {
    "web": "import config.wsgi",
    "sockets": "import config.asgi",
    "worker": (
        "from config.celery import app; app.loader.import_default_modules()\n"
        "from celery.signals import worker_init; worker_init.send(None)"
    ),
    "commands": (
        "import django; django.setup()\n"
        "from django.core.management import get_commands, load_command_class\n"
        "[load_command_class(app, name) for name, app in get_commands().items()]"
    ),
}
# Those that decode have a process ready for the first picture.
DECODING = {"web", "worker"}
_READY = (
    "from images.sandbox import pool\n"
    "print('ready' if [p for p in pool._Pools.by_pid.values() if p._current._ready] else 'cold')"
)
_DECODE = f"""
from pathlib import Path
from images.formats.limits import Limits
from images.sandbox.work import inspect_picture
from images.sandbox.work_dir import temporary_dir
from thumbnails.sandbox_work import render_thumbnails
with temporary_dir() as name:
    source = Path(name) / "source"
    source.write_bytes({jpeg(60, 40)!r})
    inspect_picture(source, Limits(10**6, 10**6))
    render_thumbnails(source, [20], Path(name))
"""
# Every entrance begins by setting Django up, and ends with all routes, which takes longest: each
# goes on in a fork from there.
_ENTER_EACH = """
import gc, json, os, sys
gc.disable()
import django
from django.urls import get_resolver
django.setup()
get_resolver().url_patterns
for entrance, code in json.load(sys.stdin).items():
    if os.fork() == 0:
        exec(code)
        print(entrance, *sys.modules, flush=True)
        os._exit(0)
    _, status = os.wait()
    assert status == 0, entrance
"""


@pytest.fixture(scope="module")
def entered() -> dict[str, tuple[str, set[str]]]:
    """By entrance, and for "work" that has pictures decoded: what is ready, and what is loaded."""
    codes = {name: f"{code}\n{_READY}" for name, code in (ENTRANCES | {"work": _DECODE}).items()}
    ran = subprocess.run(
        [sys.executable, "-c", _ENTER_EACH],
        check=True,
        cwd=Path(__file__).parents[3],
        input=json.dumps(codes),
        stdout=subprocess.PIPE,
        text=True,
    )
    states, lines = ran.stdout.splitlines()[::2], ran.stdout.splitlines()[1::2]
    assert [line.split()[0] for line in lines] == list(codes)
    return {
        name: (state, set(line.split()[1:]))
        for name, state, line in zip(codes, states, lines, strict=True)
    }


@pytest.mark.slow
@pytest.mark.parametrize("entrance", ENTRANCES)
def test_no_process_loads_a_decoder_and_those_that_decode_have_one_ready(
    entered: dict[str, tuple[str, set[str]]], entrance: str
) -> None:
    state, loaded = entered[entrance]
    assert state == ("ready" if entrance in DECODING else "cold")
    assert {"images.sandbox.work", "thumbnails.sandbox_work", "api.urls"} <= loaded
    forbidden = {*DECODERS, "images.formats.inspect", "thumbnails.rendering.render"}
    assert loaded & forbidden == set()


PICTURES = {
    **{name: encode(quarters(200, 150), name) for name in FORMATS},
    **{
        f"animated {name}": animation(name, [RED, BLUE], [50, 60])
        for name in ("GIF", "WEBP", "PNG")
    },
    "grey": encode(quarters(200, 150).convert("L"), "JPEG"),
    "translucent": encode(quarters(200, 150).convert("LA"), "PNG"),
    "CMYK": encode(quarters(200, 150).convert("CMYK"), "TIFF", compression="jpeg"),
}


@pytest.mark.unhurried
@pytest.mark.parametrize("name", PICTURES)
def test_the_sandbox_makes_of_a_picture_what_its_decoders_make_of_it(
    tmp_path: Path, name: str
) -> None:
    """Within the walls and without, byte for byte."""
    source, inside, outside = tmp_path / "source", tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    source.write_bytes(PICTURES[name])
    facts = inspect_picture(source, LIMITS)
    assert facts == decoding.inspect(source, LIMITS)
    for folder, way in ((inside, (strip_metadata, render_thumbnails, render_jpeg)),
                        (outside, (decoding.strip, decoding.render_thumbnails,
                                   decoding.render_jpeg))):  # fmt: skip
        strip, thumbnails, whole = way
        strip(source, folder / "stripped", facts.format)
        made = thumbnails(source, [50, 100], folder)
        assert [each.height for each in made.thumbnails] == [100, 50]
        assert made.placeholder
        (folder / "placeholder").write_text(str(made.placeholder))
        assert whole(source, folder / "whole.jpg", width=60)[0] in {60, facts.width}
    files = [sorted(each.iterdir()) for each in (inside, outside)]
    assert [each.name for each in files[0]] == [each.name for each in files[1]]
    for one, other in zip(*files, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_every_refusal_reaches_the_service(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"no picture")
    with pytest.raises(RefusedPicture) as refused:
        inspect_picture(source, LIMITS)
    assert (refused.value.code, str(refused.value)) == ("not_an_image", "This is not a picture.")
    with pytest.raises(StrippingFailed):
        strip_metadata(source, tmp_path / "stripped", "JPEG")
    with pytest.raises(RenderingFailed):
        render_thumbnails(source, [20], tmp_path)
    with pytest.raises(RenderingFailed):
        render_jpeg(source, tmp_path / "whole.jpg")
    source.write_bytes(b"")
    with pytest.raises(RefusedPicture, match="empty"):
        inspect_picture(source, LIMITS)
    source.write_bytes(picture_with_metadata("JPEG"))
    assert strip_metadata(source, tmp_path / "stripped", "JPEG") is True
    assert strip_metadata(tmp_path / "stripped", tmp_path / "again", "JPEG") is False
    assert not (tmp_path / "again").exists()


def test_a_link_is_not_followed_to_a_picture(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(jpeg(30, 20))
    (tmp_path / "link").symlink_to(tmp_path / "source")
    with pytest.raises(OSError, match="symbolic links"):
        inspect_picture(tmp_path / "link", LIMITS)


@pytest.mark.slow
def test_work_leaves_the_parent_without_a_decoder(
    entered: dict[str, tuple[str, set[str]]],
) -> None:
    state, loaded = entered["work"]
    assert state == "ready"
    assert "thumbnails.renderings" in loaded
    assert loaded & set(DECODERS) == set()


# --- A decoder that lies --------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(jpeg(30, 20))
    return path


@pytest.fixture(scope="module")
def hostile() -> Iterator[Pool]:
    with hostile_pool() as pool:
        yield pool


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, hostile: Pool) -> Callable[..., None]:
    """Return a function that lets every decoder answer as the test says."""

    def set_answer(operation: str, **arguments: Any) -> None:
        class Lying:
            def run(
                self, job: dict[str, Any], descriptors: list[int], *, is_behind: bool
            ) -> dict[str, Any]:
                lying = {"operation": operation, "arguments": arguments}
                return hostile.run(lying, descriptors, is_behind=is_behind)

        monkeypatch.setattr(pools, "_pool", Lying)

    return set_answer


def framed(body: bytes) -> str:
    return (len(body).to_bytes(4, "big") + body).hex()


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "ff",
        framed(b"{"),
        framed(b"[]"),
        framed(b"1"),
        framed(b'{"result": NaN}'),
        framed(b'{"result": ' + b"[" * 9_000),
        framed(b'{"result": ' + b"[" * 4_000 + b"]" * 4_000 + b"}"),
        framed(b'{"result": ' + b"9" * 9_000 + b"}"),
        framed(b'{"result": {}, "cpu": 1e999}'),
        framed(b'{"result": {}, "cpu": -1}'),
        framed(b'{"result": {}, "cpu": "1"}'),
        framed(b'{"error": ["refused"], "cpu": 0}'),
        framed(b'{"error": "memory", "cpu": 0}'),
        framed(b'{"cpu": 0}'),
        framed(b'{"result": {}, "more": 1, "cpu": 0}'),
        framed(b"cposix\nsystem\n(S'touch /tmp/pickled'\ntR."),
        framed(b'{"result": {}, "cpu": 0}') * 50,
    ],
)
def test_an_answer_of_another_shape_is_the_pictures_fault(
    answering: Callable[..., None], source: Path, reply: str
) -> None:
    answering("answer_raw", bytes=reply, more=0)
    with pytest.raises(PictureTooCostly):
        inspect_picture(source, LIMITS)


@pytest.mark.parametrize("begin", ["ffffffff20", "0001000120", "0000ffff20"])
def test_an_answer_that_is_too_long_is_not_read(
    answering: Callable[..., None], source: Path, begin: str
) -> None:
    answering("answer_raw", bytes=begin, more=10_000_000)
    with pytest.raises(PictureTooCostly):
        inspect_picture(source, LIMITS)


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0}, {"width": 20_001}, {"width": True}, {"width": 30.0}, {"width": "30"},
        {"height": -1}, {"width": 5000, "height": 5000}, {"frames": 0}, {"frames": 501},
        {"format": "SVG"}, {"format": ["JPEG"]}, {"format": None}, {"has_alpha": 1},
        {"is_cleanable": 1},
        {"extension": "html"}, {"content_type": "text/html"},
    ],
)  # fmt: skip
def test_facts_that_cannot_be_true_are_not_believed(
    answering: Callable[..., None], source: Path, change: dict[str, object]
) -> None:
    answering("answer", result={"facts": FACTS, "shape": None})
    assert inspect_picture(source, LIMITS).content_type == "image/jpeg"
    answering("answer", result={"facts": FACTS | change, "shape": None})
    with pytest.raises(PictureTooCostly):
        inspect_picture(source, LIMITS)


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0}, {"width": 31}, {"height": 21}, {"height": True}, {"bands": 5}, {"bands": 0},
        {"width": 1 << 60}, {"width": 10**6, "bands": 4}, {"made_for": 20}, {"width": None},
    ],
)  # fmt: skip
def test_pixels_that_are_not_there_as_they_are_said_to_be_are_not_believed(
    answering: Callable[..., None], source: Path, change: dict[str, object]
) -> None:
    shape: dict[str, object] = {"width": 30, "height": 20, "bands": 1}

    def inspect(shape: dict[str, object]) -> tuple[Shape, bytes] | None:
        result = {"facts": FACTS, "shape": shape}
        answering("answer", result=result, output=bytes(600).hex())
        _, found = inspect_and_shrink(source, LIMITS, 20)
        if found is None:
            return None
        with found.file as file:
            return found.shape, os.pread(file.fileno(), 1000, 0)

    assert inspect(shape) == (Shape(30, 20, 1, made_for=20), bytes(600))
    with pytest.raises(PictureTooCostly):
        inspect(shape | change)


def test_what_a_refusal_says_holds_no_markup(answering: Callable[..., None], source: Path) -> None:
    for details in (
        {"code": "damaged", "message": "<script>alert(1)</script>"},
        {"code": "damaged", "message": "x" * 300},
        {"code": "other", "message": "x"},
        {"code": "damaged"},
        {"code": ["damaged"], "message": "x"},
    ):
        reply = json.dumps({"error": "refused", **details}).encode()
        answering("answer_raw", bytes=framed(reply), more=0)
        with pytest.raises(RefusedPicture) as refused:
            inspect_picture(source, LIMITS)
        assert (refused.value.code, str(refused.value)) == (
            "too_costly", "The picture is too costly to decode."
        )  # fmt: skip


JPEG_BYTES = b"\xff\xd8\xff" + b"x" * 97
PNG_BYTES = b"\x89PNG\r\n\x1a\n".ljust(100)
WEBP, AVIF = b"RIFF....WEBP".ljust(30), b"\0\0\0\x1cftypavif".ljust(20)
THUMBNAIL = {"height": 20, "width_px": 30, "height_px": 20, "format": "JPEG", "bytes": 100,
             "webp_bytes": 0, "avif_bytes": 0}  # fmt: skip
PLACEHOLDER = {"thumbhash": "1QcSHQRnh493V4dIh4eXh1h4kJUI", "dominant_color": "#102030"}


@pytest.mark.parametrize(
    ("change", "output"),
    [
        ({"height": 21}, JPEG_BYTES),
        ({"bytes": 101}, JPEG_BYTES),
        ({"bytes": 0}, JPEG_BYTES),
        ({"bytes": -1}, JPEG_BYTES),
        ({"bytes": 1 << 60}, JPEG_BYTES),
        ({"bytes": 50}, b"<html>" + JPEG_BYTES),
        ({"format": "PNG"}, JPEG_BYTES),
        ({"format": "TIFF"}, JPEG_BYTES),
        ({"format": "../../x"}, JPEG_BYTES),
        ({"webp_bytes": 13}, JPEG_BYTES + b"<html></html>"),
        ({"webp_bytes": len(WEBP), "avif_bytes": 13}, JPEG_BYTES + WEBP + b"<html></html>"),
        ({"webp_bytes": len(WEBP), "avif_bytes": 20}, JPEG_BYTES + WEBP + WEBP),
        # An AVIF alone, what is no smaller, and what would lie in the place of another file.
        ({"avif_bytes": len(AVIF)}, JPEG_BYTES + AVIF),
        ({"webp_bytes": 100}, JPEG_BYTES + WEBP.ljust(100)),
        ({"webp_bytes": 20, "avif_bytes": 20}, JPEG_BYTES + WEBP[:20] + AVIF.ljust(20)),
        ({"format": "AVIF", "bytes": len(AVIF)}, AVIF),
        ({"format": "WEBP", "webp_bytes": 20}, WEBP.ljust(100) + WEBP[:20]),
        ({"format": "PNG", "webp_bytes": len(WEBP), "avif_bytes": 20}, PNG_BYTES + WEBP + AVIF),
        ({"width_px": 0}, JPEG_BYTES),
        ({"path": "/etc/passwd"}, JPEG_BYTES),
    ],
)
def test_thumbnails_that_are_not_what_they_are_said_to_be_are_not_believed(
    answering: Callable[..., None],
    source: Path,
    tmp_path: Path,
    change: dict[str, object],
    output: bytes,
) -> None:
    def answer(thumbnail: dict[str, object], content: bytes) -> None:
        result = {"thumbnails": [thumbnail], "placeholder": PLACEHOLDER}
        answering("answer", result=result, output=content.hex())

    answer(THUMBNAIL, JPEG_BYTES)
    (tmp_path / "good").mkdir()
    [made] = render_thumbnails(source, [20], tmp_path / "good").thumbnails
    assert made.path.read_bytes() == JPEG_BYTES
    smaller = {"webp_bytes": len(WEBP), "avif_bytes": len(AVIF)}
    answer(THUMBNAIL | smaller, JPEG_BYTES + WEBP + AVIF)
    (tmp_path / "smaller").mkdir()
    [made] = render_thumbnails(source, [20], tmp_path / "smaller").thumbnails
    found = {extension: path.read_bytes() for extension, path in made.beside.items()}
    assert found == {"webp": WEBP, "avif": AVIF}
    answer(THUMBNAIL | change, output)
    with pytest.raises(PictureTooCostly):
        render_thumbnails(source, [20], tmp_path)


def test_more_thumbnails_or_another_placeholder_are_not_believed(
    answering: Callable[..., None], source: Path, tmp_path: Path
) -> None:
    for result in (
        {"thumbnails": [THUMBNAIL, THUMBNAIL], "placeholder": PLACEHOLDER},
        {"thumbnails": [], "placeholder": PLACEHOLDER},
        {"thumbnails": {"0": THUMBNAIL}, "placeholder": PLACEHOLDER},
        {"thumbnails": [THUMBNAIL], "placeholder": None},
        {"thumbnails": [THUMBNAIL], "placeholder": PLACEHOLDER | {"dominant_color": "red;x:url()"}},
        {"thumbnails": [THUMBNAIL], "placeholder": PLACEHOLDER | {"thumbhash": "<script>"}},
    ):
        answering("answer", result=result, output=(2 * JPEG_BYTES).hex())
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        with pytest.raises(PictureTooCostly):
            render_thumbnails(source, [20], folder)


def test_a_stripped_copy_is_no_longer_than_was_said_and_no_file_is_replaced(
    answering: Callable[..., None], source: Path, tmp_path: Path
) -> None:
    for said in (0, -1, 10**9, "1", 6, [5]):
        answering("answer", result={"bytes": said}, output=b"12345".hex())
        with pytest.raises(PictureTooCostly):
            strip_metadata(source, tmp_path / f"stripped {said}", "JPEG")
    (tmp_path / "secret").write_text("hush")
    (tmp_path / "target").symlink_to(tmp_path / "secret")
    answering("answer", result={"bytes": 5}, output=b"12345".hex())
    with pytest.raises(FileExistsError):
        strip_metadata(source, tmp_path / "target", "JPEG")
    assert (tmp_path / "secret").read_text() == "hush"


def test_names_of_metadata_are_believed_in_plain_letters_and_known_groups_alone(
    answering: Callable[..., None], source: Path
) -> None:
    good = ["GPS", "GPSLatitude"]
    answering("answer", result={"items": [good]})
    [item] = list_dropped(source, "JPEG", is_rendition=False)
    assert (item.group, item.name) == (MetadataGroup.GPS, "GPSLatitude")
    for items in (
        [["GPS", "<script>"]], [["GPS", ""]], [["GPS", "x" * 61]], [["GPS", 7]], [["Secret", "x"]],
        [[["GPS"], "x"]], [["GPS"]], ["GPS"], {"GPS": "x"}, [good] * (MAX_ITEMS + 1), None,
    ):  # fmt: skip
        answering("answer", result={"items": items})
        with pytest.raises(PictureTooCostly):
            list_dropped(source, "JPEG", is_rendition=False)


def test_what_is_written_after_the_answer_changes_nothing(
    answering: Callable[..., None], source: Path, tmp_path: Path
) -> None:
    source.write_bytes(b"\0" * 2000)
    answering("write_after_the_answer")
    assert strip_metadata(source, tmp_path / "target", "JPEG") is True
    stored = (tmp_path / "target").read_bytes()
    assert len(stored) == 1003
    answering("answer", result={"facts": FACTS, "shape": None})
    assert inspect_picture(source, LIMITS).width == 30
    assert (tmp_path / "target").read_bytes() == stored


def test_a_decoder_that_only_says_that_the_disk_is_full_is_not_believed(
    answering: Callable[..., None], source: Path, tmp_path: Path
) -> None:
    """An outage is tried again for ever; a picture's fault is not."""
    answering("answer_raw", bytes=framed(b'{"error": "output", "cpu": 0}'), more=0)
    with pytest.raises(PictureTooCostly):
        render_thumbnails(source, [20], tmp_path)
