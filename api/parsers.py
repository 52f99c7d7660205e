"""JSON bodies: any nesting is refused or read, never a 500, and never much larger in memory."""

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework import parsers
from rest_framework.exceptions import ParseError

# What stands before a value. A data URI has one comma, a description at most 2,000 characters, but
# each of these may make an object of 60 bytes and more: 20 MB of `[],` would take 450 MB.
_BEFORE_VALUES = (b",", b"[", b"{")
MAX_VALUES = 10_000


class JsonParser(parsers.JSONParser):
    """JSON without pictures: Django allows 64 KB of it, which take 2 MB of memory at most."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Read as REST framework does; raise ParseError for what nests too deeply, too."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError from error


class PictureJsonParser(parsers.BaseParser):
    """JSON of the size that the view allows: Django's limit for other bodies does not apply."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Read the whole body; the view has refused one that is too large."""
        body = stream.read()
        if sum(map(body.count, _BEFORE_VALUES)) > MAX_VALUES:
            raise ParseError
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ParseError from error
