"""Forms with a file, as clients write them: the file needs no name, and the charset is minded.

Django's own parser takes a part without a file name for text. Its stream, which finds the
boundaries, is used here; what a part is, is decided here.
"""

import re
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Iterable, Iterator, Mapping
from email.parser import HeaderParser
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import QueryDict
from django.http.multipartparser import ChunkIter, InterBoundaryIter, LazyStream
from django.utils.datastructures import MultiValueDict
from django.utils.http import parse_header_parameters
from rest_framework import parsers
from rest_framework.exceptions import ParseError

from api.parsers import read_charset
from images.file_names import to_base_name

# With what is put before it less than the C library takes anew from the kernel each time (128 KiB).
_CHUNK_SIZE = 120 * 1024
_MAX_HEADER_SIZE = 8 * 1024
# RFC 2046, section 5.1.1; longer ones than it allows are taken.
_BOUNDARY = re.compile("[ -~]{0,200}[!-~]")
# The name of a file that came without one, as no client can send it: Django refuses an empty one.
_UNNAMED = "\x7f"


class MultiPartParser(parsers.BaseParser):
    """A form with at most one file; the part of the view's `file_field` is it, named or not."""

    media_type = "multipart/form-data"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> "parsers.DataAndFiles[Any, Any]":
        """Raise ParseError for a form that is not whole, so that no half of a file is taken."""
        context = parser_context or {}
        [handler] = context["request"].upload_handlers
        form = _Form(
            handler, getattr(context["view"], "file_field", ""), read_charset(media_type) or "utf-8"
        )
        try:
            form.read(stream, _read_boundary(media_type))
        except Exception:
            form.close()
            raise
        return parsers.DataAndFiles(form.fields, form.files)


class _Form:
    def __init__(self, handler: FileUploadHandler, file_field: str, charset: str) -> None:
        self.fields = QueryDict(mutable=True)
        self.files: MultiValueDict[str, Any] = MultiValueDict()
        self._handler = handler
        self._file_field = file_field
        self._charset = charset
        self._field_count = 0
        self._bytes_left = settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    def read(self, stream: Any, boundary: bytes) -> None:
        is_closed = False
        for part in InterBoundaryIter(LazyStream(ChunkIter(stream, _CHUNK_SIZE)), b"--" + boundary):
            is_closed = self._read_part(part)
        if not is_closed:
            raise ParseError

    def close(self) -> None:
        """Remove the file, whole or not; each ends when it is closed."""
        self._handler.upload_interrupted()
        for _, files in self.files.lists():
            for file in files:
                file.close()

    def _read_part(self, part: LazyStream) -> bool:
        """Read one part; return whether it is what follows the closing boundary."""
        head = part.read(_MAX_HEADER_SIZE)
        headers, blank_line, rest = head.partition(b"\r\n\r\n")
        part.unget(rest)
        if not blank_line or head.startswith(b"--"):
            _skip(part)
            return head.startswith(b"--")
        message = HeaderParser().parsestr(headers.strip(b"\r\n").decode(errors="replace"))
        disposition = _read_parameters(message.get("Content-Disposition", ""))
        name, file_name = disposition.get("name", "").strip(), disposition.get("filename", "")
        content: Iterator[bytes] = iter(part)
        if message.get("Content-Transfer-Encoding", "").strip().lower() == "base64":
            content = _decode_base64(content)
        if file_name or (name and name == self._file_field):
            self._read_file(name, file_name, content)
        elif name:
            self._read_field(name, content)
        _skip(part)
        return False

    def _read_field(self, name: str, content: Iterable[bytes]) -> None:
        self._field_count += 1
        if self._field_count > settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
            raise TooManyFieldsSent("Too many fields.")
        value = bytearray()
        for chunk in content:
            value += chunk
            if len(value) + len(name) > self._bytes_left:
                raise RequestDataTooBig("The fields are too large.")
        self._bytes_left -= len(value) + len(name)
        try:
            self.fields.appendlist(name, value.decode(self._charset))
        except UnicodeDecodeError as error:
            raise ParseError from error

    def _read_file(self, field: str, name: str, content: Iterable[bytes]) -> None:
        # Not under the client's name: of that, part would become the temporary file's.
        self._handler.new_file(field, "upload", "", None, None, None)
        size = 0
        for chunk in content:
            self._handler.receive_data_chunk(chunk, size)
            size += len(chunk)
        file = self._handler.file_complete(size)
        if file is None:
            raise ParseError
        file.name = to_base_name(name) or _UNNAMED
        if not size and not name:  # a browser's field in which no file was chosen
            file.close()
            return
        self.files.appendlist(field, file)
        if sum(map(len, dict(self.files.lists()).values())) > settings.DATA_UPLOAD_MAX_NUMBER_FILES:
            raise TooManyFilesSent("Too many files.")


def _read_boundary(media_type: str | None) -> bytes:
    boundary = _read_parameters(media_type or "").get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise ParseError
    return boundary.encode()


def _read_parameters(value: str) -> dict[str, str]:
    try:
        return parse_header_parameters(value)[1]
    except ValueError as error:
        raise ParseError from error


def _decode_base64(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        text = rest + b"".join(chunk.split())
        whole = len(text) // 4 * 4
        rest = text[whole:]
        try:
            yield a2b_base64(text[:whole])
        except NotBase64 as error:
            raise ParseError from error
    if rest:
        raise ParseError


def sent_name(file: UploadedFile[Any]) -> str:
    """Return the base name that a client gave a file of a form, "" where it gave none."""
    return "" if file.name in {None, _UNNAMED} else str(file.name)


def _skip(part: LazyStream) -> None:
    for _ in part:
        pass
