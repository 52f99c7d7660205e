"""What `run_sandboxed` runs on strangers' pictures, but for the rendering of thumbnails.

The functions import the decoders when they run, so that naming them loads none.
"""

from pathlib import Path

from images.formats.facts import Facts
from images.formats.limits import Limits


def inspect_picture(path: Path, limits: Limits) -> Facts:
    """Return what a whole picture within the limits is; raises RefusedPicture."""
    from images.formats.inspect import inspect

    return inspect(path, limits)


def strip_metadata(source: Path, target: Path, format_name: str) -> bool:
    """Write a copy without metadata; return False, and write nothing, when there is none.

    Raises StrippingFailed.
    """
    from images.metadata.strip import strip

    return strip(source, target, format_name)
