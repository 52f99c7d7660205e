"""Examples: each stands at its serializer, and wherever the document uses that."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework.serializers import BaseSerializer

AnySerializer = TypeVar("AnySerializer", bound=type[BaseSerializer[Any]])

# Whom and what the examples speak of.
ACCOUNT_ID = "5f0c7d0a-6a55-4c2e-8a0a-3b6f3c1d9e11"
PICTURE_UID = "0b9f3c52-8d1e-4a7b-9c55-2f6f1d0e7a34"
PICTURE_ID = 42
FILE_NAME = f"{PICTURE_UID}.jpg"
SIGNED_QUERY = "?expires=1764416400&signature=q6m3k1XhT0Qd2b8Jb1l0Vw"
FILE_URL = f"http://localhost:8000/images/users/{ACCOUNT_ID}/{FILE_NAME}{SIGNED_QUERY}"
THUMBNAIL_NAME = f"{PICTURE_UID}_200_1a2b3c4d.jpg"
THUMBNAIL_URL = f"http://localhost:8000/images/users/{ACCOUNT_ID}/{THUMBNAIL_NAME}{SIGNED_QUERY}"
LOGIN = "alice"
PASSWORD = "correct horse battery staple"  # noqa: S105 (shown to everybody)
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl9pZCI6IjdlNmMifQ.k1Xh0Qd2b8Jb1l0VwT0q6m3"
# The smallest GIF there is.
BASE64_PICTURE = "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
DATA_URI = f"data:image/gif;base64,{BASE64_PICTURE}"


def example(
    value: Any, *, media_type: str | None = None
) -> Callable[[AnySerializer], AnySerializer]:
    """Give a serializer the example that stands wherever the document uses it."""
    shown = OpenApiExample("example", value=value, media_type=media_type)
    return extend_schema_serializer(examples=[shown])
