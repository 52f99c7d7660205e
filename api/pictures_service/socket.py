"""Picture events as this contract's clients know them: what the account's pictures are now."""

from typing import Any
from uuid import UUID

from api.pagination import LARGEST_PAGE
from api.pictures_service.serializers import FIELDS, written
from images.models import Picture
from notifications.events import Event

FORMAT = "update-pictures"
# Thumbnails are no part of this contract's picture object.
_CHANGES = frozenset({"picture", "pictures", "events"})


def update_pictures(owner_id: UUID, events: list[Event]) -> list[dict[str, Any]]:
    """Say all of an account's pictures once after any change of them, newest first."""
    if not any(event["type"].split(".")[0] in _CHANGES for event in events):
        return []
    newest = Picture.objects.owned_by(owner_id).order_by("-created_at", "-id")
    rows = newest.values(*FIELDS)[:LARGEST_PAGE]
    return [{"event": FORMAT, "message": [written(row) for row in rows]}]
