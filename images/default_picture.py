"""The picture of accounts that have none: drawn for Tintype, and copied into an account."""

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
from images.storage.transactions import stored_files

DEFAULT_FILE = Path(__file__).parent / "assets" / "default.png"
# Known without decoding the file; a test compares both.
FACTS = facts_of(FORMATS["PNG"], (512, 512))
_MAX_STEM_LENGTH = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@cache
def default_bytes() -> bytes:
    """Return the default picture's bytes."""
    return DEFAULT_FILE.read_bytes()


@transaction.atomic
def copy_default(*, owner: User, visibility: str, preferred_name: str = "") -> Picture | None:
    """Give an account without pictures a copy of the default one, active from the start.

    Return None, and change nothing, where it has a picture already. `preferred_name` is used where
    it is a harmless file name that is free.
    """
    lock_owner(owner.pk)
    if Picture.objects.owned_by(owner).exists():
        return None
    uid = uuid.uuid4()
    key = _free_key(owner.pk, uid, preferred_name)
    picture = build_picture(DEFAULT_FILE, FACTS, uid=uid, owner=owner, key=key)
    picture.visibility, picture.is_active = visibility, True
    with stored_files({key: DEFAULT_FILE}):
        picture.save(force_insert=True)
        picture_created.send(sender=Picture, picture=picture)
        picture_activated.send(sender=Picture, picture=picture)
    return picture


def _free_key(owner_id: UUID, uid: UUID, preferred_name: str) -> str:
    stem = safe_stem(preferred_name)
    preferred = f"{folder_of(owner_id)}{stem}.{FACTS.extension}"
    if stem and not picture_storage.exists(preferred):
        return preferred
    return original_key(owner_id, uid, FACTS.extension)


def safe_stem(name: str) -> str:
    """Return what can be used of a file name: its last part in plain letters, without extension.

    Empty where nothing can.
    """
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem = base.rsplit(".", 1)[0] or base
    return _UNSAFE.sub("_", stem).strip("._-")[:_MAX_STEM_LENGTH].rstrip("._-")
