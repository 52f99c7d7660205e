"""What an account does with its pictures: upload, change, activate, delete."""

import hashlib
import uuid
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from images import pixels
from images.client_metadata import validate_metadata
from images.exceptions import PictureIsActive, PictureTooCostly, UploadTooLarge
from images.file_names import to_base_name
from images.formats.facts import Facts
from images.formats.limits import Limits, RefusedPicture
from images.ledger import insert_rows
from images.metrics import UPLOAD_BYTES
from images.models import STRIPPING_VERSION, Picture, PictureQuerySet
from images.removals import (
    BATCH_SIZE,
    FileRemoved,
    RemovedFile,
    remove_strays,
    require_kept,
)
from images.retries import Claim, Retry, store_once
from images.sandbox.work import inspect_and_shrink, inspect_picture
from images.signals import (
    picture_activated,
    picture_created,
    picture_deleted,
    picture_updated,
    pictures_updated,
    thumbnails_requested,
)
from images.storage.base import picture_storage
from images.storage.keys import folder_of, original_key
from images.storage.listing import StoredFile
from images.storage.transactions import stored_files
from images.usage import check_quota, usage_of
from lib.batches import in_batches
from lib.compiled_insert import CompiledInsert
from lib.compiled_query import CompiledValues
from tiers.services import largest_height

_pictures = CompiledInsert(Picture)
_lock_owner = CompiledValues(lambda: User.objects.select_for_update(no_key=True), "id", ["id"])


def create_picture(
    *,
    owner: User,
    upload: Path,
    visibility: str = Picture.Visibility.PRIVATE,
    description: str = "",
    name: str = "",
    metadata: dict[str, Any] | None = None,
    retry: Retry | None = None,
) -> Picture:
    """Store an uploaded file as a picture; bytes and row are durable on return.

    `name` is the file's as the client sent it, with or without a path; `metadata` a JSON object. An
    upload that is repeated (`retry`) stores nothing: return the picture of the first, as it is by
    now, or raise what `images.retries.store_once` does.

    Raise UploadTooLarge, RefusedPicture (what is wrong with the file), QuotaExceeded, and
    ValidationError for the other arguments. An error leaves nothing behind, unless the database or
    the storage became unavailable: `manage.py verify_storage` finds such leftovers.
    """

    def store(claim: Claim | None) -> Picture:
        with ThreadPoolExecutor(1, "upload") as aside:
            picture = _build_upload(owner, upload, aside)
            picture.visibility, picture.description = visibility, description
            picture.name = to_base_name(name)
            picture.metadata = {} if metadata is None else metadata
            _validate(picture)
            while not _store(picture, upload, claim, aside):
                # Under another name, for the first is taken for removed.
                picture.uid = uuid.uuid4()
                picture.key = original_key(owner.pk, picture.uid, picture.key.rsplit(".", 1)[-1])
        UPLOAD_BYTES.observe(picture.bytes)
        return picture

    return store_once(retry, _sha256(upload), store) if retry else store(None)


def _store(picture: Picture, upload: Path, claim: Claim | None, aside: Executor) -> bool:
    """Store file and row; False where `empty_folder` found the file before its row was there."""
    try:
        with stored_files({picture.key: upload}):
            # Whoever is told of the row finds the pixels.
            aside.shutdown()
            _insert(picture)
            if claim:
                claim.fulfil(picture)
    except FileRemoved:
        return False
    return True


def _build_upload(owner: User, upload: Path, aside: Executor) -> Picture:
    """Return an unsaved picture. What needs no verdict is done `aside`, while one is waited for."""
    check_upload_size(owner, upload.stat().st_size)
    # Before the costly part of it.
    picture_storage.refuse_while_away()
    uid, sha256 = uuid.uuid4(), aside.submit(_sha256, upload)
    facts = _inspect_once(owner, upload, uid, aside)
    key = original_key(owner.pk, uid, facts.extension)
    return build_picture(upload, facts, uid=uid, owner=owner, key=key, sha256=sha256.result())


def _inspect_once(owner: User, upload: Path, uid: UUID, aside: Executor) -> Facts:
    """Return what an upload is, and leave its pixels for the thumbnails that its owner gets."""
    with _refusal_of_the_costly():
        height = largest_height(owner.tier)
        facts, found = inspect_and_shrink(upload, upload_limits(owner), height)
    if found:
        aside.submit(partial(copy_context().run, pixels.leave, uid, found))
    return facts


def inspect_upload(upload: Path, limits: Limits) -> Facts:
    """Return what a file in `work_dir()` is; raise RefusedPicture."""
    with _refusal_of_the_costly():
        return inspect_picture(upload, limits)


@contextmanager
def _refusal_of_the_costly() -> Iterator[None]:
    try:
        yield
    except PictureTooCostly as killed:
        raise RefusedPicture("too_costly", str(killed)) from killed


def build_picture(source: Path, facts: Facts, *, sha256: str = "", **fields: Any) -> Picture:
    """Return an unsaved picture with the facts of a file, whose hash may be known."""
    return Picture(
        format=facts.format,
        width=facts.width,
        height=facts.height,
        frames=facts.frames,
        bytes=source.stat().st_size,
        sha256=sha256 or _sha256(source),
        # Known to have no clean copy; one that can be made is made when it is first asked for.
        clean_version=0 if facts.is_cleanable else STRIPPING_VERSION,
        **fields,
    )


def check_upload_size(owner: User, size: int) -> None:
    """Raise UploadTooLarge when the owner's tier does not allow a file of `size` bytes."""
    if size > owner.tier.max_upload_bytes:
        raise UploadTooLarge(owner.tier.max_upload_bytes)


def upload_limits(owner: User) -> Limits:
    return Limits(max_bytes=owner.tier.max_upload_bytes, max_pixels=owner.tier.max_pixels)


def lock_owner(owner_id: UUID) -> None:
    """Lock an account's row until the commit; raise User.DoesNotExist.

    Whoever adds a picture to an account, chooses the active one or deletes all holds this lock. It
    needs a transaction. On SQLite it does nothing, since there is one writer at a time.
    """
    if _lock_owner.first(owner_id) is None:
        raise User.DoesNotExist


def lock_picture(picture_id: int) -> Picture:
    """Lock a picture's row until the commit and return its current state; needs a transaction.

    Raise Picture.DoesNotExist when the picture was deleted since the caller loaded it, so that no
    caller goes on to write a row that is gone.
    """
    return Picture.objects.select_for_update().get(pk=picture_id)


def _insert(picture: Picture) -> None:
    # The lock on the owner keeps parallel uploads from passing the quota together, and
    # `empty_folder` from finding the file from now on.
    lock_owner(picture.owner_id)
    require_kept(picture.key)
    check_quota(picture.owner, usage_of(picture.owner_id), picture.bytes)
    insert_rows(_pictures, [picture])
    picture_created.send(sender=Picture, picture=picture)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@transaction.atomic
def update_picture(
    picture: Picture,
    *,
    description: str | None = None,
    visibility: str | None = None,
    name: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Change the given fields and no others.

    Raise ValidationError by field, and Picture.DoesNotExist when it was deleted meanwhile.
    """
    given = {
        "description": description,
        "visibility": visibility,
        "name": name,
        "metadata": metadata,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    for name, value in changes.items():
        setattr(picture, name, value)
    _validate(picture)
    lock_picture(picture.pk)
    picture.save(update_fields=[*changes, "updated_at"])
    picture_updated.send(sender=Picture, picture=picture)


@transaction.atomic
def change_pictures(
    pictures: PictureQuerySet, ids: Collection[int], *, visibility: str | None = None
) -> set[int]:
    """Change those of some pictures that have one of these ids; return the ids that were found.

    All of it or nothing. Pictures that are so already are left alone.
    """
    # Every writer locks pictures, in the order of their ids, before what receivers lock.
    chosen = pictures.filter(pk__in=ids).order_by("pk")
    found = list(chosen.select_for_update(of=("self",), no_key=True))
    changed = [each for each in found if visibility not in {None, each.visibility}]
    now = timezone.now()
    for picture in changed:
        picture.visibility, picture.updated_at = str(visibility), now
    rows = Picture.objects.filter(pk__in=[each.pk for each in changed])
    rows.update(visibility=visibility, updated_at=now)
    by_owner = sorted(changed, key=lambda each: each.owner_id)
    for owner_id, owned in groupby(by_owner, key=lambda each: each.owner_id):
        pictures_updated.send(sender=Picture, owner_id=owner_id, pictures=list(owned))
    return {each.pk for each in found}


def _validate(picture: Picture) -> None:
    """Raise ValidationError by field for what an owner may say of a picture."""
    if "\0" in picture.description:
        raise ValidationError({"description": "Null characters are not allowed."})
    try:
        # Django passes over `[]` as an empty value.
        validate_metadata(picture.metadata)
    except ValidationError as error:
        raise ValidationError({"metadata": error}) from error
    picture.clean_fields(exclude=["owner"])


@transaction.atomic
def activate(picture: Picture) -> None:
    """Make a picture its owner's only active one; do nothing where it already is.

    The lock on the owner serializes parallel calls; the unique constraint stops any other writer.
    Raise Picture.DoesNotExist when the picture was deleted meanwhile.
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
    """Delete a picture, its thumbnails and its links; the files follow on commit.

    Raise Picture.DoesNotExist when it was deleted meanwhile.
    """
    # The current row may name a stripped copy that was stored since the caller loaded it. It is
    # locked before the signal, since every writer locks pictures before what receivers lock.
    current = lock_picture(picture.pk)
    picture_deleted.send(sender=Picture, picture=current)
    current.delete()


@transaction.atomic
def delete_unless_active(picture: Picture) -> None:
    """Delete a picture that is not active at this moment.

    Raise PictureIsActive, and Picture.DoesNotExist when it was deleted meanwhile.
    """
    lock_owner(picture.owner_id)
    picture.refresh_from_db()
    if picture.is_active:
        raise PictureIsActive
    delete_picture(picture)


def empty_folder(owner_id: UUID) -> bool:
    """Delete also files without a row, such as that of an upload that was killed before its row.

    An upload in progress then stores its file again. Return False, and delete nothing more, where
    the account has a picture.
    """
    if Picture.objects.owned_by(owner_id).exists():
        return False
    folder = folder_of(owner_id)
    files = picture_storage.walk_written(folder)
    while batch := list(islice(files, BATCH_SIZE)):
        if not _remove_without_rows(owner_id, batch):
            return False
    picture_storage.remove_empty_folder(folder)
    return True


@transaction.atomic
def _remove_without_rows(owner_id: UUID, files: list[StoredFile]) -> bool:
    """Have files removed; the lock makes uploads wait with their rows."""
    User.objects.lock(owner_id)
    if Picture.objects.owned_by(owner_id).exists():
        return False
    remove_strays([RemovedFile(key=each.key, bytes=each.bytes) for each in files])
    return True


def request_thumbnails(picture_ids: Sequence[int], *, replace: bool = False) -> None:
    """Request the pictures' missing thumbnails again, with all attempts left.

    They are rendered behind those of new uploads. With `replace` existing thumbnails are rendered
    again too; they are served until then. A copy without metadata that could not be made is tried
    anew when it is next needed. Of many, each batch is a transaction of its own.
    """
    for batch in in_batches(sorted(picture_ids)):
        _request_batch(batch, replace=replace)


@transaction.atomic
def _request_batch(picture_ids: Sequence[int], *, replace: bool) -> None:
    # Every writer locks pictures, in the order of their ids, before what receivers lock.
    pictures = Picture.objects.filter(pk__in=picture_ids)
    list(pictures.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    pictures.mark_pending()
    if replace:
        # What failed, perhaps for lack of time, may succeed.
        pictures.filter(clean_key="").update(clean_version=0)
    thumbnails_requested.send(sender=Picture, picture_ids=list(picture_ids), replace=replace)
