"""The payloads of the socket's messages; `docs/asyncapi.yaml` describes them to clients."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, TypedDict, cast
from uuid import UUID

from images.models import Picture
from notifications.models import PictureEvent

PictureEventType = Literal[
    "picture.created",
    "picture.updated",
    "picture.activated",
    "picture.deleted",
    "thumbnails.ready",
    "thumbnails.failed",
]
AccountEventType = Literal["planned_changes.updated"]
FeedEventType = PictureEventType | AccountEventType | Literal["pictures.cleared", "link.opened"]


class PictureFacts(TypedDict):
    """A picture at the moment of the event, without the URLs of its files, which expire."""

    id: int
    uid: str
    file_name: str
    is_active: bool
    visibility: Literal["private", "members", "public"]
    description: str
    format: str
    width: int
    height: int
    thumbnails: Literal["pending", "ready", "failed"]
    created_at: str
    updated_at: str


class PictureChanged(TypedDict):
    """An event of one picture."""

    id: int
    type: PictureEventType
    at: str
    user_id: str
    picture: PictureFacts


class LinkOpened(TypedDict):
    """Somebody opened a link to a picture for the first time."""

    id: int
    type: Literal["link.opened"]
    at: str
    user_id: str
    picture: PictureFacts
    link_id: int


class PicturesCleared(TypedDict):
    """Every picture of the account was deleted."""

    id: int
    type: Literal["pictures.cleared"]
    at: str
    user_id: str


class PlannedChangesUpdated(TypedDict):
    """What is planned to be taken from the account is something else now: its account says what."""

    id: int
    type: Literal["planned_changes.updated"]
    at: str
    user_id: str


class EventsReset(TypedDict):
    """The requested events are no longer kept: load all pictures anew, then continue after `id`."""

    id: int
    type: Literal["events.reset"]
    at: str
    user_id: str


class SessionEnded(TypedDict):
    """The session that opened this socket ended; `id` is the last event that was sent."""

    id: int
    type: Literal["session.ended"]
    at: str
    user_id: str


Event = PictureChanged | LinkOpened | PicturesCleared | PlannedChangesUpdated | EventsReset
Message = Event | SessionEnded


def picture_facts(picture: Picture) -> PictureFacts:
    return {
        "id": picture.pk,
        "uid": str(picture.uid),
        "file_name": picture.file_name,
        "is_active": picture.is_active,
        "visibility": cast('Literal["private", "members", "public"]', picture.visibility),
        "description": picture.description,
        "format": picture.format,
        "width": picture.width,
        "height": picture.height,
        "thumbnails": cast('Literal["pending", "ready", "failed"]', picture.rendering),
        "created_at": format_timestamp(picture.created_at),
        "updated_at": format_timestamp(picture.updated_at),
    }


def event_payload(row: PictureEvent) -> Event:
    payload = _common_fields(row.sequence, row.type, row.at, row.owner_id)
    if row.picture is not None:
        payload["picture"] = row.picture
    if row.link_id is not None:
        payload["link_id"] = row.link_id
    return cast("Event", payload)


def event_payloads(rows: Iterable[PictureEvent]) -> list[Event]:
    return [event_payload(row) for row in rows]


def events_reset_payload(last: int, at: datetime, owner_id: UUID) -> Event:
    return cast("Event", _common_fields(last, "events.reset", at, owner_id))


def session_ended_payload(last: int, at: datetime, owner_id: UUID) -> SessionEnded:
    return cast("SessionEnded", _common_fields(last, "session.ended", at, owner_id))


def format_timestamp(at: datetime) -> str:
    """Return a timestamp in UTC, as RFC 3339 writes it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _common_fields(sequence: int, kind: str, at: datetime, owner_id: UUID) -> dict[str, object]:
    return {"id": sequence, "type": kind, "at": format_timestamp(at), "user_id": str(owner_id)}
