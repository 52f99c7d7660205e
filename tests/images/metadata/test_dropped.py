"""What a stripped copy leaves out, as people are told it.

`tests/delivery/test_reveals.py` compares it with what leaves.
"""

import pytest
from PIL.PngImagePlugin import PngInfo

from images.formats.metadata_groups import MAX_ITEMS, MAX_NAME_LENGTH
from images.metadata.dropped import Dropped
from images.metadata.strip import strip
from images.sandbox.replies import NAME_OF_METADATA
from tests.metadata_fixtures import FORMATS
from tests.pictures import encode, exif, jpeg, png, quarters


def dropped_from(content: bytes, name: str) -> list[tuple[str, str]]:
    dropped = Dropped()
    strip(content, name, dropped)
    return [(each.group.value, each.name) for each in dropped.items()]


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_named_where_nothing_is_dropped(name: str) -> None:
    assert dropped_from(encode(quarters(40, 30), name), name) == []


def test_an_orientation_that_is_written_anew_is_not_named() -> None:
    content = jpeg(40, 30, exif=exif(6, latitude="N"))
    assert dropped_from(content, "JPEG") == [("EXIF", "Make"), ("GPS", "GPSLatitudeRef")]


def test_a_change_without_a_name_is_named_all_the_same() -> None:
    assert dropped_from(jpeg(40, 30, exif=exif(1)[:8] + b"\0\0"), "JPEG")
    assert dropped_from(jpeg(40, 30) + b"\0", "JPEG") == [("Other", "bytes after the end")]


def test_a_block_in_hexadecimal_digits_is_read() -> None:
    texts, block = PngInfo(), exif(6, latitude="N").removeprefix(b"Exif\0\0")
    texts.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n", zip=True)
    texts.add_text("Raw profile type xmp", "\nxmp\n 2\nno digits")
    assert dropped_from(png(40, 30, pnginfo=texts), "PNG") == [
        ("EXIF", "Make"), ("GPS", "GPSLatitudeRef"), ("Text", "Raw profile type xmp"),
    ]  # fmt: skip


def test_names_are_plain_and_short_and_not_too_many() -> None:
    texts = PngInfo()
    texts.add_text("<script>alert(1)</script>", "x")
    texts.add_text("\xe9" * 8, "x")
    texts.add_text("k" * 79, "x")
    for number in range(2 * MAX_ITEMS):
        texts.add_text(f"key {number}", "x")
    names = [name for _, name in dropped_from(png(40, 30, pnginfo=texts), "PNG")]
    assert names[:3] == ["scriptalert(1)/script", "without a name", "k" * MAX_NAME_LENGTH]
    assert len(names) == MAX_ITEMS
    assert all(NAME_OF_METADATA.fullmatch(name) for name in names)
