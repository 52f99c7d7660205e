"""Colour profiles made for tests: matrix profiles of other primaries, and one for CMYK."""

import struct
from collections.abc import Mapping
from itertools import product

import numpy as np
from PIL import ImageCms

# Colorants adapted to D50 (the ICC's registry); the exponent of the tone curve where not sRGB's.
_DISPLAY_P3 = {
    b"rXYZ": (0.5151, 0.2412, -0.0011),
    b"gXYZ": (0.2920, 0.6922, 0.0419),
    b"bXYZ": (0.1571, 0.0666, 0.7841),
}
_ADOBE_RGB = {
    b"rXYZ": (0.6097, 0.3111, 0.0195),
    b"gXYZ": (0.2053, 0.6257, 0.0609),
    b"bXYZ": (0.1492, 0.0632, 0.7446),
}
_ADOBE_GAMMA = 2.19921875
_D50 = (0.9642, 1.0, 0.8249)


def display_p3() -> bytes:
    """Return Display P3: sRGB's tone curve, wider primaries."""
    return _of_primaries(_DISPLAY_P3)


def adobe_rgb() -> bytes:
    """Return Adobe RGB (1998): a wider green, and a plain exponent."""
    return _of_primaries(_ADOBE_RGB, gamma=_ADOBE_GAMMA)


def _of_primaries(
    colorants: Mapping[bytes, tuple[float, ...]], gamma: float | None = None
) -> bytes:
    """Change sRGB's profile in place, as littlecms writes it."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for index in range(struct.unpack_from(">I", data, 128)[0]):
        tag, offset, _ = struct.unpack_from(">4sII", data, 132 + 12 * index)
        if tag in colorants:
            struct.pack_into(">3i", data, offset + 8, *_fixed(colorants[tag]))
        if gamma and tag[1:] == b"TRC":
            # A parametric curve of the third kind: (a·x + b)^gamma from d on.
            struct.pack_into(">5i", data, offset + 12, *_fixed((gamma, 1, 0, 0, 0)))
    return bytes(data)


def cmyk_profile() -> bytes:
    """Return a CMYK profile: a table of two points for each ink, which absorbs its light."""
    corners = [_lab_of_inks(*inks) for inks in product((0, 1), repeat=4)]
    line = bytes(range(256))
    table = struct.pack(">4s4x4B9i", b"mft1", 4, 3, 2, 0, *_fixed((1, 0, 0, 0, 1, 0, 0, 0, 1)))
    table += line * 4 + b"".join(bytes(each) for each in corners) + line * 3
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", *_fixed(_D50))
    text = b"text\0\0\0\0none\0\0\0\0"
    return make_profile({b"A2B0": table, b"wtpt": white, b"cprt": text})


def _lab_of_inks(cyan: int, magenta: int, yellow: int, black: int) -> tuple[int, int, int]:
    """Return L*, a*, b* as the table's bytes (ICC.1, 8-bit encoding)."""
    light = 0.02 + 0.96 * np.array([(1 - ink) * (1 - black) for ink in (cyan, magenta, yellow)])
    xyz = np.array(list(_DISPLAY_P3.values())).T @ light / np.array(_D50)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(np.maximum(xyz, 0)), 7.787 * xyz + 16 / 116)
    lab = (116 * y - 16) * 2.55, 500 * (x - y) + 128, 200 * (y - z) + 128
    values = [int(np.clip(round(float(each)), 0, 255)) for each in lab]
    return values[0], values[1], values[2]


def make_profile(tags: Mapping[bytes, bytes]) -> bytes:
    """Return a profile for CMYK with these tags, one after the other."""
    directory, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        directory += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    size = 128 + len(directory) + len(body)
    head = struct.pack(
        ">I4sI4s4s4s12x4s28x3i48x", size, b"none", 0x02400000, b"prtr", b"CMYK", b"Lab ",
        b"acsp", *_fixed(_D50),
    )  # fmt: skip
    return head + directory + body


def _fixed(values: tuple[float, ...]) -> list[int]:
    return [round(value * 65536) for value in values]


def colours_of(profile: bytes | None) -> dict[bytes, bytes]:
    """Return the tags of a profile by which colours are converted; none of a broken one."""
    if profile is None or len(profile) < 132 or profile[36:40] != b"acsp":
        return {}
    places = [
        struct.unpack_from(">4sII", profile, 132 + 12 * n)
        for n in range(struct.unpack_from(">I", profile, 128)[0])
    ]
    colours = {b"wtpt", b"chad", b"bkpt", b"cicp"}
    return {
        name: profile[at : at + size].rstrip(b"\0")
        for name, at, size in places
        if name in colours or name[1:] in {b"XYZ", b"TRC"} or name[:3] in {b"A2B", b"B2A"}
    }
