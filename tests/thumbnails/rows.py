"""What tests of thumbnails ask of the rows."""

from images.models import Picture
from thumbnails.models import Thumbnail


def keys(*pictures: Picture) -> set[str]:
    """Return the keys of all thumbnail files of some pictures."""
    return {key for row in Thumbnail.objects.filter(picture__in=pictures) for key in row.keys}
