"""Files and rows repaired: what can be made again is made again."""

from contextlib import suppress

from images.default_picture import default_picture, our_default_picture
from images.ledger import Column, count_bytes, counted_transaction
from images.models import Picture
from images.services import lock_picture, request_thumbnails
from images.storage.base import picture_storage
from thumbnails.models import Rendition, Thumbnail
from upkeep.measuring import record_size
from upkeep.quarantine import move_to_quarantine
from upkeep.referenced_keys import FileKind, ReferencedKey
from upkeep.verifying import Defect, Finding


def repair(finding: Finding, run: str) -> str:
    """Repair one finding and return what was done; empty where it cannot be repaired.

    `run` is the time of this run, which names its folder in the quarantine. May be repeated.
    """
    if finding.reference is None:
        return _quarantine(finding.key, run)
    if finding.defect == Defect.UNMEASURED:
        record_size(finding.reference, finding.bytes)
        return "measured"
    if finding.reference.kind == FileKind.ORIGINAL:
        return _restore_default_picture(finding.reference, run)
    if not _has_original(finding.reference):
        return ""
    with suppress(FileNotFoundError):
        move_to_quarantine(finding.key, run)
    return _request_again(finding.reference)


def _quarantine(key: str, run: str) -> str:
    try:
        move_to_quarantine(key, run)
    except FileNotFoundError:
        return "gone by now"
    return "moved to quarantine"


def _has_original(reference: ReferencedKey) -> bool:
    key = Picture.objects.filter(pk=reference.picture_id).values_list("key", flat=True).first()
    return key is not None and picture_storage.exists(key)


def _request_again(reference: ReferencedKey) -> str:
    """Delete the row: thumbnails are rendered at once, other copies when next requested."""
    with suppress(Picture.DoesNotExist), counted_transaction():
        _delete_row(reference, lock_picture(reference.picture_id))
    is_copy = reference.kind in {FileKind.STRIPPED, FileKind.RENDITION}
    return "made again when next asked for" if is_copy else "will be rendered again"


def _delete_row(reference: ReferencedKey, picture: Picture) -> None:
    key = reference.key
    if reference.kind == FileKind.RENDITION:
        Rendition.objects.filter(key=key).delete()
    elif reference.kind != FileKind.STRIPPED:
        Thumbnail.objects.with_file(key).delete()
        request_thumbnails([picture.pk])
    elif picture.clean_key == key:
        count_bytes(picture.owner_id, Column.OTHER, -(picture.clean_bytes or 0))
        Picture.objects.filter(pk=picture.pk).update(
            clean_key="", clean_bytes=None, clean_version=0
        )


def _restore_default_picture(reference: ReferencedKey, run: str) -> str:
    """Write the file again if it was a copy of the default picture."""
    known = default_picture(), our_default_picture()
    default = next((each for each in known if each.sha256 == reference.sha256), None)
    if default is None:
        return ""
    with suppress(FileNotFoundError):
        move_to_quarantine(reference.key, run)
    with default.as_file() as file:
        picture_storage.save(reference.key, file)
    return "copied again from the default picture"
