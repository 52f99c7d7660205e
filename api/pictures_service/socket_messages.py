"""WebSocket messages in this contract's format: after any event, the pictures as they are now."""

from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.models import User
from api.pagination import MAX_PAGE_SIZE
from api.pictures_service.serializers import PICTURE_FIELDS, serialize_picture_rows
from images.models import Picture
from images.signed_urls import UrlSigner
from notifications.events import Event

FORMAT = "update-pictures"
# The first part of an event's type; thumbnails are no part of this contract's picture object.
_CHANGES = frozenset({"picture", "pictures", "events"})


def update_pictures_messages(
    viewer_id: UUID, owner_id: UUID, events: list[Event]
) -> list[dict[str, Any]]:
    """Return one message with the account's newest pictures where an event changed any."""
    if not changes_pictures(events):
        return []
    message = newest_pictures(viewer_id, owner_id, limit=MAX_PAGE_SIZE)
    return [{"event": FORMAT, "message": message}]


def changes_pictures(events: list[Event]) -> bool:
    """Tell whether an event changed what this contract shows."""
    return any(event["type"].split(".")[0] in _CHANGES for event in events)


def newest_pictures(viewer_id: UUID, owner_id: UUID, *, limit: int) -> list[dict[str, Any]]:
    """Return an account's newest pictures as a viewer, who may see them all, gets them.

    Their `url` begins with PUBLIC_URL. It takes two queries.
    """
    viewer = User.objects.select_related("tier").filter(pk=viewer_id).first()
    newest = Picture.objects.owned_by(owner_id).order_by("-created_at", "-id")
    rows = newest.values(*PICTURE_FIELDS)[:limit]
    base = settings.PUBLIC_URL
    signer = UrlSigner(base)
    return serialize_picture_rows(rows, viewer=viewer, signer=signer)
