"""The picture of accounts that chose none: drawn for Tintype, copied into an account on wish."""

import re
import uuid
from functools import cache
from pathlib import Path
from uuid import UUID

from django.db import transaction

from accounts.models import User
from images.formats.facts import facts_of
from images.formats.registry import FORMATS
from images.models import Picture
from images.services import build_picture, lock_owner
from images.signals import picture_activated, picture_created
from images.storage.base import picture_storage
from images.storage.keys import folder_of, original_key
from images.storage.transactions import committed_with, save_all

DEFAULT_FILE = Path(__file__).parent / "assets" / "default.png"
# Known without decoding it each time; a test holds this against the file.
FACTS = facts_of(FORMATS["PNG"], (512, 512))
_LONGEST_STEM = 100
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


@cache
def default_bytes() -> bytes:
    """Return the default picture's bytes."""
    return DEFAULT_FILE.read_bytes()


@transaction.atomic
def copy_default(*, owner: User, visibility: str, wished_name: str = "") -> Picture | None:
    """Give an account without pictures a copy of the default one, active from the start.

    Returns None, and changes nothing, where it has a picture already. The wished name is only a
    wish: see `_free_key`.
    """
    lock_owner(owner.pk)
    if Picture.objects.owned_by(owner).exists():
        return None
    uid = uuid.uuid4()
    key = _free_key(owner.pk, uid, wished_name)
    picture = build_picture(DEFAULT_FILE, FACTS, uid=uid, owner=owner, key=key)
    picture.visibility, picture.is_active = visibility, True
    save_all({key: DEFAULT_FILE})
    with committed_with(key):
        _announce(picture)
    return picture


def _announce(picture: Picture) -> None:
    picture.save(force_insert=True)
    picture_created.send(sender=Picture, picture=picture)
    picture_activated.send(sender=Picture, picture=picture)


def _free_key(owner_id: UUID, uid: UUID, wished_name: str) -> str:
    """Return the wished name's key where it is harmless and free, else one of our own making."""
    stem = safe_stem(wished_name)
    wished = f"{folder_of(owner_id)}{stem}.{FACTS.extension}"
    if stem and not picture_storage.exists(wished):
        return wished
    return original_key(owner_id, uid, FACTS.extension)


def safe_stem(name: str) -> str:
    """Return what is usable of a wished file name: its last part, plain letters, no extension.

    Empty where nothing is.
    """
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem = base.rsplit(".", 1)[0] or base
    return _ODD.sub("_", stem).strip("._-")[:_LONGEST_STEM].rstrip("._-")
