"""The groups by which people are told what a stripped copy leaves out."""

from dataclasses import dataclass
from enum import StrEnum


class MetadataGroup(StrEnum):
    """What a piece of metadata belongs to."""

    EXIF = "EXIF"
    GPS = "GPS"
    XMP = "XMP"
    IPTC = "IPTC"
    PHOTOSHOP = "Photoshop"
    TIFF = "TIFF"
    TEXT = "Text"
    PREVIEW = "Preview"
    PICTURE = "Picture"
    VIDEO = "Video"
    PROFILE = "Colour profile"
    OTHER = "Other"


@dataclass(frozen=True, slots=True)
class DroppedItem:
    """A piece of metadata: `name` as its standard calls it where that has a name for it."""

    group: MetadataGroup
    name: str


# More are not listed: a file could have millions.
MAX_ITEMS = 400
MAX_NAME_LENGTH = 60
