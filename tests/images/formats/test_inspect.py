"""A file is identified by its content, verified to be whole, or refused for a reason."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies._internal.core import DataObject

from images.formats.facts import Facts
from images.formats.limits import Limits, RefusedPicture
from images.formats.registry import FORMATS
from tests.decoding import identify, inspect
from tests.pictures import (
    BLUE,
    GREEN,
    RED,
    animation,
    encode,
    jpeg,
    png,
    png_with_header_size,
    quarters,
    rotated_jpeg,
    webp_with_canvas,
)

GIF_OF_TWO, WEBP_OF_TWO, PNG_OF_TWO = (
    animation(name, [RED, BLUE], [90, 90]) for name in ("GIF", "WEBP", "PNG")
)
SMALL = {name: encode(quarters(24, 16), name) for name in FORMATS}
LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)


@pytest.fixture
def write_source(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_detected_by_its_content(
    write_source: Callable[[bytes], Path], name: str
) -> None:
    facts = inspect(write_source(encode(quarters(64, 48), name)), LIMITS)
    assert (facts.format, facts.width, facts.height, facts.frames) == (name, 64, 48, 1)
    assert facts.content_type == f"image/{name.lower()}"


def test_a_second_picture_in_a_jpeg_is_no_frame(write_source: Callable[[bytes], Path]) -> None:
    two = quarters(64, 48)
    content = encode(two, "MPO", save_all=True, append_images=[quarters(32, 24)])
    facts = inspect(write_source(content), LIMITS)
    assert (facts.format, facts.width, facts.frames) == ("JPEG", 64, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_width_and_height_have_the_orientation_applied(
    write_source: Callable[[bytes], Path], orientation: int
) -> None:
    facts = inspect(write_source(rotated_jpeg(64, 48, orientation)), LIMITS)
    assert (facts.width, facts.height) == ((64, 48) if orientation < 5 else (48, 64))


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG"])
def test_frames_are_counted(write_source: Callable[[bytes], Path], name: str) -> None:
    content = animation(name, [RED, GREEN, BLUE], [100, 200, 300])
    assert inspect(write_source(content), LIMITS).frames == 3


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_every_kind_of_png_is_taken(write_source: Callable[[bytes], Path], mode: str) -> None:
    image = quarters(20, 10, "L").convert("I;16") if mode == "I;16" else quarters(20, 10, mode)
    facts = inspect(write_source(encode(image, "PNG")), LIMITS)
    assert facts.has_alpha is (mode in {"RGBA", "LA"})


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [True, False])
def test_every_kind_of_jpeg_is_taken(
    write_source: Callable[[bytes], Path], mode: str, progressive: bool
) -> None:
    content = encode(quarters(40, 30, mode), "JPEG", progressive=progressive)
    assert inspect(write_source(content), LIMITS).format == "JPEG"


def refusal_of(path: Path, limits: Limits = LIMITS) -> str:
    with pytest.raises(RefusedPicture) as refused:
        inspect(path, limits)
    assert refused.value.message
    return refused.value.code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_an_image"),
        (b"hello", "not_an_image"),
        (b"<html><script>alert(1)</script></html>", "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "format"),
        (b"\n <svg xmlns='http://www.w3.org/2000/svg'/>", "format"),
        (b"BM" + b"\0" * 60, "format"),
        (b"II+\0" + b"\0" * 60, "format"),
        (b"II*\0\x10\0\0\0CR\2\0" + b"\0" * 60, "format"),
        (b"II*\0" + b"\0" * 60, "damaged"),
        (b"\0\0\0\x18ftypheic\0\0\0\0heic", "damaged"),
        (b"%PDF-1.7", "format"),
        (b"\xff\xd8\xff\xe0", "damaged"),
        (b"GIF89a", "damaged"),
        (b"RIFF\0\0\0\0WEBP", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
    ],
)
def test_other_files_are_refused(
    write_source: Callable[[bytes], Path], content: bytes, code: str
) -> None:
    assert refusal_of(write_source(content)) == code


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_picture_is_damaged(
    write_source: Callable[[bytes], Path], name: str, share: float
) -> None:
    content = encode(quarters(200, 150), name)
    assert refusal_of(write_source(content[: int(len(content) * share)])) == "damaged"


@pytest.mark.parametrize(
    ("content", "limits", "code"),
    [
        (png(30, 20), Limits(max_bytes=10, max_pixels=10**6), "too_large"),
        (png(30, 20), Limits(max_bytes=10**6, max_pixels=599), "too_many_pixels"),
        (png(30, 2), Limits(max_bytes=10**6, max_pixels=600, max_side=29), "too_many_pixels"),
        (GIF_OF_TWO, Limits(10**6, 10**6, max_frames=1), "too_many_frames"),
        (WEBP_OF_TWO, Limits(10**6, 10**6, max_frames=1), "too_many_frames"),
        (PNG_OF_TWO, Limits(10**6, 10**6, max_frames=1), "too_many_frames"),
        (GIF_OF_TWO, Limits(10**6, 1600, 3199), "too_many_frames"),
        (jpeg(64, 64, progressive=True), Limits(10**6, 10**6, max_scans=5), "too_many_scans"),
    ],
)  # fmt: skip
def test_more_than_a_limit_is_refused_by_the_header(
    write_source: Callable[[bytes], Path], content: bytes, limits: Limits, code: str
) -> None:
    path = write_source(content)
    with pytest.raises(RefusedPicture) as refused:
        identify(path, limits)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "content", [png_with_header_size(60_000, 60_000), webp_with_canvas(16_384, 16_384)]
)
def test_a_bomb_is_refused_before_anything_is_decoded(
    write_source: Callable[[bytes], Path], content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("images.formats.inspect.verify", None)
    path = write_source(content)
    began = time.process_time()
    assert refusal_of(path) == "too_many_pixels"
    assert time.process_time() - began < 1  # a decode would take many seconds and gigabytes


@pytest.mark.unhurried
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_a_damaged_file_raises_nothing_but_a_refusal(
    write_source: Callable[[bytes], Path], data: DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(FORMATS)))
    content = bytearray(SMALL[name])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        outcome: Facts | RefusedPicture = inspect(write_source(bytes(content)), LIMITS)
    except RefusedPicture as refused:
        outcome = refused
    assert isinstance(outcome, Facts) or outcome.message
