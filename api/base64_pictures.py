"""Pictures in JSON: measured first, then decoded once, piece by piece, into a file."""

from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from accounts.models import User
from api.long_texts import LongText, Text
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
def decode_to_file(
    text: Text, owner: User, *, plus_signs_are_blanks: bool = False
) -> Iterator[Path]:
    """Yield a temporary file with the bytes of a data URI (RFC 2397) or of base64 (RFC 4648).

    In a form, a `+` that the client did not escape has become a blank. Raise RefusedPicture for
    anything else, and UploadTooLarge before a byte is decoded.
    """
    start = _find_data(text)
    check_upload_size(owner, (len(text) - start) * 3 // 4 - 2)
    with NamedTemporaryFile(dir=work_dir()) as file:
        pieces = _data_pieces(text, start)
        if plus_signs_are_blanks and _has_lost_plus_signs(_data_pieces(text, start)):
            pieces = _restore_plus_signs(pieces)
        try:
            for piece in _decode_pieces(pieces):
                file.write(piece)
        except (NotBase64, ValueError) as error:
            raise RefusedPicture("not_an_image", "This is not base64.") from error
        file.flush()
        yield Path(file.name)


def _data_pieces(text: Text, start: int) -> Iterator[str]:
    if isinstance(text, LongText):
        for piece in text.pieces():
            yield piece[start:]
            start = max(0, start - len(piece))
    else:
        for position in range(start, len(text), _PIECE_CHARACTERS):
            yield text[position : position + _PIECE_CHARACTERS]


def _has_lost_plus_signs(pieces: Iterator[str]) -> bool:
    """Tell whether blanks stand for plus signs.

    They do not, as line breaks do not, where the rest is whole without them and would not be with
    them.
    """
    length = blanks = 0
    for piece in _strip_blanks(pieces):
        length += len(piece)
        blanks += piece.count(" ")
    return not ((length - blanks) % 4 == 0 and length % 4)


def _restore_plus_signs(pieces: Iterator[str]) -> Iterator[str]:
    return (piece.replace(" ", "+") for piece in _strip_blanks(pieces))


def _strip_blanks(pieces: Iterator[str]) -> Iterator[str]:
    """Leave out the blanks before and behind."""
    has_begun, held_back = False, ""
    for piece in pieces:
        text = held_back + (piece if has_begun else piece.lstrip(" "))
        stripped = text.rstrip(" ")
        held_back = text[len(stripped) :]
        has_begun = has_begun or bool(stripped)
        yield stripped


def encode_base64(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file's bytes as base64, piece by piece; close the file."""
    with file:
        while piece := file.read(_PIECE_BYTES):
            yield b2a_base64(piece, newline=False)


def base64_length(size: int) -> int:
    """Return the characters of base64 that stand for `size` bytes."""
    return (size + 2) // 3 * 4


def _find_data(text: Text) -> int:
    beginning = text.beginning if isinstance(text, LongText) else text
    if beginning[:5].lower() != "data:":
        return 0
    head, comma, _ = beginning[: _MAX_HEAD + 1].partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise RefusedPicture("not_an_image", "This is not a data URI in base64.")
    return len(head) + 1


def _decode_pieces(pieces: Iterator[str]) -> Iterator[bytes]:
    """Decode strictly, but allow line breaks and missing padding at the end."""
    rest, padded = "", False
    for piece in pieces:
        characters = rest + "".join(piece.split())
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
