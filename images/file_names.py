"""Names of pictures' files, as their uploaders call them; the storage has names of ours."""

import unicodedata

from django.core.exceptions import ValidationError

MAX_NAME_LENGTH = 255
_MAX_EXTENSION_LENGTH = 20
# Control characters, lone surrogates, and separators of lines and paragraphs.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
# They turn the direction of what follows: `photo\u202egpj.exe` is shown as `photoexe.jpg`.
_DIRECTION_MARKS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def to_base_name(sent: str) -> str:
    """Return what is kept of a name that came with a file; "" where nothing can be.

    That is the last part of a path, whichever system wrote it, without control characters and of
    at most MAX_NAME_LENGTH characters, with its extension.
    """
    name = sent.replace("\\", "/").rpartition("/")[2]
    name = unicodedata.normalize("NFC", "".join(filter(_may_stand, name))).strip()
    if len(name) > MAX_NAME_LENGTH:
        stem, dot, extension = name.rpartition(".")
        tail = f"{dot}{extension}" if stem and len(extension) <= _MAX_EXTENSION_LENGTH else ""
        name = name[: MAX_NAME_LENGTH - len(tail)].strip() + tail
    return "" if name in {".", ".."} else name


def validate_base_name(name: str) -> None:
    """Raise ValidationError for what is no base name; "" stands for none."""
    if len(name) > MAX_NAME_LENGTH:
        raise ValidationError(f"A name has at most {MAX_NAME_LENGTH} characters.")
    if "/" in name or "\\" in name or name in {".", ".."}:
        raise ValidationError("A name is no path.")
    if not all(map(_may_stand, name)):
        raise ValidationError("A name has no control characters.")


def replace_extension(name: str, extension: str) -> str:
    """Return a name for the same picture in another format."""
    stem, _, _ = name.rpartition(".")
    return f"{stem or name}.{extension}"


def _may_stand(character: str) -> bool:
    is_refused = unicodedata.category(character) in _REFUSED_CATEGORIES
    return not is_refused and character not in _DIRECTION_MARKS
