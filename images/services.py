"""What people do with their pictures."""

import hashlib
import uuid
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone

from accounts.models import User
from images.exceptions import PictureIsActive, PictureTooCostly, QuotaExceeded, UploadTooLarge
from images.formats.inspect import (
    Facts,
    Limits,
    RefusedPicture,
    inspect,
)
from images.metrics import UPLOAD_BYTES
from images.models import Picture
from images.sandbox.pool import run_sandboxed
from images.signals import (
    picture_activated,
    picture_created,
    picture_deleted,
    picture_updated,
    pictures_cleared,
    thumbnails_wanted,
)
from images.storage import base as picture_storage
from images.storage.keys import original_key
from images.storage.transactions import committed_with, save_all


def create_picture(
    *,
    owner: User,
    upload: Path,
    visibility: str = Picture.Visibility.PRIVATE,
    description: str = "",
) -> Picture:
    """Store an uploaded file as a picture; bytes and row are durable on return.

    The file must lie in `images.sandbox.work_dir.work_dir()`, where uploads go.

    Raises UploadTooLarge, RefusedPicture (what is wrong with the file), QuotaExceeded, and
    ValidationError for the description. Whatever is raised leaves nothing behind, unless the
    database or the storage went away: `manage.py verify_storage` finds what they kept.
    """
    refuse_too_large(owner, upload.stat().st_size)
    facts = _inspected(upload, limits_of(owner))
    uid = uuid.uuid4()
    key = original_key(owner.pk, uid, facts.extension)
    picture = picture_of(upload, facts, uid=uid, owner=owner, key=key)
    picture.visibility, picture.description = visibility, description
    picture.clean_fields(exclude=["owner"])
    save_all({picture.key: upload})
    with committed_with(picture.key):
        _insert(picture, upload)
    UPLOAD_BYTES.observe(picture.bytes)
    return picture


def _inspected(upload: Path, limits: Limits) -> Facts:
    try:
        return run_sandboxed(inspect, upload, limits)
    except PictureTooCostly as killed:
        raise RefusedPicture("too_costly", str(killed)) from killed


def picture_of(source: Path, facts: Facts, **fields: Any) -> Picture:
    """Describe a file as a picture that is not stored yet."""
    return Picture(
        format=facts.format,
        width=facts.width,
        height=facts.height,
        frames=facts.frames,
        bytes=source.stat().st_size,
        sha256=_sha256(source),
        **fields,
    )


def refuse_too_large(owner: User, size: int) -> None:
    """Raise UploadTooLarge when a file of `size` bytes exceeds the owner's tier."""
    if size > owner.tier.max_upload_bytes:
        raise UploadTooLarge(owner.tier.max_upload_bytes)


def limits_of(owner: User) -> Limits:
    """Return what an owner's tier lets a picture be."""
    return Limits(max_bytes=owner.tier.max_upload_bytes, max_pixels=owner.tier.max_pixels)


def lock_owner(owner_id: UUID) -> None:
    """Have whoever adds to, empties or rearranges this account's pictures wait for this commit.

    Only inside a transaction; SQLite has one writer at a time as it is. Raises User.DoesNotExist.
    """
    User.objects.select_for_update(no_key=True).only("pk").get(pk=owner_id)


def lock_picture(picture_id: int) -> Picture:
    """Return a picture as it is now, and have whoever changes or deletes it wait for this commit.

    Only inside a transaction. Raises Picture.DoesNotExist when it went in between: whoever loaded
    it before hears so here, not by a write that meets no row.
    """
    return Picture.objects.select_for_update().get(pk=picture_id)


def _insert(picture: Picture, upload: Path) -> None:
    lock_owner(picture.owner_id)
    _refuse_over_quota(picture)
    picture.save(force_insert=True)
    # `delete_all` may have emptied the folder between the file and its row; now it waits for us.
    if not picture_storage.exists(picture.key):
        picture_storage.save(picture.key, upload)
    picture_created.send(sender=Picture, picture=picture)


def _refuse_over_quota(picture: Picture) -> None:
    """Count under the lock on the owner, so that two uploads cannot share the last place."""
    tier = picture.owner.tier
    if tier.max_pictures is None and tier.max_stored_bytes is None:
        return
    stored = Picture.objects.owned_by(picture.owner_id).aggregate(n=Count("pk"), b=Sum("bytes"))
    if tier.max_pictures is not None and stored["n"] >= tier.max_pictures:
        raise QuotaExceeded("The account holds as many pictures as its tier allows.")
    if tier.max_stored_bytes is not None and (
        (stored["b"] or 0) + picture.bytes > tier.max_stored_bytes
    ):
        raise QuotaExceeded("The account's storage is full.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@transaction.atomic
def update_picture(
    picture: Picture, *, description: str | None = None, visibility: str | None = None
) -> None:
    """Change what is given, and only that.

    Raises ValidationError naming the field, and Picture.DoesNotExist when it went in between.
    """
    given = {"description": description, "visibility": visibility}
    changes = {name: value for name, value in given.items() if value is not None}
    for name, value in changes.items():
        setattr(picture, name, value)
    if "\0" in picture.description:
        raise ValidationError({"description": "Null characters are not allowed."})
    picture.clean_fields(exclude=["owner"])
    lock_picture(picture.pk)
    picture.save(update_fields=[*changes, "updated_at"])
    picture_updated.send(sender=Picture, picture=picture)


@transaction.atomic
def activate(picture: Picture) -> None:
    """Make a picture its owner's only active one; nothing happens where it is that already.

    The lock on the owner puts parallel calls in a row; the unique constraint holds for any other
    writer. Raises Picture.DoesNotExist when the picture went in between.
    """
    lock_owner(picture.owner_id)
    picture.refresh_from_db(from_queryset=Picture.objects.select_for_update())
    if picture.is_active:
        return
    Picture.objects.owned_by(picture.owner_id).active().update(
        is_active=False, updated_at=timezone.now()
    )
    picture.is_active = True
    picture.save(update_fields=["is_active", "updated_at"])
    picture_activated.send(sender=Picture, picture=picture)


@transaction.atomic
def delete_picture(picture: Picture) -> None:
    """Remove a picture, its thumbnails and its links; the files follow on commit.

    Raises Picture.DoesNotExist when it went in between. It is locked before anyone is told: every
    writer locks pictures before what receivers lock. What goes is the row as it is now, with a
    clean copy that was made since the caller loaded it.
    """
    current = lock_picture(picture.pk)
    picture_deleted.send(sender=Picture, picture=current)
    current.delete()


@transaction.atomic
def delete_unless_active(picture: Picture) -> None:
    """Remove a picture that does not stand for its account at this moment.

    Raises PictureIsActive, and Picture.DoesNotExist when the picture went in between.
    """
    lock_owner(picture.owner_id)
    picture.refresh_from_db()
    if picture.is_active:
        raise PictureIsActive
    delete_picture(picture)


@transaction.atomic
def delete_all(owner_id: UUID) -> int:
    """Remove every picture of an account, and its folder on commit.

    Returns how many, and repeats harmlessly, also where the account itself is gone.
    """
    User.objects.select_for_update(no_key=True).filter(pk=owner_id).first()
    pictures = Picture.objects.owned_by(owner_id)
    # Locked before anyone is told: every writer locks pictures before what receivers lock.
    count = len(pictures.select_for_update().order_by("pk").values_list("pk"))
    if count:
        pictures_cleared.send(sender=Picture, owner_id=owner_id)
        pictures.delete()
    transaction.on_commit(partial(_empty_folder, owner_id), robust=True)
    return count


@transaction.atomic
def _empty_folder(owner_id: UUID) -> None:
    """Remove also what no row names, such as the file of an upload that died before its row.

    An upload under way waits here with its row, then looks after its file (see `_insert`).
    """
    User.objects.select_for_update(no_key=True).filter(pk=owner_id).first()
    if not Picture.objects.owned_by(owner_id).exists():
        picture_storage.empty_folder(owner_id)


@transaction.atomic
def want_thumbnails_again(picture_ids: list[int], *, anew: bool = False) -> None:
    """Ask for thumbnails once more, with all attempts before them.

    `anew` has those replaced that are there already; they are served until then.
    """
    Picture.objects.filter(pk__in=picture_ids).want_thumbnails()
    thumbnails_wanted.send(sender=Picture, picture_ids=picture_ids, anew=anew)
