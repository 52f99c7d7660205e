"""Names of stored files: one folder per account, file names made by us. Pure."""

import re
import uuid
from uuid import UUID

USERS = "users"
# What every key of ours looks like; a text that does not is never looked for.
_KEY = re.compile(rf"{USERS}/[0-9a-f-]{{36}}/[A-Za-z0-9][A-Za-z0-9._-]*\Z")
# A thumbnail beside which the same lies in smaller formats. Its name alone says so, by one dash for
# a WebP and two for an AVIF too, since signed addresses are served without a query. A preferred
# name never ends in a dash; of two an earlier release makes nothing.
_HAS_BESIDE = re.compile(r"(.+_[0-9]+_[0-9a-f]{8}(--?))\.(?:jpg|png|gif)\Z")
_DASHES: dict[tuple[str, ...], str] = {(): "", ("webp",): "-", ("webp", "avif"): "--"}
_BESIDE = {dashes: extensions for extensions, dashes in _DASHES.items()}


def folder_of(owner_id: UUID) -> str:
    """Return the folder of an account's files."""
    return f"{USERS}/{owner_id}/"


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
    stem = original.rsplit(".", 1)[0]
    return f"{stem}_{mark}_{uuid.uuid4().hex[:8]}{_DASHES[beside]}.{extension}"


def keys_beside(key: str) -> dict[str, str]:
    """Return the keys of what lies beside a thumbnail in smaller formats, by their extensions."""
    match = _HAS_BESIDE.match(key)
    return {each: f"{match[1]}.{each}" for each in _BESIDE[match[2]]} if match else {}


def is_key(text: str) -> bool:
    """Tell whether a text could be a key at all: no folder but the account's, no odd letter."""
    return _KEY.match(text) is not None
