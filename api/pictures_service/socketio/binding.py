"""Binding: a signed-in write names a socket, which shows that session's pictures from then on.

The process that holds the socket is another one than the process that answers the write, so the
name goes over the channel layer, after the commit and outside the request. A message that is lost
costs nothing: the next write names the socket again.
"""

import re
from typing import Any
from uuid import UUID

from django.core.exceptions import SuspiciousOperation
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from accounts.exceptions import BadToken, MissingScope
from accounts.request_authentication import (
    Authentication,
    authenticate_request,
    read_credential,
)
from accounts.scopes import SOCKETIO, require_scopes
from lib.after_commit import run_after_commit
from notifications.sockets.wake_ups import notify_group

# What `generate_id` of the library makes: 15 bytes in URL-safe base64.
_SOCKET_ID = re.compile(r"[A-Za-z0-9_-]{20}\Z")
BIND = "socketio.bind"


def bind_named_socket(request: Request) -> None:
    """Bind the socket that a write names in `socketId`, after the commit; never raise.

    An id that is unknown, or of a socket that is bound already, is ignored, and so are a body that
    cannot be read and a token that may write but not read.
    """
    try:
        fields = request.data
        socket_id = fields.get("socketId") if isinstance(fields, dict) else None
        authentication = _authentication(request) if socket_id else None
        if authentication:
            require_scopes(authentication.session, SOCKETIO, "GET")
    except (APIException, SuspiciousOperation, OSError, BadToken, MissingScope):
        return
    if authentication and isinstance(socket_id, str) and _SOCKET_ID.match(socket_id):
        message = {"type": BIND, "session_id": str(authentication.session.pk)}
        group = socket_group(socket_id)
        run_after_commit(notify_group, group, message)


def _authentication(request: Request) -> Authentication | None:
    """Return what the view accepted; a public view reads no token, and cookies are not asked."""
    if isinstance(request.auth, Authentication):
        return request.auth
    return authenticate_request(request._request) if read_credential(request._request) else None


def socket_group(socket_id: str) -> str:
    """Return the group in which a socket that is not bound waits to be named."""
    return f"socketio-{socket_id}"


def session_to_bind(message: dict[str, Any]) -> UUID:
    """Return the session of a BIND message."""
    return UUID(message["session_id"])
