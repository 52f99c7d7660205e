"""How the OpenAPI document describes pictures: what is taken, and the bytes that are sent."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from api.retries import KEY_PATTERN, MAX_KEY_LENGTH
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
# Some generators know bytes by this name alone, and leave out a response of picture types.
ANY_BYTES = "application/octet-stream"
PICTURE_TYPES = (*(each.content_type for each in FORMATS.values()), ANY_BYTES)
BYTES = OpenApiResponse(
    OpenApiTypes.BINARY,
    description="The bytes, as the picture's own type. (`application/octet-stream` is never sent: "
    "it stands for all of them, for generators that know bytes by no other name.)",
)
_ARCHIVE = OpenApiResponse(
    OpenApiTypes.BINARY,
    description="A ZIP archive. (`application/octet-stream` is never sent: it stands for bytes of "
    "any type, for generators that know no other name.)",
)
ARCHIVE: dict[tuple[int, str], OpenApiResponse] = {
    (200, "application/zip"): _ARCHIVE,
    (200, ANY_BYTES): _ARCHIVE,
}
_QR_CODE = OpenApiResponse(
    OpenApiTypes.BINARY,
    description="An SVG picture. (`application/octet-stream` is never sent: it stands for bytes of "
    "any type, for generators that know no other name.)",
)
QR_CODE: dict[tuple[int, str], OpenApiResponse] = {
    (200, "image/svg+xml"): _QR_CODE,
    (200, ANY_BYTES): _QR_CODE,
}
NOT_MODIFIED = OpenApiResponse(description="The client has this version: `If-None-Match` names it.")
BYTES_HEADERS = ("ETag", "Cache-Control", "Accept-Ranges", "Content-Disposition")
UPLOAD_HEADERS = (
    OpenApiParameter(
        "Idempotency-Key",
        {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_KEY_LENGTH,
            "pattern": f"^{KEY_PATTERN}$",
        },
        OpenApiParameter.HEADER,
        description="A name of your own for this upload, such as a UUID. Send the same upload with "
        "the same key again when its response was lost, within 24 hours: it is stored once, and "
        "answered as the first time. A key counts for one account at one route.",
    ),
    OpenApiParameter(
        "Content-Digest",
        str,
        OpenApiParameter.HEADER,
        description="The digest of the body (RFC 9530), by `sha-256` or `sha-512`: a body that "
        "differs is refused.",
    ),
)
