"""Compares what the owner is told that a link gives away with the file that leaves by it."""

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image

from tests.metadata_inspector import find_metadata

ORIENTATION = 0x0112
# In no file that leaves may any of these be found by another program; each has its group.
FOUND = {"info xmp": "XMP", "info comment": "Text", "IFD GPSInfo": "GPS"}


def check_told(
    told: Mapping[str, Any], headers: Mapping[str, str], original: bytes, content: bytes
) -> list[tuple[str, str]]:
    """Return what is dropped, having compared all that is told with what leaves."""
    [name] = re.findall('filename="([^"]+)"', headers["Content-Disposition"])
    assert (told["bytes"], told["name"]) == (len(content), name)
    assert headers["Content-Type"] == f"image/{told['format'].lower()}"
    told_size = (told["width"], told["height"])
    dropped = [(each["group"], each["name"]) for each in told["dropped"]]
    assert len(dropped) == len(set(dropped))
    assert (content == original) == (dropped == [])
    check_by_another_reader(original, content, told_size, dropped)
    return dropped


def check_by_another_reader(
    original: bytes, content: bytes, size: tuple[int, int], dropped: list[tuple[str, str]]
) -> None:
    """Pillow and the inspector find nothing gone that is not named, nor named what is there."""
    try:
        before, after = fields_of(original), fields_of(content)
        found = find_metadata(original)
        assert find_metadata(content) == []
        with Image.open(BytesIO(content)) as image:
            if b"clap" not in content:  # Pillow shows what is cropped off
                assert sorted(image.size) == sorted(size)  # of those on their side too
    except (OSError, SyntaxError, ValueError, KeyError, UserWarning):  # only our reader opens it
        return
    groups, names = {group for group, _ in dropped}, {name for _, name in dropped}
    assert names.isdisjoint(after)
    if ("EXIF", "unreadable block") not in dropped:
        assert before - after <= names
    assert {group for what, group in FOUND.items() if what in found} <= groups


def fields_of(content: bytes) -> set[str]:
    """Return the names of the EXIF fields that Pillow finds."""
    with Image.open(BytesIO(content)) as image:
        if image.format == "TIFF":
            return set()
        exif = image.getexif()
        tags = set(exif) - {ORIENTATION, 0x8769, 0x8825, 0xA005}
        tags |= set(exif.get_ifd(ExifTags.IFD.Exif)) - {0xA005}
        named = {ExifTags.TAGS.get(tag, f"tag {tag}") for tag in tags}
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
        return named | {ExifTags.GPSTAGS.get(tag, f"tag {tag}") for tag in place}
