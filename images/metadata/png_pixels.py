"""The compressed pixels of a PNG: nothing behind their end, nor beyond the size that is stated."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from images.formats.errors import require

# Samples of a pixel, by the type of colour (section 11.2.1).
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Where each pass of an interlaced picture begins, and its steps (section 8.1).
_PASSES = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
    (0, 1, 1, 2),
)  # fmt: skip
_WHOLE = ((0, 0, 1, 1),)
_PIECE_BYTES = 1024**2
_ZLIB_HEADER_BYTES, _CHECKSUM_BYTES = 2, 4


@dataclass(frozen=True, slots=True)
class Raster:
    """A size in pixels, with the bits of a pixel and whether it comes in passes."""

    width: int
    height: int
    bits: int
    is_interlaced: bool

    @classmethod
    def of(cls, header: bytes) -> "Raster":
        """Read an IHDR chunk; raises BrokenStructure or struct.error."""
        width, height, depth, colour, _, _, interlace = struct.unpack_from(">IIBBBBB", header)
        require(colour in _SAMPLES, "a type of colour that is none")
        return cls(width, height, depth * _SAMPLES[colour], bool(interlace))

    def resized(self, width: int, height: int) -> "Raster":
        """Return a frame's raster, which differs in size alone."""
        return Raster(width, height, self.bits, self.is_interlaced)

    @property
    def bytes(self) -> int:
        """How many bytes they are before compression, a filter's byte for each line included."""
        return sum(
            self._bytes_of_pass(*each) for each in (_PASSES if self.is_interlaced else _WHOLE)
        )

    def _bytes_of_pass(self, left: int, top: int, right: int, down: int) -> int:
        columns = -(-(self.width - left) // right) if self.width > left else 0
        lines = -(-(self.height - top) // down) if self.height > top else 0
        return lines * (1 + -(-columns * self.bits // 8)) if columns else 0


def strip_pixels(parts: list[bytes], raster: Raster) -> list[bytes]:
    """Return the parts of a compressed stream without what is no pixel; the same where all are.

    A stream that goes on beyond the size is compressed anew. Raises BrokenStructure or zlib.error.
    """
    end, is_longer = _find_end(parts, raster.bytes)
    if is_longer:
        return [_compress_anew(parts, raster.bytes)]
    kept, left = [], end
    for part in parts:
        if left > 0:
            kept.append(part[:left])
        left -= len(part)
    require(left <= 0, "a stream without its checksum")
    # Empty parts lie between the others in some files.
    return parts if kept == [each for each in parts if each] else kept


def _find_end(parts: list[bytes], wanted: int) -> tuple[int, bool]:
    """Return where the stream ends, and whether it holds more than the wanted bytes."""
    inflate, read, taken, made = zlib.decompressobj(-zlib.MAX_WBITS), 0, 0, 0
    for part in parts:
        body = part[max(0, _ZLIB_HEADER_BYTES - taken) :]
        taken += len(part)
        pending = body
        while pending or (inflate.unconsumed_tail and not inflate.eof):
            made += len(inflate.decompress(pending, _PIECE_BYTES))
            pending = inflate.unconsumed_tail
            if made > wanted:
                return 0, True
            if inflate.eof:
                read = taken - len(inflate.unused_data)
                return read + _CHECKSUM_BYTES, False
    # Decoders show a picture whose stream is all there but for its end.
    require(made >= wanted, "pixels that are missing")
    return 0, True


def _compress_anew(parts: list[bytes], wanted: int) -> bytes:
    deflate = zlib.compressobj(9)
    return b"".join(
        [*(deflate.compress(each) for each in _inflated(parts, wanted)), deflate.flush()]
    )


def _inflated(parts: list[bytes], wanted: int) -> Iterator[bytes]:
    inflate, taken = zlib.decompressobj(-zlib.MAX_WBITS), 0
    for part in parts:
        pending = part[max(0, _ZLIB_HEADER_BYTES - taken) :]
        taken += len(part)
        while pending and wanted and not inflate.eof:
            piece = inflate.decompress(pending, min(_PIECE_BYTES, wanted))
            wanted -= len(piece)
            pending = inflate.unconsumed_tail
            yield piece
