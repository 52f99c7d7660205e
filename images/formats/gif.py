"""GIF, still or animated."""

from collections.abc import Iterable

import pyvips

from images.formats.codec import StandardCodec
from images.formats.errors import require
from images.formats.facts import Facts
from images.formats.gif_surround import with_clear_surround
from images.formats.limits import Limits
from images.formats.memory import vips_source
from images.formats.scan import Buffer, count_gif_frames
from images.metadata.dropped import Dropped
from images.metadata.gif_blocks import SIGNATURES, strip_gif


class GifCodec(StandardCodec):
    """Counts frames by their blocks: Pillow would decode all to know how many."""

    vips_loader = "Nsgif"

    def matches(self, head: bytes) -> bool:
        """Look for either signature."""
        return head.startswith(SIGNATURES)

    def count_frames(self, data: Buffer, limits: Limits) -> int:
        """Count up to one more than the limit."""
        frames, is_complete = count_gif_frames(data, limits.max_frames)
        require(is_complete, "no trailer")
        return frames or 1

    def verify(self, data: Buffer, facts: Facts) -> None:
        """Decode every frame."""
        options = {"n": -1, "access": "sequential", "fail_on": "truncated"}
        pyvips.Image.gifload_source(vips_source(data), **options).avg()

    def shown(self, data: Buffer) -> Buffer:
        """Have libvips know of transparency where the first frame leaves a part of the screen."""
        return with_clear_surround(data)

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Keep the blocks that make the picture."""
        return strip_gif(data, dropped)

    def strip_structure(self, data: bytes, orientation: int) -> Iterable[bytes]:
        """Do not look for where the codes of each frame end."""
        return strip_gif(data, Dropped(), keeps_tails=True)
