"""Receivers of signals: rows written inside the transaction, sockets woken up after its commit."""

from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.dispatch import Signal

from accounts.models import Session
from accounts.signals import sessions_ended
from images.models import Picture
from images.signals import (
    link_first_opened,
    picture_activated,
    picture_created,
    picture_deleted,
    picture_updated,
    pictures_cleared,
    pictures_deleted,
    pictures_updated,
)
from lib.after_commit import run_after_commit
from notifications.events import FeedEventType, PictureEventType
from notifications.feed import record_event, record_events
from notifications.logouts.messages import render_logouts
from notifications.models import OutboxMessage
from notifications.sequence_gaps import skip_sequences
from notifications.sockets.wake_ups import notify_group, session_group, user_group
from thumbnails.signals import thumbnails_failed, thumbnails_ready
from upkeep.signals import restored

_EVENT_TYPES: list[tuple[Signal, PictureEventType]] = [
    (picture_created, "picture.created"),
    (picture_updated, "picture.updated"),
    (picture_activated, "picture.activated"),
    (picture_deleted, "picture.deleted"),
    (thumbnails_ready, "thumbnails.ready"),
    (thumbnails_failed, "thumbnails.failed"),
]
_EVENT_TYPES_OF_MANY: list[tuple[Signal, PictureEventType]] = [
    (pictures_updated, "picture.updated"),
    (pictures_deleted, "picture.deleted"),
]


def connect() -> None:
    """Connect the receivers; called once, when Django is ready."""
    sessions_ended.connect(
        _write_logout_messages, dispatch_uid="notifications.write_logout_messages"
    )
    sessions_ended.connect(
        _notify_sockets_of_session, dispatch_uid="notifications.notify_sockets_of_session"
    )
    for signal, kind in _EVENT_TYPES_OF_MANY:
        receiver = partial(_record_picture_events, kind)
        signal.connect(receiver, weak=False, dispatch_uid="notifications.record_events")
    link_first_opened.connect(
        _record_first_opening, dispatch_uid="notifications.record_first_opening"
    )
    pictures_cleared.connect(_record_clearing, dispatch_uid="notifications.record_event")
    restored.connect(_skip_sequences_after_restore, dispatch_uid="notifications.skip_sequences")
    for signal, kind in _EVENT_TYPES:
        receiver = partial(_record_picture_event, kind)
        signal.connect(receiver, weak=False, dispatch_uid="notifications.record_event")


def _write_logout_messages(
    sessions: list[Session], authorization: str, *, from_peer: bool, **kwargs: Any
) -> None:
    """Write the messages of each session, unless a peer announced it or the fan-out is off."""
    if from_peer or not settings.AMQP_URL:
        return
    OutboxMessage.objects.bulk_create(
        OutboxMessage(body=body)
        for session in sessions
        for body in render_logouts(session, authorization)
    )


def _notify_sockets_of_session(sessions: list[Session], **kwargs: Any) -> None:
    for session in sessions:
        _notify_on_commit(session_group(session.pk), {"type": "session.ended"})


def _skip_sequences_after_restore(**kwargs: Any) -> None:
    skip_sequences()


def _record_picture_event(kind: PictureEventType, picture: Picture, **kwargs: Any) -> None:
    _record_and_notify(picture.owner_id, kind, picture)


def _record_picture_events(
    kind: PictureEventType, owner_id: UUID, pictures: list[Picture], **kwargs: Any
) -> None:
    for event in record_events(owner_id, kind, pictures):
        _notify_on_commit(user_group(owner_id), {"type": "feed.news", "event": event})


def _record_first_opening(link_id: int, picture: Picture, **kwargs: Any) -> None:
    event = record_event(picture.owner_id, "link.opened", picture, link_id=link_id)
    _notify_on_commit(user_group(picture.owner_id), {"type": "feed.news", "event": event})


def _record_clearing(owner_id: UUID, **kwargs: Any) -> None:
    _record_and_notify(owner_id, "pictures.cleared")


def _record_and_notify(owner_id: UUID, kind: FeedEventType, picture: Picture | None = None) -> None:
    event = record_event(owner_id, kind, picture)
    _notify_on_commit(user_group(owner_id), {"type": "feed.news", "event": event})


def _notify_on_commit(group: str, wake_up: dict[str, Any]) -> None:
    run_after_commit(notify_group, group, wake_up)
