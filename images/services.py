"""What people do with their pictures."""

import hashlib
import uuid
from pathlib import Path
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Sum

from accounts.models import User
from images import storage
from images.decoding import Facts, Limits, RefusedPicture, inspect
from images.exceptions import QuotaExceeded, UploadTooLarge
from images.models import Picture
from images.sandbox import PictureKilledDecoder, confined
from images.signals import (
    picture_activated,
    picture_created,
    picture_deleted,
    picture_updated,
    pictures_cleared,
    thumbnails_wanted,
)


def create_picture(
    *,
    owner: User,
    upload: Path,
    visibility: str = Picture.Visibility.PRIVATE,
    description: str = "",
) -> Picture:
    """Store an uploaded file as a picture; bytes and row are durable on return.

    The file must lie in `images.sandbox.work_folder()`, where uploads go.

    Raises UploadTooLarge, RefusedPicture (what is wrong with the file), QuotaExceeded, and
    ValidationError for the description. Whatever is raised leaves nothing behind.
    """
    size = upload.stat().st_size
    refuse_too_large(owner, size)
    facts = _inspected(upload, limits_of(owner))
    uid = uuid.uuid4()
    picture = Picture(
        uid=uid,
        owner=owner,
        visibility=visibility,
        description=description,
        key=storage.original_key(owner.pk, uid, facts.extension),
        format=facts.format,
        width=facts.width,
        height=facts.height,
        frames=facts.frames,
        bytes=size,
        sha256=_sha256(upload),
    )
    picture.clean_fields(exclude=["owner"])
    storage.save(picture.key, upload)
    try:
        _insert(picture)
    except BaseException:
        storage.delete(picture.key)
        raise
    return picture


def _inspected(upload: Path, limits: Limits) -> Facts:
    try:
        return confined(inspect, upload, limits)
    except PictureKilledDecoder as killed:
        raise RefusedPicture("too_costly", str(killed)) from killed


def refuse_too_large(owner: User, size: int) -> None:
    """Raise UploadTooLarge when a file of `size` bytes exceeds the owner's tier."""
    if size > owner.tier.max_upload_bytes:
        raise UploadTooLarge(owner.tier.max_upload_bytes)


def limits_of(owner: User) -> Limits:
    """Return what an owner's tier lets a picture be."""
    return Limits(max_bytes=owner.tier.max_upload_bytes, max_pixels=owner.tier.max_pixels)


@transaction.atomic
def _insert(picture: Picture) -> None:
    _refuse_over_quota(picture)
    picture.save(force_insert=True)
    picture_created.send(sender=Picture, picture=picture)


def _refuse_over_quota(picture: Picture) -> None:
    """Count under a lock on the owner, so that two uploads cannot share the last place."""
    tier = picture.owner.tier
    if tier.max_pictures is None and tier.max_stored_bytes is None:
        return
    User.objects.select_for_update().get(pk=picture.owner_id)
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
    """Change what is given; raises ValidationError naming the field."""
    if description is not None:
        picture.description = description
    if visibility is not None:
        picture.visibility = visibility
    if "\0" in picture.description:
        raise ValidationError({"description": "Null characters are not allowed."})
    picture.clean_fields(exclude=["owner"])
    picture.save(update_fields=["description", "visibility", "updated_at"])
    picture_updated.send(sender=Picture, picture=picture)


@transaction.atomic
def activate(picture: Picture) -> None:
    """Make a picture its owner's only active one.

    The lock on the owner puts parallel calls in a row; the unique constraint holds for any other
    writer. Raises Picture.DoesNotExist when the picture went in between.
    """
    User.objects.select_for_update().get(pk=picture.owner_id)
    Picture.objects.owned_by(picture.owner_id).active().exclude(pk=picture.pk).update(
        is_active=False
    )
    picture.refresh_from_db()
    picture.is_active = True
    picture.save(update_fields=["is_active", "updated_at"])
    picture_activated.send(sender=Picture, picture=picture)


@transaction.atomic
def delete_picture(picture: Picture) -> None:
    """Remove a picture, its thumbnails and its links; the files follow on commit."""
    picture_deleted.send(sender=Picture, picture=picture)
    picture.delete()


@transaction.atomic
def delete_all(owner_id: UUID) -> int:
    """Remove every picture of an account; returns how many, and repeats harmlessly."""
    pictures = Picture.objects.owned_by(owner_id)
    count = pictures.count()
    if count:
        pictures_cleared.send(sender=Picture, owner_id=owner_id)
        pictures.delete()
    transaction.on_commit(lambda: storage.remove_folder(owner_id))
    return count


@transaction.atomic
def want_thumbnails_again(picture_ids: list[int], *, anew: bool = False) -> None:
    """Ask for thumbnails once more, with all attempts before them.

    `anew` has those replaced that are there already; they are served until then.
    """
    Picture.objects.filter(pk__in=picture_ids).want_thumbnails()
    thumbnails_wanted.send(sender=Picture, picture_ids=picture_ids, anew=anew)
