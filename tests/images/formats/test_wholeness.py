"""Taken is what everybody else takes; refused is what is not whole, though decoders show it."""

import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from images.formats.facts import Facts
from images.formats.inspect import inspect
from images.formats.limits import Limits, RefusedPicture
from images.formats.resizing import resize
from images.metadata.strip import strip
from tests.pictures import BLUE, RED, animation, encode, quarters, waves

LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)
WHITE = Image.new("RGB", (480, 320), "white")


def check(content: bytes) -> Facts:
    return inspect(content, LIMITS)


def is_damaged(content: bytes) -> bool:
    with pytest.raises(RefusedPicture) as refused:
        check(content)
    return refused.value.code == "damaged"


@pytest.mark.parametrize("picture", [waves(480, 320), WHITE], ids=["waves", "white"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("HEIC", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("AVIF", {}),
        ("PNG", {}),
        ("GIF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_data_that_ends_or_turns_to_zeros_is_damage(
    picture: Image.Image, name: str, options: dict[str, Any]
) -> None:
    whole = encode(picture, name, **options)
    assert check(whole).format == name
    for share in (0.5, 0.75) if len(whole) < 2000 else (0.3, 0.5, 0.7, 0.9):
        cut = whole[: int(len(whole) * share)]
        assert is_damaged(cut)
        if len(whole) - len(cut) > 200:
            assert is_damaged(cut + bytes(len(whole) - len(cut)))


@pytest.mark.parametrize("name", ["WEBP", "GIF", "PNG"])
def test_an_animation_that_turns_to_zeros_is_damaged(name: str) -> None:
    whole = animation(name, [RED, BLUE, RED, BLUE], [90] * 4, size=300)
    for share in (0.5, 0.8):
        kept = int(len(whole) * share)
        assert is_damaged(whole[:kept] + bytes(len(whole) - kept))


def test_zeros_behind_a_picture_are_no_damage() -> None:
    for name in ("WEBP", "HEIC", "AVIF", "PNG", "GIF"):
        assert check(encode(waves(120, 80), name) + bytes(1000)).format == name


@pytest.mark.parametrize("middle", [b"", b"\0", b"\0\0\0"])
@pytest.mark.parametrize("trailer", [b"", b";"])
def test_a_gif_may_lack_its_last_byte_and_have_zeros_before_it(
    middle: bytes, trailer: bytes
) -> None:
    whole = animation("GIF", [RED, BLUE, RED], [90] * 3)
    assert whole.endswith(b"\0;")
    changed = whole[:-1] + middle + trailer
    assert check(changed) == check(whole)
    assert strip(changed, "GIF") in {whole, None}
    assert np.array_equal(resize(changed, height=9).numpy(), resize(whole, height=9).numpy())
    assert is_damaged(whole[:-40])


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunks(chunks: bytes, *, is_at_end: bool) -> bytes:
    content = encode(quarters(40, 30), "PNG")
    at = content.index(b"IEND") - 4 if is_at_end else content.index(b"IDAT") - 4
    return content[:at] + chunks + content[at:]


@cache
def texts(megabytes: int) -> list[bytes]:
    """Return chunks of every kind that may hold so much, compressed."""
    packed = zlib.compress(b"a" * (megabytes << 20), 9)
    return [
        chunk(b"zTXt", b"key\0\0" + packed),
        chunk(b"iTXt", b"key\0\1\0en\0\0" + packed),
        chunk(b"iCCP", b"key\0\0" + packed),
    ]


@pytest.mark.parametrize("is_at_end", [False, True])
def test_a_png_may_have_long_texts_and_profiles(is_at_end: bool) -> None:
    for each in [*texts(3), chunk(b"tEXt", b"key\0" + b"a" * (2 << 20))]:
        content = with_chunks(each, is_at_end=is_at_end)
        assert check(content).width == 40
        assert resize(content, height=15).height == 15


@pytest.mark.unhurried
@pytest.mark.parametrize("is_at_end", [False, True])
def test_texts_that_inflate_to_too_much_are_refused(is_at_end: bool) -> None:
    for each in texts(65):
        assert is_damaged(with_chunks(each, is_at_end=is_at_end))
    assert is_damaged(with_chunks(texts(17)[0] * 4, is_at_end=is_at_end))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("bits", [10, 12])
def test_a_heic_of_more_bits_is_taken_and_looks_alike(
    mode: str, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", bits == 12)
    seen = np.asarray(waves(240, 160).convert(mode))
    deep = (seen.astype(np.uint16) << 8) + seen
    names = {"L": "I;16", "RGB": "RGB;16"}
    file = pillow_heif.from_bytes(names[mode], (240, 160), deep.tobytes())
    path_content = _saved(file)
    assert check(path_content).format == "HEIC"
    shown = resize(path_content, height=160).numpy()
    assert shown.dtype == np.uint8
    assert np.abs(shown.reshape(seen.shape).astype(int) - seen).mean() < 3


def _saved(file: Any) -> bytes:
    from io import BytesIO

    result = BytesIO()
    file.save(result, quality=95, matrix_coefficients=1)
    return result.getvalue()


def without_lengths(content: bytes) -> bytes:
    """Leave out StripByteCounts of a little-endian TIFF."""
    at = struct.unpack_from("<I", content, 4)[0]
    count = struct.unpack_from("<H", content, at)[0]
    entries = [content[at + 2 + 12 * n : at + 14 + 12 * n] for n in range(count)]
    kept = [each for each in entries if each[:2] != struct.pack("<H", 279)]
    assert len(kept) == count - 1
    directory = struct.pack("<H", len(kept)) + b"".join(kept) + bytes(4)
    return content[:at] + directory + content[at + len(directory) :]


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw", "strip_size": 1 << 20}])
def test_a_tiff_need_not_say_how_long_its_strip_is(options: dict[str, Any]) -> None:
    whole = encode(waves(120, 80), "TIFF", **options)
    changed = without_lengths(whole)
    assert check(changed) == check(whole)
    assert np.array_equal(resize(changed, height=40).numpy(), resize(whole, height=40).numpy())
