"""Parts of URL paths: identifiers in the forms that clients write them."""

import re
from uuid import UUID

from django.urls import register_converter
from django.urls.converters import IntConverter, UUIDConverter


class AnyCaseUuid(UUIDConverter):
    """A UUID in either case: some clients write theirs in capitals (RFC 9562, section 4)."""

    regex = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"


def parse_uuid(text: str) -> UUID:
    """Read a UUID as `AnyCaseUuid` does; raise ValueError for the forms that only Python takes."""
    if not re.fullmatch(AnyCaseUuid.regex, text):
        raise ValueError("not a UUID")
    return UUID(text)


class RowId(IntConverter):
    """A key of a table: 18 digits at most, so that no database sees a number it cannot hold."""

    regex = "[0-9]{1,18}"


def register() -> None:
    """Name the converters; called once, before the URL tables that use them are loaded."""
    register_converter(AnyCaseUuid, "anyuuid")
    register_converter(RowId, "id")
