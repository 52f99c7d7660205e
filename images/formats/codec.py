"""What a picture format has to provide, and what most formats have in common. Sandbox only."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from PIL import (
    AvifImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
)

from images.formats.colours import Colours
from images.formats.exif import SWAPS_SIDES, UPRIGHT
from images.formats.facts import Facts, facts_of
from images.formats.limits import Limits, refuse_size
from images.formats.memory import open_by_pillow, open_header, open_lines
from images.formats.registry import Format
from images.formats.scan import Buffer
from images.metadata.dropped import Dropped

# The limits of `images.formats.limits` are stricter and count frames too.
Image.MAX_IMAGE_PIXELS = None
# Pillow loads its plugins at first use, when a sandboxed process can open no file of theirs. It has
# thirty more, with libraries of which every fork copies the mappings.
PLUGINS = (AvifImagePlugin, GifImagePlugin, JpegImagePlugin, MpoImagePlugin, PngImagePlugin)
Image.preinit()
_MODES_WITH_ALPHA = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})


class Codec(ABC):
    """Reads files of one format.

    A method may raise whatever its decoder raises: its caller takes the file for damaged. It
    raises RefusedPicture to give another reason.
    """

    # The end of the name of libvips' loader (VipsForeignLoad…), which is blocked unless named here.
    vips_loader: ClassVar[str] = ""
    # Whether EXIF alone states the orientation: `strip` is told it then, to write it again.
    has_orientation_in_exif: ClassVar[bool] = False

    def __init__(self, fmt: Format) -> None:
        """Keep the record that names this codec."""
        self.format = fmt

    @abstractmethod
    def matches(self, head: bytes) -> bool:
        """Tell whether a file that begins with these bytes is of the format."""

    @abstractmethod
    def describe(self, data: Buffer, limits: Limits) -> Facts:
        """Read a file's header alone; refuse what exceeds a limit before anything is decoded."""

    @abstractmethod
    def verify(self, data: Buffer, facts: Facts) -> None:
        """Decode every frame; raise where a byte is missing."""

    def verify_end(self, data: Buffer) -> None:  # noqa: B027 (most have nothing to look for)
        """Raise where data is missing that no decode misses."""

    @abstractmethod
    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Yield a file of the same pixels, profile and orientation without any other metadata.

        What is left out is noted in `dropped`. Raises BrokenStructure where that is not certain.
        """

    def try_strip(
        self, data: Buffer, facts: Facts, limits: Limits, *, is_silent: bool
    ) -> bool | None:
        """Tell whether `strip` will do, beside an inspection; None where that takes too much.

        `is_silent` says that one decode showed the file to be whole. Raises what `strip` does.
        """
        content = bytes(data)
        orientation = self.orientation(content) if self.has_orientation_in_exif else UPRIGHT
        copy = b"".join(self.strip_structure(content, orientation))
        return copy == content or self.describe(copy, limits) == facts

    def strip_structure(self, data: bytes, orientation: int) -> Iterable[bytes]:
        """Yield what `strip` does, but for what takes decodes of its own and cannot fail."""
        return self.strip(data, orientation, Dropped())

    def shown(self, data: Buffer) -> Buffer:
        """Return a file that decoders show as browsers show this one."""
        return data

    @abstractmethod
    def open(self, data: Buffer) -> Any:
        """Return the first frame as a libvips image with its profile, not decoded where possible.

        It is as it is stored: `orientation` says how it is to be turned.
        """

    def orientation(self, data: Buffer) -> int:
        """Return the EXIF orientation (1 to 8) by which what `open` returns is to be turned.

        Every process asks here, and nobody else: the stated size, thumbnails, the stripped copy.
        """
        return UPRIGHT

    def load(self, data: Buffer, opened: Any, shrink: float) -> Any:
        """Return the first frame to decode, shrunk by at most a factor while it decodes.

        Called where `load_to_fit` returns None; `opened` is what `open` returned.
        """
        return opened

    def load_to_fit(self, data: Buffer, width: int, height: int) -> Any | None:
        """Return the first frame to decode to a size that fits, within a pixel, without `open`.

        None where its decoder cannot shrink to any size.
        """
        return None

    @contextmanager
    def loaded_to_verify(
        self, data: Buffer, opened: Any, shrink: float
    ) -> Iterator[tuple[Any, Any]]:
        """Yield what `load` returns, and the picture that it is the upper part of, or the whole.

        A file of one frame is whole if the lines of both can be read to the last, inside, and if
        `verify_end` says so too; else `verify` decides.
        """
        loaded = self.load(data, opened, shrink)
        yield loaded, loaded

    def open_by_other_decoder(self, data: Buffer) -> Any | None:
        """Return the first frame of a file that `open` cannot read; None where nothing else can."""
        return None

    def colours(self, data: Buffer) -> Colours | None:
        """Return colours that a file states by numbers, where they count; None for sRGB.

        A profile counts instead where the format says so, and is applied by libvips.
        """
        return None


class StandardCodec(Codec):
    """A format whose header Pillow reads, and whose pixels libvips decodes."""

    def describe(self, data: Buffer, limits: Limits) -> Facts:
        """Count the frames, then read size, orientation and transparency by Pillow."""
        frames = self.count_frames(data, limits)
        with open_by_pillow(data, self.format.name) as image:
            width, height = image.size
            refuse_size(width, height, 1, limits)
            if self.orientation(data) in SWAPS_SIDES:
                width, height = height, width
            has_alpha = image.mode in _MODES_WITH_ALPHA or "transparency" in image.info
            frames = frames or int(getattr(image, "n_frames", 1))
        return facts_of(self.format, (width, height), frames=frames, has_alpha=has_alpha)

    def count_frames(self, data: Buffer, limits: Limits) -> int | None:
        """Return the number of frames; None where Pillow knows it without decoding any."""
        return None

    def open(self, data: Buffer) -> Any:
        """Read the header by libvips."""
        return open_header(data)

    def load(self, data: Buffer, opened: Any, shrink: float) -> Any:
        """Read the picture by libvips, line by line."""
        return open_lines(data)

    def decode_frames(self, data: Buffer) -> None:
        """Decode every frame by Pillow."""
        with open_by_pillow(data, self.format.name) as image:
            for frame in range(getattr(image, "n_frames", 1)):
                image.seek(frame)
                image.load()
