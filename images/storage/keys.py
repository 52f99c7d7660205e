"""Names of stored files: one folder per account, file names made by us. Pure."""

import re
import uuid
from uuid import UUID

USERS = "users"
# What every key of ours looks like; a text that does not is never looked for.
_KEY = re.compile(rf"{USERS}/[0-9a-f-]{{36}}/[A-Za-z0-9][A-Za-z0-9._-]*\Z")
# A thumbnail beside which the same lies in smaller formats. Its name alone says so, by one dash for
# a WebP and two for an AVIF too, since signed addresses are served without a query; three say that
# they were made later, or are yet to be made, each where it came out smaller. A preferred name
# never ends in a dash; of as many as an earlier release does not know it makes nothing.
_HAS_BESIDE = re.compile(r"(.+_[0-9]+_[0-9a-f]{8}(-{1,3}))\.(jpg|png|gif)\Z")
_DASHES: dict[tuple[str, ...], str] = {(): "", ("webp",): "-", ("webp", "avif"): "--"}
_BESIDE = {dashes: extensions for extensions, dashes in _DASHES.items()}
_LATER = "---"


def folder_of(owner_id: UUID) -> str:
    """Return the folder of an account's files."""
    return f"{USERS}/{owner_id}/"


def parent_of(key: str) -> str:
    """Return the folder that a file lies in."""
    return key.rsplit("/", 1)[0] + "/"


def owner_of(key: str) -> UUID:
    """Return the account whose folder a key lies in; raise ValueError for none of ours."""
    return UUID(key.split("/", 2)[1])


def original_key(owner_id: UUID, uid: UUID, extension: str) -> str:
    """Return the key of a picture as uploaded."""
    return f"{folder_of(owner_id)}{uid}.{extension}"


def copy_key(original: str, mark: str, extension: str, *, beside: tuple[str, ...] = ()) -> str:
    """Return a fresh key for something made of an original; never one that was used before.

    `beside` are the extensions of what lies beside it, which `keys_beside` finds again.
    """
    return _fresh_key(original, mark, _DASHES[beside], extension)


def key_before_beside(original: str, mark: str, extension: str) -> str:
    """Return a fresh key as `copy_key` does, of what something may lie beside later."""
    return _fresh_key(original, mark, _LATER, extension)


def _fresh_key(original: str, mark: str, dashes: str, extension: str) -> str:
    stem = original.rsplit(".", 1)[0]
    return f"{stem}_{mark}_{uuid.uuid4().hex[:8]}{dashes}.{extension}"


def keys_beside(key: str) -> dict[str, str]:
    """Return the keys of what lies beside a thumbnail in smaller formats, by their extensions.

    Where `may_lack_beside`, what may lie there.
    """
    # Most keys are told by this, which takes a tenth of the pattern's time.
    match = _HAS_BESIDE.match(key) if "-." in key else None
    if not match:
        return {}
    stem, dashes, extension = match.groups()
    if dashes == _LATER:
        beside: tuple[str, ...] = ("webp", "avif") if extension == "jpg" else ("webp",)
    else:
        beside = _BESIDE[dashes]
    return {each: f"{stem}.{each}" for each in beside}


def may_lack_beside(key: str) -> bool:
    """Tell whether what `keys_beside` returns is yet to be made, or may not exist."""
    match = _HAS_BESIDE.match(key) if f"{_LATER}." in key else None
    return match is not None and match[2] == _LATER


def is_key(text: str) -> bool:
    """Tell whether a text could be a key at all: no folder but the account's, no odd letter."""
    return _KEY.match(text) is not None
