"""Names of stored files: one folder per account, file names made by us. Pure."""

import re
import uuid
from uuid import UUID

USERS = "users"
# What every key of ours looks like; a text that does not is never looked for.
_KEY = re.compile(rf"{USERS}/[0-9a-f-]{{36}}/[A-Za-z0-9][A-Za-z0-9._-]*\Z")
# A copy beside which the same lies as WebP: its name alone says so, since signed addresses are
# served without a query. A preferred name never ends in a dash.
_HAS_WEBP = re.compile(r"(.+_[0-9]+_[0-9a-f]{8}-)\.(?:jpg|png|gif)\Z")


def folder_of(owner_id: UUID) -> str:
    """Return the folder of an account's files."""
    return f"{USERS}/{owner_id}/"


def owner_of(key: str) -> UUID:
    """Return the account whose folder a key lies in; raise ValueError for none of ours."""
    return UUID(key.split("/", 2)[1])


def original_key(owner_id: UUID, uid: UUID, extension: str) -> str:
    """Return the key of a picture as uploaded."""
    return f"{folder_of(owner_id)}{uid}.{extension}"


def copy_key(original: str, mark: str, extension: str, *, has_webp: bool = False) -> str:
    """Return a fresh key for something made of an original; never one that was used before.

    With `has_webp`, `webp_beside` names the second key.
    """
    stem = original.rsplit(".", 1)[0]
    dash = "-" if has_webp else ""
    return f"{stem}_{mark}_{uuid.uuid4().hex[:8]}{dash}.{extension}"


def webp_beside(key: str) -> str | None:
    """Return the key of the WebP that lies beside a thumbnail, None where there is none."""
    match = _HAS_WEBP.match(key)
    return f"{match[1]}.webp" if match else None


def is_key(text: str) -> bool:
    """Tell whether a text could be a key at all: no folder but the account's, no odd letter."""
    return _KEY.match(text) is not None
