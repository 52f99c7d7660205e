"""Receivers that write the security log, in the transaction of what they record."""

from typing import Any
from uuid import UUID

from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from accounts.current_request import current_origin
from accounts.models import Session, User
from accounts.new_devices import find_new_device
from accounts.security_log import Kind, record_event
from accounts.sessions import record_origin
from accounts.signals import password_changed, session_opened, sessions_ended


def connect() -> None:
    """Connect the receivers; called once, when Django is ready."""
    session_opened.connect(_record_opening, dispatch_uid="accounts.record_opening")
    sessions_ended.connect(_record_ends, dispatch_uid="accounts.record_ends")
    password_changed.connect(_record_password, dispatch_uid="accounts.record_password")
    user_logged_in.connect(_record_admin_sign_in, dispatch_uid="accounts.record_admin_sign_in")


def _record_opening(session: Session, *, is_new_device: bool | None, **kwargs: Any) -> None:
    if is_new_device is None:
        # What verifies the token of an external issuer knows no request.
        record_origin(session, current_origin())
        is_new_device = find_new_device(session.user, current_origin())
    kind: Kind = "token.made" if _is_api_token(session) else "sign-in"
    facts: dict[str, Any] = {"session": str(session.pk), "scheme": session.scheme}
    if session.name:
        facts |= {"name": session.name, "scopes": session.scopes}
    record_event(kind, session.user_id, **facts, **_of_device(is_new_device))


def _of_device(is_new: bool) -> dict[str, bool]:  # noqa: FBT001 (the fact)
    return {"new_device": True} if is_new else {}


def _record_ends(sessions: list[Session], *, from_peer: bool, **kwargs: Any) -> None:
    ended: dict[tuple[UUID, Kind], list[Session]] = {}
    for session in sessions:
        kind: Kind = "token.ended" if _is_api_token(session) else "sessions.ended"
        ended.setdefault((session.user_id, kind), []).append(session)
    for (user_id, kind), those in ended.items():
        facts: dict[str, Any] = {"count": len(those), "by_peer": from_peer}
        if len(those) == 1:
            facts |= {"session": str(those[0].pk)}
        if names := [each.name for each in those if each.name]:
            facts |= {"names": names}
        record_event(kind, user_id, **facts)


def _is_api_token(session: Session) -> bool:
    return session.scheme == Session.Scheme.API_TOKEN


def _record_password(user: User, **kwargs: Any) -> None:
    record_event("password.changed", user)


def _record_admin_sign_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    is_new = find_new_device(user, current_origin())
    record_event("sign-in", user, scheme="admin", **_of_device(is_new))
