"""How the OpenAPI document describes the pages of a list."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError

from api.openapi.refusals import Refusal
from api.pagination import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, read_cursor, read_limit

_LIMIT_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE}
# Of rows whose ids are numbers, and of those with UUIDs (see `lib.keyset.Cursor`).
_CURSOR_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"}
_UUID_CURSOR_SCHEMA = {
    "type": "string",
    "pattern": "^[A-Za-z0-9_-]{32}$",
    "example": "AAYTrQQJ0AA8D11ealVMLooKnR47b3oQ",
}


def page_parameters(
    default_size: int = DEFAULT_PAGE_SIZE, *, of_uuids: bool = False
) -> list[OpenApiParameter]:
    """Return the two parameters of a list."""
    return [
        OpenApiParameter(
            "limit",
            {**_LIMIT_SCHEMA, "default": default_size},
            description="Rows of a page, at most.",
        ),
        OpenApiParameter(
            "cursor",
            dict(_UUID_CURSOR_SCHEMA if of_uuids else _CURSOR_SCHEMA),
            description="Where the page begins: from the `Link` header of the page before.",
        ),
    ]


def _raised_by(read: Callable[[str], Any], text: str) -> Callable[[], Exception]:
    def make() -> Exception:
        try:
            read(text)
        except ValidationError as error:
            return error
        raise TypeError(f"{text} is taken.")

    return make


BAD_LIMIT = Refusal("bad_limit", "`limit` is no page size.", _raised_by(read_limit, "0"))
BAD_CURSOR = Refusal("bad_cursor", "`cursor` is of another list.", _raised_by(read_cursor, "x"))
