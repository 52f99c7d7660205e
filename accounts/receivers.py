"""Receivers that write the security log, in the transaction of what they record."""

from collections import Counter
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from accounts.models import Session, User
from accounts.security_log import Kind, record_event
from accounts.signals import password_changed, session_opened, sessions_ended


def connect() -> None:
    """Connect the receivers; called once, when Django is ready."""
    session_opened.connect(_record_opening, dispatch_uid="accounts.record_opening")
    sessions_ended.connect(_record_ends, dispatch_uid="accounts.record_ends")
    password_changed.connect(_record_password, dispatch_uid="accounts.record_password")
    user_logged_in.connect(_record_admin_sign_in, dispatch_uid="accounts.record_admin_sign_in")


def _record_opening(session: Session, **kwargs: Any) -> None:
    is_token = session.scheme == Session.Scheme.API_TOKEN
    kind: Kind = "token.made" if is_token else "sign-in"
    record_event(kind, session.user_id, session=str(session.pk), scheme=session.scheme)


def _record_ends(sessions: list[Session], *, from_peer: bool, **kwargs: Any) -> None:
    for user_id, count in Counter(session.user_id for session in sessions).items():
        record_event("sessions.ended", user_id, count=count, by_peer=from_peer)


def _record_password(user: User, **kwargs: Any) -> None:
    record_event("password.changed", user)


def _record_admin_sign_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    record_event("sign-in", user, scheme="admin")
