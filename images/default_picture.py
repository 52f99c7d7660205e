"""The picture of accounts that have none: the operator's, or ours; it is copied into an account."""

import hashlib
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from accounts.models import User
from images.file_names import replace_extension, to_base_name
from images.formats.facts import Facts, facts_of
from images.formats.limits import Limits, RefusedPicture
from images.formats.registry import FORMATS
from images.models import Picture
from images.removals import FileRemoved, RemovedFile, require_kept, reserve, take
from images.sandbox.work_dir import work_dir
from images.services import build_picture, inspect_upload, lock_owner
from images.signals import picture_activated, picture_created
from images.storage.base import picture_storage
from images.storage.keys import folder_of, original_key
from images.storage.transactions import stored_files

DEFAULT_FILE = Path(__file__).parent / "assets" / "default.png"
# Known without decoding the file; a test compares both.
FACTS = facts_of(FORMATS["PNG"], (512, 512))
# Of the operator's file: what an upload may be at most.
_LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)
_MAX_STEM_LENGTH = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class DefaultPicture:
    """A default picture as it was read: a file that is replaced counts from the next start on."""

    content: bytes
    facts: Facts

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @contextmanager
    def as_file(self) -> Iterator[Path]:
        """Yield a temporary file with its bytes."""
        with NamedTemporaryFile(dir=work_dir()) as file:
            file.write(self.content)
            file.flush()
            yield Path(file.name)


@cache
def our_default_picture() -> DefaultPicture:
    """Return the one that was drawn for Tintype."""
    return DefaultPicture(DEFAULT_FILE.read_bytes(), FACTS)


def default_picture() -> DefaultPicture:
    """Return the default picture in force.

    Raise ImproperlyConfigured where DEFAULT_PICTURE names no picture that could be uploaded.
    """
    path = settings.DEFAULT_PICTURE
    return _read_operators(path) if path else our_default_picture()


@cache
def _read_operators(path: str) -> DefaultPicture:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LIMITS.max_bytes + 1)
        if len(content) > _LIMITS.max_bytes:
            raise RefusedPicture("too_large", f"More than {_LIMITS.max_bytes} bytes.")
        with DefaultPicture(content, FACTS).as_file() as copy:
            return DefaultPicture(content, inspect_upload(copy, _LIMITS))
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise ImproperlyConfigured(f"DEFAULT_PICTURE cannot be read: {reason}.") from None
    except RefusedPicture as refused:
        raise ImproperlyConfigured(f"DEFAULT_PICTURE is not taken: {refused}") from None


def check_default_picture(**kwargs: Any) -> list[CheckMessage]:
    """Report a DEFAULT_PICTURE that cannot be used; a system check, which `migrate` runs too."""
    try:
        default_picture()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="images.E001")]
    return []


class _HasPicture(Exception):
    """The account has a picture."""


def copy_default(*, owner: User, visibility: str, preferred_name: str = "") -> Picture | None:
    """Give an account without pictures a copy of the default one, active from the start.

    Return None, and change nothing, where it has a picture already. `preferred_name` is used where
    it is a harmless file name that is free.
    """
    default = default_picture()
    fields = {"owner": owner, "visibility": visibility, "is_active": True}
    if name := to_base_name(preferred_name):
        fields["name"] = to_base_name(replace_extension(name, default.facts.extension))
    try:
        reserved = _reserve(owner.pk, preferred_name, default.facts.extension)
        while True:
            try:
                return _store(default, reserved, fields)
            except FileRemoved:
                # It took too long, or somebody emptied the folder meanwhile.
                reserved = None
    except _HasPicture:
        return None


def _reserve(owner_id: UUID, preferred_name: str, extension: str) -> RemovedFile | None:
    stem = safe_stem(preferred_name)
    key = f"{folder_of(owner_id)}{stem}.{extension}"
    is_free = bool(stem) and not picture_storage.exists(key)
    with transaction.atomic():
        _lock_without_pictures(owner_id)
        return reserve(key) if is_free else None


def _lock_without_pictures(owner_id: UUID) -> None:
    lock_owner(owner_id)
    if Picture.objects.owned_by(owner_id).exists():
        raise _HasPicture


def _store(
    default: DefaultPicture, reserved: RemovedFile | None, fields: dict[str, Any]
) -> Picture:
    uid = uuid.uuid4()
    key = original_key(fields["owner"].pk, uid, default.facts.extension)
    key = reserved.key if reserved else key
    with default.as_file() as file:
        picture = build_picture(file, default.facts, uid=uid, key=key, **fields)
        with stored_files({key: file}):
            _insert(picture, reserved)
    return picture


def _insert(picture: Picture, reserved: RemovedFile | None) -> None:
    _lock_without_pictures(picture.owner_id)
    if reserved:
        take(reserved)
    else:
        require_kept(picture.key)
    picture.save(force_insert=True)
    picture_created.send(sender=Picture, picture=picture)
    picture_activated.send(sender=Picture, picture=picture)


def safe_stem(name: str) -> str:
    """Return what can be used of a file name: its last part in plain letters, without extension.

    Empty where nothing can.
    """
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem = base.rsplit(".", 1)[0] or base
    return _UNSAFE.sub("_", stem).strip("._-")[:_MAX_STEM_LENGTH].rstrip("._-")
