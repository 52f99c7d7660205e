"""What can be made again is made again; what cannot is told."""

import hashlib
from contextlib import suppress

from django.db import transaction
from django.db.models import Q

from images.default_picture import DEFAULT_FILE, default_bytes
from images.models import Picture
from images.services import request_thumbnails
from images.storage.base import picture_storage
from thumbnails.models import Rendition, Thumbnail
from upkeep.quarantine import put_away
from upkeep.referenced_keys import Kind, Owned
from upkeep.verifying import Finding


def mend(found: Finding, when: str) -> str:
    """Mend one finding and return what was done; empty where nobody can.

    `when` names the folder of this run in the quarantine. May be repeated.
    """
    if found.owned is None:
        return _put_away(found.key, when)
    if found.owned.kind == Kind.ORIGINAL:
        return _restored(found.owned, when)
    if not _original_is_there(found.owned):
        return ""
    with suppress(FileNotFoundError):
        put_away(found.key, when)
    return _made_again(found.owned)


def _put_away(key: str, when: str) -> str:
    try:
        put_away(key, when)
    except FileNotFoundError:
        return "gone by now"
    return "moved to quarantine"


def _original_is_there(owned: Owned) -> bool:
    key = Picture.objects.filter(pk=owned.picture_id).values_list("key", flat=True).first()
    return key is not None and picture_storage.exists(key)


@transaction.atomic
def _made_again(owned: Owned) -> str:
    """The rows go: thumbnails are asked for at once, the rest is made when next looked at."""
    if owned.kind == Kind.CLEAN:
        Picture.objects.filter(clean_key=owned.key, pk=owned.picture_id).update(clean_key="")
        return "made again when next asked for"
    if owned.kind == Kind.RENDITION:
        Rendition.objects.filter(key=owned.key).delete()
        return "made again when next asked for"
    Thumbnail.objects.filter(Q(key=owned.key) | Q(webp_key=owned.key)).delete()
    request_thumbnails([owned.picture_id])
    return "will be rendered again"


def _restored(owned: Owned, when: str) -> str:
    """Of the originals only copies of the default picture can be had again."""
    if owned.sha256 != hashlib.sha256(default_bytes()).hexdigest():
        return ""
    with suppress(FileNotFoundError):
        put_away(owned.key, when)
    picture_storage.save(owned.key, DEFAULT_FILE)
    return "copied again from the default picture"
