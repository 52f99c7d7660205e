"""Pictures drawn for tests, as bytes of a file; none comes from a camera."""

import struct
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

# Encodes HEIC, which the service cannot, and reads it by another binding than the service's.
pillow_heif.register_heif_opener()
Colour = tuple[int, ...]
RED, GREEN, BLUE, WHITE = (230, 30, 30), (30, 160, 60), (30, 60, 220), (255, 255, 255)


def quarters(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Draw four quarters, each of another colour: any rotation or mirroring shows."""
    image = Image.new("RGB", (width, height), WHITE)
    half_width, half_height = max(1, width // 2), max(1, height // 2)
    image.paste(RED, (0, 0, half_width, half_height))
    image.paste(GREEN, (half_width, 0, width, half_height))
    image.paste(BLUE, (0, half_height, half_width, height))
    return image.convert(mode)


def waves(width: int, height: int) -> Image.Image:
    """Draw soft waves in every colour, as a photograph has them."""
    # A row and a column each: of all the pixels it would be fifty times as long.
    x, y = np.linspace(0, 7, width), np.linspace(0, 5, height)[:, np.newaxis]
    pixels = np.empty((height, width, 3), np.uint8)
    for band in range(3):
        pixels[..., band] = 127.5 + 127.5 * np.sin(x + band) * np.cos(y * (1 + band / 3))
    return Image.fromarray(pixels)


def encode(image: Image.Image, name: str, **options: Any) -> bytes:
    """Write a picture as a file of a format; HEIC's orientation is that of its EXIF."""
    file = BytesIO()
    image.save(file, "HEIF" if name == "HEIC" else name, **options)
    return file.getvalue()


def open_image(path: Path) -> Image.Image:
    """Open a file from memory, so that no handle stays open."""
    return Image.open(BytesIO(path.read_bytes()))


def frame_count(image: Image.Image) -> int:
    """Return how many frames or pages an image has; where its format knows none, it is one."""
    return int(getattr(image, "n_frames", 1))


def png(width: int, height: int, **options: Any) -> bytes:
    """Return a PNG."""
    return encode(quarters(width, height), "PNG", **options)


def jpeg(width: int, height: int, **options: Any) -> bytes:
    """Return a JPEG; `comment`, `exif`, `icc_profile` and `progressive` as Pillow takes them."""
    return encode(quarters(width, height), "JPEG", quality=92, **options)


def rotated_jpeg(width: int, height: int, orientation: int) -> bytes:
    """Return a JPEG with an EXIF orientation, as cameras write it."""
    return jpeg(width, height, exif=exif(orientation))


def exif(orientation: int = 1, **fields: str) -> bytes:
    """Return EXIF with an orientation, a camera and, where given, a place (`latitude`)."""
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x010F] = "SECRET-CAMERA"
    if fields.get("latitude"):
        data.get_ifd(0x8825)[1] = fields["latitude"]
    return data.tobytes()


def animation(name: str, frames: Sequence[Colour], delays: Sequence[int], size: int = 40) -> bytes:
    """Return an animation of plain colours; delays in milliseconds."""
    images = [Image.new("RGB", (size, size), colour) for colour in frames]
    options: dict[str, Any] = {"lossless": True} if name == "WEBP" else {}
    return encode(
        images[0],
        name,
        save_all=True,
        append_images=images[1:],
        duration=list(delays),
        loop=3,
        **options,
    )


def webp_with_canvas(width: int, height: int) -> bytes:
    """Return a WebP of 42 bytes that states any canvas."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    extended = b"VP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + canvas
    animation = b"ANIM" + struct.pack("<I", 6) + b"\0" * 6
    body = b"WEBP" + extended + animation
    return b"RIFF" + struct.pack("<I", len(body)) + body


def png_with_header_size(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that states any size."""
    data = bytearray(png(1, 1))
    struct.pack_into(">II", data, 16, width, height)
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    return bytes(data)
