"""What this package does when something happens: rows inside the transaction, hints after it."""

import json
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.dispatch import Signal

from accounts.models import Session
from accounts.signals import sessions_ended
from images.models import Picture
from images.signals import (
    picture_activated,
    picture_created,
    picture_deleted,
    picture_updated,
    pictures_cleared,
)
from notifications.events import FeedEventType, PictureEventType
from notifications.feed import record
from notifications.models import OutboxMessage
from notifications.sequence_gaps import leave_numbers_out
from notifications.sockets.wake_ups import session_group, tell, user_group
from thumbnails.signals import thumbnails_failed, thumbnails_ready
from upkeep.signals import restored

_TOLD: list[tuple[Signal, PictureEventType]] = [
    (picture_created, "picture.created"),
    (picture_updated, "picture.updated"),
    (picture_activated, "picture.activated"),
    (picture_deleted, "picture.deleted"),
    (thumbnails_ready, "thumbnails.ready"),
    (thumbnails_failed, "thumbnails.failed"),
]


def connect() -> None:
    """Connect every receiver; called once, when Django is ready."""
    sessions_ended.connect(_announce_logouts, dispatch_uid="notifications.announce_logouts")
    sessions_ended.connect(_close_sockets, dispatch_uid="notifications.close_sockets")
    pictures_cleared.connect(_tell_of_clearing, dispatch_uid="notifications.tell")
    restored.connect(_renumber, dispatch_uid="notifications.renumber")
    for signal, kind in _TOLD:
        receiver = partial(_tell_of_picture, kind)
        signal.connect(receiver, weak=False, dispatch_uid="notifications.tell")


def _announce_logouts(
    sessions: list[Session], token: str, *, from_peer: bool, **kwargs: Any
) -> None:
    """Write a message for each session, unless a peer announced it or the fan-out is off."""
    if from_peer or not settings.AMQP_URL:
        return
    OutboxMessage.objects.bulk_create(
        OutboxMessage(body=json.dumps({"type": "logout", "message": _named(session, token)}))
        for session in sessions
    )


def _named(session: Session, token: str) -> str:
    """Name a session by its token where that is at hand, else by the token's id."""
    return f"bearer {token}" if token else str(session.pk)


def _close_sockets(sessions: list[Session], **kwargs: Any) -> None:
    for session in sessions:
        _tell_on_commit(session_group(session.pk), {"type": "session.ended"})


def _renumber(**kwargs: Any) -> None:
    leave_numbers_out()


def _tell_of_picture(kind: PictureEventType, picture: Picture, **kwargs: Any) -> None:
    _tell(picture.owner_id, kind, picture)


def _tell_of_clearing(owner_id: UUID, **kwargs: Any) -> None:
    _tell(owner_id, "pictures.cleared")


def _tell(owner_id: UUID, kind: FeedEventType, picture: Picture | None = None) -> None:
    event = record(owner_id, kind, picture)
    _tell_on_commit(user_group(owner_id), {"type": "feed.news", "event": event})


def _tell_on_commit(group: str, hint: dict[str, Any]) -> None:
    transaction.on_commit(partial(tell, group, hint), robust=True)
