"""Signing in at connect, which the original's clients do not: by `auth`, a header or cookies."""

from contextlib import suppress
from typing import Any

from django.core.exceptions import DisallowedHost

from accounts.cookies import access_cookie, cookie_values
from accounts.exceptions import BadToken, CrossSiteRequest
from accounts.models import Session
from accounts.renewal import authenticate_cookies
from accounts.request_authentication import (
    authenticate_request,
    read_credential,
    refuse_cross_site,
)
from accounts.scopes import SOCKETIO, require_scopes
from notifications.sockets.authentication import Scope, make_request


def authenticate_connect(scope: Scope, auth: Any) -> Session | None:
    """Return the session that a client signs in with, None where it gives no token.

    Raise BadToken for a token that is not valid, MissingScope for one that may not read. Cookies
    of this service's pages count where they would at `/ws/pictures/`, but are not renewed: the
    handshake has been answered by now.
    """
    request = make_request(scope)
    if token := _token_of(auth):
        request.META["HTTP_AUTHORIZATION"] = token
        if not read_credential(request):
            raise BadToken("The token is in no known form.")
    if read_credential(request):
        authentication = authenticate_request(request, route=SOCKETIO)
        return authentication.session if authentication else None
    with suppress(BadToken, CrossSiteRequest, DisallowedHost):
        refuse_cross_site(request)
        cookies = cookie_values(request.headers.get("Cookie", ""), access_cookie())
        session = authenticate_cookies(cookies, []).session
        require_scopes(session, SOCKETIO, "GET")
        return session
    return None


def _token_of(auth: Any) -> str:
    token = auth.get("token") if isinstance(auth, dict) else None
    if not (token is None or isinstance(token, str)):
        raise BadToken("The token is no text.")
    return token or ""
