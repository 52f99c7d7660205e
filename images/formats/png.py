"""PNG, and the animations (APNG) of which the first frame is shown."""

import struct
from collections.abc import Iterable
from dataclasses import replace

import pyvips
from PIL import PngImagePlugin

from images.formats.apng import first_frame
from images.formats.codec import StandardCodec
from images.formats.colours import PLAIN_SRGB, Colours, of_code_points, of_gamma
from images.formats.errors import require
from images.formats.exif import first_orientation
from images.formats.facts import Facts
from images.formats.limits import Limits
from images.formats.memory import vips_source
from images.formats.scan import Buffer, count_text_bytes, exif_of_png, png_chunks, png_colours
from images.metadata.dropped import Dropped
from images.metadata.png_chunks import SIGNATURE, strip_png

# In all of a file. Drawing programs export texts and profiles of many megabytes.
_MAX_TEXT_BYTES = 64 * 1024**2
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = _MAX_TEXT_BYTES
# What gAMA and cHRM count in.
_PNG_UNIT = 100_000
# In so many parts of 1 cd/m² light is stated (cLLI, mDCV).
_LIGHT_UNIT = 10_000


class PngCodec(StandardCodec):
    """Leaves animations to Pillow: libvips knows their first frame only."""

    vips_loader = "Png"
    has_orientation_in_exif = True

    def matches(self, head: bytes) -> bool:
        """Look for the signature."""
        return head.startswith(SIGNATURE)

    def count_frames(self, data: Buffer, limits: Limits) -> None:
        """Refuse texts and profiles that inflate to too much; Pillow counts the frames."""
        require(count_text_bytes(data, _MAX_TEXT_BYTES) <= _MAX_TEXT_BYTES, "a bomb of text")

    def verify(self, data: Buffer, facts: Facts) -> None:
        """Decode what the file holds."""
        self.verify_end(data)
        if facts.frames > 1:
            self.decode_frames(data)
        else:
            options = {"access": "sequential", "fail_on": "truncated"}
            pyvips.Image.pngload_source(vips_source(data), **options).avg()

    def verify_end(self, data: Buffer) -> None:
        """Look at what the chunks are called."""
        require(all(kind.isalpha() for kind, *_ in png_chunks(data)), "a chunk of no kind")

    def orientation(self, data: Buffer) -> int:
        """Read the EXIF chunk before the pixels."""
        return first_orientation(exif_of_png(data))

    def colours(self, data: Buffer) -> Colours | None:
        """Read the first of cICP, iCCP, sRGB and gAMA that there is, by their rank."""
        stated = png_colours(data)
        if b"cICP" in stated:
            numbers = of_code_points(*stated[b"cICP"][:2])
            if numbers and numbers.is_hdr:
                return replace(numbers, peak=_peak(stated))
            # Without colours of ours libvips would apply the profile.
            return numbers or (PLAIN_SRGB if b"iCCP" in stated else None)
        if b"gAMA" not in stated or {b"iCCP", b"sRGB"} & stated.keys():
            return None
        gamma, *places = (each / _PNG_UNIT for each in _numbers(stated))
        if not gamma:
            return None
        if not places:
            return of_gamma(gamma, None)
        xw, yw, xr, yr, xg, yg, xb, yb = places
        return of_gamma(gamma, (xr, yr, xg, yg, xb, yb, xw, yw))

    def shown(self, data: Buffer) -> Buffer:
        """Show the first frame of an animation whose default picture is no frame."""
        return first_frame(data)

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Keep the chunks that make the picture."""
        return strip_png(data, orientation, dropped)

    def try_strip(
        self, data: Buffer, facts: Facts, limits: Limits, *, is_silent: bool
    ) -> bool | None:
        """Inflate no pixels anew where a decode has found all of them."""
        return is_silent or super().try_strip(data, facts, limits, is_silent=is_silent)


def _peak(stated: dict[bytes, bytes]) -> float | None:
    """Return the brightest light in cd/m², of the content or else of the display."""
    units = struct.unpack(">I", stated.get(b"cLLI", bytes(4))[:4])[0]
    units = units or struct.unpack(">I", stated.get(b"mDCV", bytes(24))[16:20])[0]
    return units / _LIGHT_UNIT or None


def _numbers(stated: dict[bytes, bytes]) -> tuple[int, ...]:
    """Return gAMA's number, and those of cHRM where it is there and whole."""
    words = stated[b"gAMA"] + stated.get(b"cHRM", b"")
    found = struct.unpack(f">{len(words) // 4}I", words)
    return found if len(found) == 9 else found[:1]
