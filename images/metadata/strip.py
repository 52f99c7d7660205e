"""Lossless removal of a picture's metadata.

EXIF with its place and camera, XMP, IPTC, comments, embedded previews and whatever follows the end
are dropped. The pixels' bytes, the colour profile and the orientation stay. A file whose structure
cannot be followed to its end is refused: a picture leaves stripped or not at all.
"""

from images.exceptions import StrippingFailed
from images.formats.codec import Codec
from images.formats.detect import codec_named
from images.formats.exif import UPRIGHT
from images.formats.facts import Facts
from images.formats.limits import Limits
from images.formats.metadata_groups import MetadataGroup
from images.formats.scan import Buffer
from images.metadata.dropped import UNUSED_BYTES, Dropped


def strip(file: Buffer, format_name: str, dropped: Dropped | None = None) -> bytes | None:
    """Return a copy without metadata, None when there is none; note in `dropped` what it lacks.

    Raises StrippingFailed. Holds the file in memory, which the tier's upload limit bounds.
    """
    data, codec = bytes(file), codec_named(format_name)
    dropped = Dropped() if dropped is None else dropped
    try:
        orientation = _orientation_to_restore(data, codec)
        stripped = b"".join(codec.strip(data, orientation, dropped))
    except Exception as error:  # a structure that ends early shows in many ways
        raise StrippingFailed("The picture's structure cannot be followed.") from error
    if stripped == data:  # such as EXIF that is what would be written for the orientation
        dropped.clear()
        return None
    if not dropped:
        dropped.add(MetadataGroup.OTHER, UNUSED_BYTES)
    return stripped


def can_strip(file: Buffer, facts: Facts, limits: Limits, *, is_silent: bool) -> bool | None:
    """Tell of an upload whether `strip` will do; None where that takes a call of its own.

    `is_silent` says that one decode showed the file to be whole.
    """
    try:
        return codec_named(facts.format).try_strip(file, facts, limits, is_silent=is_silent)
    except Exception:  # noqa: BLE001 (a structure that ends early shows in many ways)
        return False


def _orientation_to_restore(data: bytes, codec: Codec) -> int:
    """Return the orientation that goes with the EXIF; elsewhere it stays where it is stated."""
    if not codec.has_orientation_in_exif:
        return UPRIGHT
    return codec.orientation(data)


def has_profile(file: Buffer, format_name: str) -> bool:
    """Tell whether a picture has a colour profile, which a stripped copy keeps."""
    opened = codec_named(format_name).open(file)
    return bool(opened.get_typeof("icc-profile-data"))
