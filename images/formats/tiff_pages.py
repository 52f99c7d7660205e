"""Which TIFFs are taken, judged by the fields of their pages before anything is decoded."""

from collections.abc import Iterator

from images.formats.errors import BrokenStructure
from images.formats.limits import UNSUPPORTED_KIND, Limits, RefusedPicture, refuse_size
from images.formats.scan import Buffer
from images.formats.tiff_directories import (
    BITS,
    COMPRESSION,
    DNG_VERSION,
    HEIGHT,
    PHOTOMETRIC,
    PLANAR,
    ROWS_PER_STRIP,
    SAMPLE_FORMAT,
    SAMPLES,
    SUBSAMPLING,
    TILE_HEIGHT,
    TILE_WIDTH,
    WIDTH,
    Directory,
    directories,
)

# None, CCITT (three kinds), LZW, JPEG, Deflate (two numbers), PackBits. Old-style JPEG (6) is out:
# its fields point into the file at will, and libtiff's reader of it is not built.
_NONE, _JPEG = 1, 7
_COMPRESSIONS = frozenset({_NONE, 2, 3, 4, 5, _JPEG, 8, 32773, 32946})
# White is 0, black is 0, RGB, palette, CMYK, YCbCr; a mask, CIELAB, or a camera's raw data is not.
_YCBCR = 6
_PHOTOMETRICS = frozenset({0, 1, 2, 3, 5, _YCBCR})
_BITS = frozenset({1, 2, 4, 8, 16})
# CMYK with transparency, RGB with transparency and a saved selection.
_MAX_SAMPLES = 5
_UNSIGNED = 1
_SEPARATE = 2


def read_pages(data: Buffer, limits: Limits) -> list[Directory]:
    """Return the pages, each known to be readable; raises RefusedPicture or BrokenStructure."""
    pages = list(_read_supported_pages(data, limits))
    _refuse_overlap(pages, len(data))
    return pages


def _read_supported_pages(data: Buffer, limits: Limits) -> Iterator[Directory]:
    """Yield the pages; stops at the first that exceeds a limit, before the next is read."""
    pages = pixels = 0
    for page in directories(data):
        width, height = page.number(WIDTH), page.number(HEIGHT)
        pages, pixels = pages + 1, pixels + width * height
        refuse_size(width, height, 1, limits)
        refuse_size(1, 1, pages, limits)
        if pixels > limits.max_total_pixels:
            reason = f"More than {limits.max_total_pixels} pixels in all frames."
            raise RefusedPicture("too_many_frames", reason)
        if not _is_supported(page) or (pages == 1 and page.is_preview):
            raise RefusedPicture("format", UNSUPPORTED_KIND.format(name="TIFF"))
        _refuse_broken(page, limits)
        yield page
    if not pages:
        raise BrokenStructure("no page")


def _is_supported(page: Directory) -> bool:
    """Tell whether a page is stored in a way that libvips renders correctly."""
    bits, formats = set(page.numbers(BITS) or (1,)), set(page.numbers(SAMPLE_FORMAT))
    return (
        page.number(COMPRESSION, _NONE) in _COMPRESSIONS
        and page.number(PHOTOMETRIC) in _PHOTOMETRICS
        and len(bits) == 1
        and bits <= _BITS
        and formats <= {_UNSIGNED}
        and page.number(SAMPLES, 1) <= _MAX_SAMPLES
        and not (page.is_tiled and page.number(PLANAR) == _SEPARATE)
        and not _is_plain_ycbcr(page)
        and DNG_VERSION not in page.fields
    )


def _is_plain_ycbcr(page: Directory) -> bool:
    """Tell whether it is YCbCr that libvips takes for RGB: neither JPEG nor subsampled."""
    if page.number(PHOTOMETRIC) != _YCBCR or page.number(COMPRESSION) == _JPEG:
        return False
    return set(page.numbers(SUBSAMPLING)) == {1}


def _refuse_broken(page: Directory, limits: Limits) -> None:
    """Raise BrokenStructure when strips or tiles are missing, too short, or too large."""
    width, height = page.number(WIDTH), page.number(HEIGHT)
    row, column = _piece_size(page)
    if min(width, height, row, column) < 1 or (page.is_tiled and row * column > limits.max_pixels):
        raise BrokenStructure("sizes")
    samples = page.number(SAMPLES, 1)
    planes = samples if page.number(PLANAR) == _SEPARATE else 1
    pieces = page.pieces()
    if len(pieces) < -(-width // row) * -(-height // column) * planes:
        raise BrokenStructure("strips that are missing")
    if page.number(COMPRESSION, _NONE) == _NONE and page.number(PHOTOMETRIC) != _YCBCR:
        bits = width * page.number(BITS, 1) * samples // planes
        if sum(end - start for start, end in pieces) < -(-bits // 8) * height * planes:
            raise BrokenStructure("strips too short")


def _piece_size(page: Directory) -> tuple[int, int]:
    """Return the width and height of a tile, or of a strip."""
    if page.is_tiled:
        return page.number(TILE_WIDTH), page.number(TILE_HEIGHT)
    height = page.number(HEIGHT)
    return page.number(WIDTH), min(page.number(ROWS_PER_STRIP, height), height)


def _refuse_overlap(pages: list[Directory], length: int) -> None:
    """Raise BrokenStructure when strips overlap: decoding them costs more than their bytes."""
    if sum(end - start for page in pages for start, end in page.pieces()) > length:
        raise BrokenStructure("strips that overlap")
