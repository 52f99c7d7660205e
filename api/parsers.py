"""Bodies: JSON of any nesting is refused or read, never a 500; what is no form holds no file."""

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework import parsers
from rest_framework.exceptions import ParseError

_CHUNK_SIZE = 64 * 1024
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


class NoFileParser(parsers.BaseParser):
    """For routes that take a file of a form: in a body of any other type there is none.

    So the client learns which field is missing, whatever its library made of the file.
    """

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Read the body to its end, so that the connection can be used again; return no fields."""
        while stream.read(_CHUNK_SIZE):
            pass
        return {}
