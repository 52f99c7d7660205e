"""The ids of pictures at the image service: a UUID, or a UUID and a width."""

import re
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest

from images.models import Picture

# Pixels; any other size means the original.
WIDTHS = (160, 320, 640, 800, 1024, 1200)
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_IMAGE_ID = re.compile(rf"({_UUID})(?:_([0-9]{{3,4}}))?\Z")


@dataclass(frozen=True, slots=True)
class ImageId:
    """A picture and its width in pixels; None means as it was uploaded."""

    uid: UUID
    width: int | None

    def __str__(self) -> str:
        return f"{self.uid}_{self.width}" if self.width else str(self.uid)


def parse_image_id(text: str, request: HttpRequest) -> ImageId:
    """Read an id and the `Size` header or query beside it; raise Picture.DoesNotExist."""
    match = _IMAGE_ID.match(text)
    if match is None or (match[2] and int(match[2]) not in WIDTHS):
        raise Picture.DoesNotExist
    size = match[2] or request.headers.get("Size") or request.GET.get("Size") or ""
    width = next((each for each in WIDTHS if str(each) == size), None)
    return ImageId(UUID(match[1]), width)
