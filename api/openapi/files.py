"""How the OpenAPI document describes pictures: what is taken, and the bytes that are sent."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse

from images.formats.limits import MAX_FRAMES, MAX_SIDE
from images.formats.registry import FORMATS
from tiers.models import DEFAULT_PIXELS, DEFAULT_UPLOAD_BYTES

_NAMES = [each.name for each in FORMATS.values()]
PICTURE_LIMITS = (
    f"Taken are {', '.join(_NAMES[:-1])} and {_NAMES[-1]}, of at most "
    f"{DEFAULT_UPLOAD_BYTES // 1024**2} MiB and {DEFAULT_PIXELS // 10**6} megapixels unless the "
    f"account's tier says otherwise, {MAX_SIDE:,} pixels a side and {MAX_FRAMES} frames. The "
    "content decides the format, not the name or the media type."
)
BYTES = OpenApiResponse(OpenApiTypes.BINARY, description="The bytes.")
NOT_MODIFIED = OpenApiResponse(description="The client has this version: `If-None-Match` names it.")
BYTES_HEADERS = ("ETag", "Cache-Control", "Accept-Ranges", "Content-Disposition")
