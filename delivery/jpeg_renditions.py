"""JPEGs of what a viewer may see of a picture, fit to a width."""

from accounts.models import User
from delivery.access import rendering_source_for
from delivery.stored_renditions import rendition_key
from images.models import Picture


def jpeg_key(viewer: User | None, picture: Picture, width: int | None) -> str:
    """Return the key of a JPEG of what a viewer may see, at most `width` pixels wide.

    Raise Picture.DoesNotExist, NotReady, and NotRenderable when rendering failed permanently.
    """
    return rendition_key(picture, rendering_source_for(viewer, picture), width)
