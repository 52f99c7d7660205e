"""What the reconciler records of open sockets."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import Session, User
from accounts.sessions import RECORD_USE_INTERVAL
from notifications.sockets.reconciler import Reconciler
from tests.notifications.sockets.in_process import close_database_threads

# The thread that writes has a connection of its own.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


class OpenSocket:
    """A socket, as far as the reconciler knows one here."""

    socket_id = "x"
    last = 0

    def __init__(self, session: Session) -> None:
        self.session_id: UUID = session.pk
        self.user_id = self.owner_id = session.user_id

    def wake_up(self) -> None:
        """Nothing is sent here."""

    def sign_out(self) -> None:
        """Nothing is sent here."""


def make_session(user: User, **fields: Any) -> Session:
    later = timezone.now() + timedelta(days=1)
    long_ago = timezone.now() - timedelta(hours=1)
    return Session.objects.create(
        user=user, scheme="bearer", expires_at=later, last_used_at=long_ago, **fields
    )


def test_an_open_socket_uses_its_session(alice: User) -> None:
    shown, other = make_session(alice), make_session(alice)
    ended = make_session(alice, ended_at=timezone.now())

    async def reconcile(seconds_open: float) -> None:
        reconciler = Reconciler()
        sockets = [OpenSocket(session) for session in (shown, shown, ended)]
        for socket in sockets:
            reconciler.add(socket)
        reconciler._recorded_at -= seconds_open
        await reconciler._record_use()
        for socket in sockets:
            reconciler.remove(socket)

    def used() -> list[UUID]:
        recent = timezone.now() - timedelta(minutes=1)
        return list(Session.objects.filter(last_used_at__gt=recent).values_list("pk", flat=True))

    asyncio.run(reconcile(0))
    assert used() == []
    asyncio.run(reconcile(RECORD_USE_INTERVAL.total_seconds()))
    assert used() == [shown.pk]
    assert other.pk not in used()
    close_database_threads()
