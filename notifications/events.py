"""What a socket says, as typed payloads; `docs/asyncapi.yaml` describes the same to clients."""

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
FeedEventType = PictureEventType | Literal["pictures.cleared"]


class PictureFacts(TypedDict):
    """A picture at the moment of the event; its bytes have addresses of their own, which expire."""

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


class PictureHappened(TypedDict):
    """Something happened to one picture."""

    id: int
    type: PictureEventType
    at: str
    user_id: str
    picture: PictureFacts


class PicturesCleared(TypedDict):
    """Every picture of the account went."""

    id: int
    type: Literal["pictures.cleared"]
    at: str
    user_id: str


class EventsReset(TypedDict):
    """What was asked for is no longer kept: load everything anew, then go on after `id`."""

    id: int
    type: Literal["events.reset"]
    at: str
    user_id: str


class SessionEnded(TypedDict):
    """The session that opened this socket ended; `id` is the last event it was sent."""

    id: int
    type: Literal["session.ended"]
    at: str
    user_id: str


Event = PictureHappened | PicturesCleared | EventsReset
Message = Event | SessionEnded


def facts_of(picture: Picture) -> PictureFacts:
    """Write down a picture as it is now."""
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
        "created_at": moment(picture.created_at),
        "updated_at": moment(picture.updated_at),
    }


def event_of(row: PictureEvent) -> Event:
    """Return what is told of a row."""
    told = _head(row.sequence, row.type, row.at, row.owner_id)
    if row.picture is not None:
        told["picture"] = row.picture
    return cast("Event", told)


def events_of(rows: Iterable[PictureEvent]) -> list[Event]:
    """Return what is told of rows."""
    return [event_of(row) for row in rows]


def reset(last: int, at: datetime, owner_id: UUID) -> Event:
    """Return the word that what was asked for is gone."""
    return cast("Event", _head(last, "events.reset", at, owner_id))


def session_ended(last: int, at: datetime, owner_id: UUID) -> SessionEnded:
    """Return the last word to a session that ended."""
    return cast("SessionEnded", _head(last, "session.ended", at, owner_id))


def moment(at: datetime) -> str:
    """Write a moment in UTC (RFC 3339)."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _head(sequence: int, kind: str, at: datetime, owner_id: UUID) -> dict[str, object]:
    return {"id": sequence, "type": kind, "at": moment(at), "user_id": str(owner_id)}
