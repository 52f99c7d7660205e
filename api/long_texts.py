"""Texts of a body that are too long to stand in memory: written to a file while they are read.

A picture of 15 MB is a text of 20 MB in JSON, and there may be one in each thread. Whatever was
once that large in memory, the process keeps.
"""

import codecs
import json
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import StringIO
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ParseError

from images.sandbox.work_dir import work_dir
from lib.memory import give_back_memory

# Longer texts go to a file. No field but a picture takes more than 2,000 characters, so that of any
# other text the beginning suffices to refuse it.
MAX_IN_MEMORY = 4096
# What stands before a value. Each of these may make an object of 60 bytes and more: 20 MB of `[],`
# would take 450 MB.
_BEFORE_VALUES = (",", "[", "{")
MAX_VALUES = 10_000
# What a body may be without its long texts, in characters.
_MAX_REST = 256 * 1024
_CHUNK_SIZE = 64 * 1024
# In a JSON string: as far as it is whole, escapes too. A `"` or `\` that follows ends this.
_PART = re.compile(r'(?:[^"\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+')
# The first half of a surrogate pair, whose second half may come next.
_HIGH_SURROGATE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")
# Half a pair and half of the next escape.
_MAX_HELD_BACK = len(r"\ud83d\ude00")


class LongText:
    """A text in a temporary file, which ends with `resources`."""

    def __init__(self, resources: ExitStack) -> None:
        resources.callback(give_back_memory)
        self._file: IO[str] = resources.enter_context(
            TemporaryFile("w+", encoding="utf-8", newline="", dir=work_dir())  # noqa: SIM115 (entered)
        )
        self.beginning = ""
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def write(self, piece: str) -> None:
        """Append; raise UnicodeEncodeError for half a surrogate pair."""
        self._file.write(piece)
        self._length += len(piece)
        if len(self.beginning) <= MAX_IN_MEMORY:
            self.beginning = (self.beginning + piece)[: MAX_IN_MEMORY + 1]

    def pieces(self) -> Iterator[str]:
        self._file.seek(0)
        while piece := self._file.read(_CHUNK_SIZE):
            yield piece


class LongTextField(serializers.CharField):
    """A text that may be a LongText, as it came."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> Any:
        """Return the text as it is."""
        return data if isinstance(data, LongText) else super().to_internal_value(data)


Text = str | LongText
Decode = Callable[[str], Any]


def read_json(
    stream: IO[bytes], charset: str, decode: Decode, picture_field: str, resources: ExitStack
) -> Any:
    """Return the value of a JSON text, as `decode` reads it from a text without long strings.

    A long string is a LongText as the value of `picture_field`, elsewhere its beginning. Raise
    ParseError for more values than MAX_VALUES or a body that is too large without its long strings,
    and ValueError for no JSON.
    """
    json_text = _Hollowed(resources)
    for piece in _decoded(stream, charset):
        json_text.feed(piece)
    value = decode(json_text.close())
    if isinstance(value, dict):
        for name, each in value.items():
            if isinstance(each, str) and each in json_text.long_texts:
                text = json_text.long_texts[each]
                value[name] = text if name == picture_field else text.beginning
    return value


def _decoded(stream: IO[bytes], charset: str) -> Iterator[str]:
    beginning = stream.read(_CHUNK_SIZE)
    charset = charset or json.detect_encoding(beginning)
    decoder = codecs.getincrementaldecoder("utf-8-sig" if charset == "utf-8" else charset)()
    chunk = beginning
    while chunk:
        yield decoder.decode(chunk)
        chunk = stream.read(_CHUNK_SIZE)
    yield decoder.decode(b"", final=True)


class _Hollowed:
    """JSON from which long strings are taken out, while it comes piece by piece."""

    def __init__(self, resources: ExitStack) -> None:
        self.long_texts: dict[str, LongText] = {}
        self._resources = resources
        # Nobody can write a string that stands for a long one of their own.
        self._mark = secrets.token_hex(16)
        self._rest = StringIO()
        self._values_left = MAX_VALUES
        # Of the string that has begun, what is not yet written; None outside of strings.
        self._string: str | None = None
        self._long: LongText | None = None

    def feed(self, piece: str) -> None:
        position = 0
        while position < len(piece):
            if self._string is None:
                position = self._read_until_string(piece, position)
            else:
                position = self._read_string(piece, position)

    def close(self) -> str:
        """Return the text; that a string has no end is left to whoever reads it."""
        if self._string is not None:
            raise ValueError("a string without an end")
        return self._rest.getvalue()

    def _read_until_string(self, piece: str, position: int) -> int:
        quote = piece.find('"', position)
        end = len(piece) if quote == -1 else quote + 1
        between = piece[position : end if quote == -1 else quote]
        self._values_left -= sum(map(between.count, _BEFORE_VALUES))
        if self._values_left < 0:
            raise ParseError
        self._keep(between)
        if quote != -1:
            self._string = ""
        return end

    def _read_string(self, piece: str, position: int) -> int:
        """Read on in a string; return where to go on."""
        begun = self._string or ""
        text = begun + piece[position:]
        whole = _whole_until(text)
        if text[whole : whole + 1] == '"':
            self._end_string(text[:whole])
            return position + whole + 1 - len(begun)
        if len(text) - whole > _MAX_HELD_BACK:
            raise ValueError("no escape")
        self._string = text
        if len(text) > MAX_IN_MEMORY:
            self._write(text[:whole])
            self._string = text[whole:]
        return len(piece)

    def _end_string(self, raw: str) -> None:
        if self._long is None:
            self._keep(f'"{raw}"')
        else:
            self._write(raw)
            name = f"{self._mark}{len(self.long_texts)}"
            self.long_texts[name] = self._long
            self._keep(f'"{name}"')
        self._string = self._long = None

    def _write(self, raw: str) -> None:
        if self._long is None:
            self._long = LongText(self._resources)
        self._long.write(json.loads(f'"{raw}"'))

    def _keep(self, text: str) -> None:
        self._rest.write(text)
        if self._rest.tell() > _MAX_REST:
            raise ParseError


def _whole_until(text: str) -> int:
    """Return where the whole characters of a string end: at a quote, or half an escape or pair."""
    match = _PART.match(text)
    end = match.end() if match else 0
    if text[end : end + 1] != '"' and (half := _HIGH_SURROGATE.search(text, max(0, end - 6), end)):
        return half.start()
    return end


def read_form(
    stream: IO[bytes], charset: str, max_fields: int, picture_field: str, resources: ExitStack
) -> tuple[QueryDict, int]:
    """Return the fields of a form, long ones as `read_json` has them, and the size of the body.

    Raise ParseError for more fields, and ValueError for what is not of the charset.
    """
    form, size = _Form(charset, max_fields, picture_field, resources), 0
    while chunk := stream.read(_CHUNK_SIZE):
        size += len(chunk)
        *ended, begun = chunk.split(b"&")
        for part in ended:
            form.feed(part)
            form.end_field()
        form.feed(begun)
    form.end_field()
    return form.fields, size


class _Form:
    """A form of which one field at a time comes, piece by piece."""

    def __init__(
        self, charset: str, max_fields: int, picture_field: str, resources: ExitStack
    ) -> None:
        self.fields = QueryDict(mutable=True)
        self._charset, self._picture_field = charset, picture_field
        self._fields_left, self._resources = max_fields, resources
        self._field = _Field(charset, resources)

    def feed(self, part: bytes) -> None:
        """Take more of the field that has begun."""
        self._field.feed(part)

    def end_field(self) -> None:
        field, self._field = self._field, _Field(self._charset, self._resources)
        self._fields_left -= 1
        if self._fields_left < 0:
            raise ParseError
        if field.is_missing:
            return
        name, value = field.end()
        if isinstance(value, LongText) and name != self._picture_field:
            value = value.beginning
        self.fields.appendlist(name, value)  # type: ignore[arg-type]  # its values may be anything


class _Field:
    def __init__(self, charset: str, resources: ExitStack) -> None:
        self._charset, self._resources = charset, resources
        self._decoder = codecs.getincrementaldecoder(charset)()
        self._name: str | None = None
        self._raw = bytearray()
        self._long: LongText | None = None

    @property
    def is_missing(self) -> bool:
        """Tell whether there was nothing, not even a `=`."""
        return self._name is None and not self._raw

    def feed(self, part: bytes) -> None:
        self._raw += part
        if self._name is None and b"=" in self._raw:
            name, _, self._raw = self._raw.partition(b"=")
            self._name = _unquote(name).decode(self._charset)
        if len(self._raw) > MAX_IN_MEMORY:
            if self._name is None:
                raise ParseError
            # No escape is cut in two.
            cut = self._raw.rfind(b"%", len(self._raw) - 2)
            cut = len(self._raw) if cut == -1 else cut
            self._write(self._raw[:cut])
            del self._raw[:cut]

    def end(self) -> tuple[str, Text]:
        """Return the name and the value of the field."""
        if self._long is not None:
            self._write(self._raw, is_last=True)
            return self._name or "", self._long
        text = _unquote(self._raw).decode(self._charset)
        return (text, "") if self._name is None else (self._name, text)

    def _write(self, raw: bytearray, *, is_last: bool = False) -> None:
        if self._long is None:
            self._long = LongText(self._resources)
        self._long.write(self._decoder.decode(_unquote(raw), final=is_last))


def _unquote(raw: bytes | bytearray) -> bytes:
    return unquote_to_bytes(bytes(raw).replace(b"+", b" "))
