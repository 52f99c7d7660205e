"""Pictures in JSON: measured first, then decoded once, piece by piece, into a file."""

from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from accounts.models import User
from api.views import MAX_TEXT_BODY_SIZE
from images.formats.limits import RefusedPicture
from images.sandbox.work_dir import work_dir
from images.services import check_upload_size

# A piece in characters of base64 and in bytes: multiples of 4 and of 3, so that no piece but the
# last is padded.
_PIECE_CHARACTERS = 64 * 1024
_PIECE_BYTES = 48 * 1024
# The longest "data:…;base64" that is looked for.
_MAX_HEAD = 200


def max_base64_body_size(owner: User) -> int:
    """Return the bytes of a JSON body that holds the largest picture of the owner's tier."""
    return owner.tier.max_upload_bytes * 4 // 3 + MAX_TEXT_BODY_SIZE


@contextmanager
def decode_to_file(text: str, owner: User) -> Iterator[Path]:
    """Yield a temporary file with the bytes of a data URI (RFC 2397) or of base64 (RFC 4648).

    Raise RefusedPicture for anything else, and UploadTooLarge before a byte is decoded.
    """
    start = _find_data(text)
    check_upload_size(owner, (len(text) - start) * 3 // 4 - 2)
    with NamedTemporaryFile(dir=work_dir()) as file:
        try:
            for piece in _decode_pieces(text, start):
                file.write(piece)
        except (NotBase64, ValueError) as error:
            raise RefusedPicture("not_an_image", "This is not base64.") from error
        file.flush()
        yield Path(file.name)


def restore_plus_signs(text: str) -> str:
    """Undo what a form makes of a `+` that the client did not escape: a blank.

    Blanks stay, as line breaks do, where the rest is whole without them and would not be with them.
    """
    head, data = text[: _find_data(text)], text[_find_data(text) :].strip(" ")
    blanks = data.count(" ")
    if (len(data) - blanks) % 4 == 0 and len(data) % 4:
        return head + data
    return head + data.replace(" ", "+")


def encode_base64(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file's bytes as base64, piece by piece; close the file."""
    with file:
        while piece := file.read(_PIECE_BYTES):
            yield b2a_base64(piece, newline=False)


def base64_length(size: int) -> int:
    """Return the characters of base64 that stand for `size` bytes."""
    return (size + 2) // 3 * 4


def _find_data(text: str) -> int:
    if text[:5].lower() != "data:":
        return 0
    head, comma, _ = text[: _MAX_HEAD + 1].partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise RefusedPicture("not_an_image", "This is not a data URI in base64.")
    return len(head) + 1


def _decode_pieces(text: str, start: int) -> Iterator[bytes]:
    """Decode strictly, but allow line breaks and missing padding at the end."""
    rest, padded = "", False
    for position in range(start, len(text), _PIECE_CHARACTERS):
        characters = rest + "".join(text[position : position + _PIECE_CHARACTERS].split())
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
