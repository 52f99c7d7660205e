"""Pictures inside JSON: measured first, then decoded once, piece by piece, into a file."""

from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from accounts.models import User
from api.views import SMALL_BODY
from images.formats.limits import RefusedPicture
from images.sandbox.work_dir import work_dir
from images.services import check_upload_size

# A multiple of 4 characters of base64, and of 3 bytes: pieces meet without padding.
_CHARACTERS = 64 * 1024
_BYTES = 48 * 1024
_LONGEST_HEAD = 200


def largest_json_body(owner: User) -> int:
    """Return how many bytes of JSON the largest picture of an owner's tier needs."""
    return owner.tier.max_upload_bytes * 4 // 3 + SMALL_BODY


@contextmanager
def decoded(text: str, owner: User) -> Iterator[Path]:
    """Yield a file with the bytes of a data URI (RFC 2397) or of plain base64 (RFC 4648).

    Raises RefusedPicture for anything else, UploadTooLarge before a byte is decoded.
    """
    start = _start(text)
    check_upload_size(owner, (len(text) - start) * 3 // 4 - 2)
    with NamedTemporaryFile(dir=work_dir()) as file:
        try:
            for piece in _pieces(text, start):
                file.write(piece)
        except (NotBase64, ValueError) as error:
            raise RefusedPicture("not_an_image", "This is not base64.") from error
        file.flush()
        yield Path(file.name)


def encoded(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file's bytes as base64, piece by piece; closes it."""
    with file:
        while piece := file.read(_BYTES):
            yield b2a_base64(piece, newline=False)


def encoded_length(size: int) -> int:
    """Return how many characters of base64 so many bytes are."""
    return (size + 2) // 3 * 4


def _start(text: str) -> int:
    if text[:5].lower() != "data:":
        return 0
    head, comma, _ = text[: _LONGEST_HEAD + 1].partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise RefusedPicture("not_an_image", "This is not a data URI in base64.")
    return len(head) + 1


def _pieces(text: str, start: int) -> Iterator[bytes]:
    """Decode strictly; line breaks and missing padding at the end are forgiven."""
    rest, padded = "", False
    for place in range(start, len(text), _CHARACTERS):
        characters = rest + "".join(text[place : place + _CHARACTERS].split())
        whole = len(characters) // 4 * 4
        rest = characters[whole:]
        if padded and characters:
            raise NotBase64("more after the padding")
        padded = characters[:whole].endswith("=")
        yield a2b_base64(characters[:whole], strict_mode=True)
    if rest:
        if padded:
            raise NotBase64("more after the padding")
        yield a2b_base64(rest + "=" * (-len(rest) % 4), strict_mode=True)
