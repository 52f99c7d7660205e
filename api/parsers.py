"""Bodies: any nesting, number and charset is refused or read, never a 500, never large in memory.

Of the two JSON parsers each takes what the other takes; they differ in the size alone.
"""

import codecs
import json
import math
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from django.http import QueryDict
from django.utils.http import parse_header_parameters
from rest_framework import parsers
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from api.long_texts import MAX_VALUES, read_form, read_json

_CHUNK_SIZE = 64 * 1024
# As Python names them. Others, of which some are no charsets at all, are refused.
_CHARSETS = frozenset({"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "utf-16"})


def read_charset(media_type: str | None) -> str:
    """Return the charset that a content type states, "" for none; raise UnsupportedMediaType."""
    try:
        stated = parse_header_parameters(media_type or "")[1].get("charset", "").strip()
        name = codecs.lookup(stated).name if stated else ""
    except (LookupError, ValueError):
        raise UnsupportedMediaType(media_type or "") from None
    if name and name not in _CHARSETS:
        raise UnsupportedMediaType(media_type or "")
    return name


def parse_json(body: bytes, media_type: str | None) -> Any:
    """Return the value of a JSON text; raise ParseError for what RFC 8259 does not have.

    A byte order mark is skipped. Refused are also numbers too large for a float and halves of
    surrogate pairs, neither of which could be stored or sent back.
    """
    charset = read_charset(media_type) or json.detect_encoding(body)
    try:
        return _decode(body.decode("utf-8-sig" if charset == "utf-8" else charset))
    except (ValueError, RecursionError) as error:
        raise ParseError from error


def _decode(text: str) -> Any:
    value = _DECODER.decode(text)
    _require_encodable(value)
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("too large a number")
    return number


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant)


def _require_encodable(value: Any) -> None:
    """Raise UnicodeEncodeError for a text with half a surrogate pair."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str) and not each.isascii():
            each.encode()
        elif isinstance(each, dict):
            left += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            left += each


class JsonParser(parsers.JSONParser):
    """JSON without pictures: Django allows 64 KB of it, which take 2 MB of memory at most."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return parse_json(stream.read(), media_type)


class PictureJsonParser(parsers.BaseParser):
    """JSON of the size that the view allows, with a picture as the view's `picture_field`."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Read the body piece by piece; a picture, and what else is long, goes to a file."""
        view = (parser_context or {})["view"]
        charset = read_charset(media_type)
        try:
            return read_json(stream, charset, _decode, view.picture_field, view.resources)
        except (ValueError, RecursionError) as error:
            raise ParseError from error


class FormParser(parsers.BaseParser):
    """A form without files, of the size that the view allows."""

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> QueryDict:
        """Read the whole body; raise ParseError for text that is not in the charset."""
        body, charset = stream.read(), read_charset(media_type) or "utf-8"
        if body.count(b"&") > MAX_VALUES or _is_cut(len(body), parser_context):
            raise ParseError
        form = QueryDict(mutable=True)
        try:
            for field in body.split(b"&"):
                name, _, value = field.partition(b"=")
                if field:
                    form.appendlist(_unquote(name, charset), _unquote(value, charset))
        except ValueError as error:
            raise ParseError from error
        return form


class PictureFormParser(parsers.BaseParser):
    """A form of the size that the view allows, with a picture as the view's `picture_field`."""

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> QueryDict:
        """Read the body piece by piece, as PictureJsonParser does."""
        view = (parser_context or {})["view"]
        charset = read_charset(media_type) or "utf-8"
        try:
            form, size = read_form(stream, charset, MAX_VALUES, view.picture_field, view.resources)
        except ValueError as error:
            raise ParseError from error
        if _is_cut(size, parser_context):
            raise ParseError
        return form


def _is_cut(size: int, parser_context: Mapping[str, Any] | None) -> bool:
    """Tell whether the client went away in between; of other bodies the syntax tells."""
    request = (parser_context or {})["request"]
    return size < int(request.META.get("CONTENT_LENGTH") or 0)


def _unquote(text: bytes, charset: str) -> str:
    """Decode `+` and `%41`, piece by piece: each escape is an object for a moment."""
    decoded, start = bytearray(), 0
    while start < len(text):
        end = start + _CHUNK_SIZE
        if end < len(text):
            # No escape is cut in two.
            cut = text.rfind(b"%", end - 2, end)
            end = cut if cut != -1 else end
        decoded += unquote_to_bytes(text[start:end].replace(b"+", b" "))
        start = end
    return decoded.decode(charset)


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
