"""What this package does when something happens: a row inside the transaction."""

import json
from typing import Any

from django.conf import settings

from accounts.models import Session
from accounts.signals import sessions_ended
from notifications.models import OutboxMessage


def connect() -> None:
    """Connect every receiver; called once, when Django is ready."""
    sessions_ended.connect(_announce_logouts, dispatch_uid="notifications.announce_logouts")


def _announce_logouts(sessions: list[Session], token: str, *, heard: bool, **kwargs: Any) -> None:
    """Write a message for each session, unless another service told us or the fan-out is off."""
    if heard or not settings.AMQP_URL:
        return
    OutboxMessage.objects.bulk_create(
        OutboxMessage(body=json.dumps({"type": "logout", "message": _named(session, token)}))
        for session in sessions
    )


def _named(session: Session, token: str) -> str:
    """Name a session by its token where that is at hand, else by the token's id."""
    return f"bearer {token}" if token else str(session.pk)
