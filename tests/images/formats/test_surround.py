"""Shape and surround are those that browsers show: of GIF, APNG and fax."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from images.formats.gif_surround import with_clear_surround
from images.formats.inspect import inspect
from images.formats.limits import Limits
from images.formats.resizing import resize
from tests.pictures import BLUE, GREEN, RED, animation, encode, quarters
from thumbnails.rendering.render import render

LIMITS = Limits(max_bytes=10**7, max_pixels=10**7)


def small_first_frame(content: bytes, screen: tuple[int, int]) -> bytes:
    """Enlarge the screen of a GIF, and move its first frame."""
    changed = bytearray(content)
    struct.pack_into("<HH", changed, 6, *screen)
    at = changed.index(b"\x2c", 13 + 3 * 2 ** ((changed[10] & 7) + 1))
    struct.pack_into("<HH", changed, at + 1, 10, 20)
    return bytes(changed)


@pytest.mark.parametrize("colours", [2, 200, 256])
@pytest.mark.parametrize("frames", [1, 3])
def test_around_a_small_first_frame_of_a_gif_is_nothing(colours: int, frames: int) -> None:
    noise = np.random.default_rng(1).integers(0, min(colours, 255), (40, 40), dtype=np.uint8)
    pictures = [Image.fromarray(np.roll(noise, n)).convert("P") for n in range(frames)]
    result = BytesIO()
    pictures[0].save(result, "GIF", save_all=frames > 1, append_images=pictures[1:], optimize=False)
    content = small_first_frame(result.getvalue(), (80, 100))
    assert inspect(content, LIMITS).width == 80
    shown = resize(content, height=100).numpy()
    assert shown.shape[2] == 4
    assert (shown[:20, :, 3] == 0).all()
    assert (shown[20:60, 10:50, 3] == 255).all()
    [made], _ = render(content, [50], 80)
    with Image.open(BytesIO(made.content)) as thumbnail:
        assert thumbnail.convert("RGBA").getpixel((70 // 2, 90 // 2))[3] == 0  # type: ignore[index]  # of four bands
        assert getattr(thumbnail, "n_frames", 1) == frames


def test_a_gif_that_covers_its_screen_stays_opaque() -> None:
    for content in (encode(quarters(40, 30), "GIF"), animation("GIF", [RED, BLUE], [50, 60])):
        assert with_clear_surround(content) is content
    assert resize(encode(quarters(40, 30), "GIF"), height=20).bands == 3


def paletted(colours: int, **options: int) -> bytes:
    """Return a GIF of so many colours whose frame states its delay, on a larger screen."""
    numbers = (np.arange(1600, dtype=np.uint16) % colours).astype(np.uint8).reshape(40, 40)
    image = Image.fromarray(numbers, "P")
    image.putpalette([value for number in range(256) for value in (number, 0, 255 - number)])
    return small_first_frame(
        encode(image, "GIF", duration=50, optimize=False, **options), (80, 100)
    )


def test_what_a_frame_states_already_is_kept_beside_the_colour_that_is_made_transparent() -> None:
    content = paletted(255)
    at = content.index(b"\x21\xf9\x04")
    assert content[at + 3] & 1 == 0
    changed = with_clear_surround(content)
    assert changed[at + 3] == content[at + 3] | 1
    assert changed[at + 4 : at + 6] == content[at + 4 : at + 6] == struct.pack("<H", 5)
    assert changed[at + 6] == 255
    assert (changed[:at], changed[at + 7 :]) == (content[:at], content[at + 7 :])
    padded = content[:at] + b"\0" + content[at:]
    assert with_clear_surround(padded) == changed[:at] + b"\0" + changed[at:]


def test_a_frame_that_is_transparent_already_or_uses_every_colour_stays_as_it_is() -> None:
    for content in (paletted(200, transparency=7), paletted(256)):
        assert with_clear_surround(content) is content


def test_a_gif_that_ends_before_its_first_frame_stays_as_it_is() -> None:
    content = paletted(200)
    for length in (0, 10, 13, 300, content.index(b"\x21\xf9\x04") + 2):
        cut = content[:length]
        assert with_clear_surround(cut) is cut
    unknown = content[:781] + b"\x7f" + content[781:]
    assert with_clear_surround(unknown) is unknown


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def rows(colour: tuple[int, int, int], width: int, height: int) -> bytes:
    return zlib.compress((b"\0" + bytes(colour) * width) * height)


def hidden_default(*frames: tuple[tuple[int, int, int], int, int, int, int]) -> bytes:
    """Write an APNG of 40×30 whose default picture, in red, is no frame of the animation."""
    parts, number = [chunk(b"acTL", struct.pack(">II", len(frames), 0))], 0
    parts += [chunk(b"IDAT", rows(RED, 40, 30))]
    for colour, width, height, left, top in frames:
        control = struct.pack(">IIIIIHHBB", number, width, height, left, top, 1, 10, 0, 0)
        pixels = struct.pack(">I", number + 1) + rows(colour, width, height)
        parts += [chunk(b"fcTL", control), chunk(b"fdAT", pixels)]
        number += 2
    header = struct.pack(">IIBBBBB", 40, 30, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + b"".join(parts) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_an_apng_with_a_hidden_picture_shows_its_first_frame() -> None:
    content = hidden_default((BLUE, 40, 30, 0, 0), (GREEN, 40, 30, 0, 0))
    assert inspect(content, LIMITS).width == 40
    shown = resize(content, height=30).numpy()
    assert (shown[..., :3] == BLUE).all()


def test_a_first_frame_that_is_smaller_has_a_clear_surround() -> None:
    content = hidden_default((BLUE, 10, 8, 5, 6))
    assert (inspect(content, LIMITS).width, inspect(content, LIMITS).height) == (40, 30)
    shown = resize(content, height=30).numpy()
    assert shown.shape == (30, 40, 4)
    assert tuple(shown[10, 10]) == (*BLUE, 255)
    assert shown[..., 3].sum() == 10 * 8 * 255


def test_an_apng_whose_default_picture_is_its_first_frame_shows_it() -> None:
    content = animation("PNG", [GREEN, BLUE], [50, 60])
    assert (resize(content, height=10).numpy()[..., :3] == GREEN).all()


@pytest.mark.parametrize(
    ("compression", "resolution", "size"),
    [
        ("group4", (204, 98), (200, 312)),
        ("group3", (204, 196), (200, 156)),
        ("group4", (98, 204), (416, 150)),
        ("group4", (200, 199), (200, 150)),
        ("group4", (0, 98), (200, 150)),
        ("group4", (2000, 98), (200, 150)),
        ("tiff_lzw", (204, 98), (200, 150)),
    ],
)
def test_a_fax_is_shown_with_square_pixels(
    compression: str, resolution: tuple[int, int], size: tuple[int, int]
) -> None:
    page = quarters(200, 150).convert("1")
    numbers = {282: float(resolution[0]), 283: float(resolution[1])}
    content = encode(page, "TIFF", compression=compression, tiffinfo=numbers)
    facts = inspect(content, LIMITS)
    assert (facts.width, facts.height) == size
    shown = resize(content, height=10_000)
    assert (shown.width, shown.height) == size
    small = resize(content, height=50)
    assert small.width == pytest.approx(50 * size[0] / size[1], abs=1)
