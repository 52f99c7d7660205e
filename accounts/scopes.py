"""What a token may do: the scopes, and the one table of which route asks for which.

`require_scopes` is called where a request becomes a session (`accounts.request_authentication`) and
where a socket is opened. It is closed: a route or method that is not in the table is for sessions
that have every scope. `tests/api/test_scopes.py` fails for one that is missing here.
"""

from collections.abc import Collection
from typing import Protocol

from django.db.models import TextChoices

from accounts.exceptions import MissingScope


class Scope(TextChoices):
    """What a named token may be limited to."""

    READ = "read", "see pictures, thumbnails and events"
    UPLOAD = "upload", "store pictures"
    CHANGE = "change", "change and delete pictures and thumbnails"
    LINKS = "links", "make, see and revoke links"
    ACCOUNT = "account", "see and change the account, its sessions and its tokens"


Scopes = frozenset[Scope]
ALL_SCOPES: Scopes = frozenset(Scope)
# For whoever has a token or none: signing in and out, and what everybody may see.
NONE: Scopes = frozenset()
READ, UPLOAD, CHANGE = (frozenset({each}) for each in (Scope.READ, Scope.UPLOAD, Scope.CHANGE))
LINKS, ACCOUNT = frozenset({Scope.LINKS}), frozenset({Scope.ACCOUNT})

# Of sockets, which Django's URL table does not hold: the handshake is a GET.
PICTURES_SOCKET = "ws/pictures/"
SOCKETIO = "socket.io/"

_IMAGE_SERVICE = {
    "image": {"POST": UPLOAD},
    "image/<str:name>": {"GET": READ},
    "image/<str:name>/jpeg": {"GET": READ},
}
# By the route as Django's URL table writes it, and the method; HEAD is as GET.
SCOPES_BY_ROUTE: dict[str, dict[str, Scopes]] = {
    # Image RESTful API
    "api/docs/": {"GET": NONE},
    "api/schema/": {"GET": NONE},
    "api/schema/asyncapi.yaml": {"GET": NONE},
    "api/user/token/": {"POST": NONE},
    "api/user/jwt-login/": {"POST": NONE},
    "api/user/jwt-logout/": {"POST": NONE},
    "api/user/account/": {"GET": ACCOUNT, "PATCH": ACCOUNT, "DELETE": ACCOUNT},
    # It holds the pictures, and the addresses of links.
    "api/user/account/export/": {"GET": ACCOUNT | READ | LINKS},
    "api/user/account/password/": {"POST": ACCOUNT},
    "api/user/site/": {"GET": NONE},
    "api/user/invitations/<str:token>/": {"GET": NONE},
    "api/user/password-reset/": {"POST": NONE},
    "api/user/password-reset/confirm/": {"POST": NONE},
    "api/user/usage/": {"GET": READ},
    "api/user/images/": {"GET": READ, "POST": UPLOAD},
    "api/user/images/delete/": {"POST": CHANGE},
    "api/user/images/change/": {"POST": CHANGE},
    "api/user/images/archive/": {"GET": READ},
    "api/user/images/<id:pk>/active/": {"PUT": CHANGE},
    "api/user/images/<id:pk>/": {"GET": READ, "PATCH": CHANGE, "DELETE": CHANGE},
    "api/user/images/<id:pk>/reveals/": {"GET": READ},
    "api/user/thumbnails/": {"GET": READ},
    "api/user/thumbnails/<id:pk>/": {"GET": READ, "DELETE": CHANGE},
    "api/user/link/<id:pk>/": {"GET": LINKS},
    "api/user/account/log/": {"GET": ACCOUNT},
    "api/user/sessions/": {"GET": ACCOUNT, "DELETE": ACCOUNT},
    "api/user/sessions/<anyuuid:session_id>/": {"DELETE": ACCOUNT},
    "api/user/tokens/": {"POST": ACCOUNT},
    "api/user/links/": {"GET": LINKS, "POST": LINKS, "DELETE": LINKS},
    "api/user/links/<id:pk>/": {"GET": LINKS, "PATCH": LINKS, "DELETE": LINKS},
    "api/user/links/<id:pk>/qr/": {"GET": LINKS},
    "api/user/events/": {"GET": READ},
    PICTURES_SOCKET: {"GET": READ},
    # Auth service
    "auth/signup": {"POST": NONE},
    "auth/signin": {"POST": NONE},
    "auth/signout": {"GET": NONE, "POST": NONE},
    # Other services ask this whether they may act for somebody: a limited token must not open
    # everything there.
    "auth/currentUser": {"GET": ACCOUNT},
    "auth/password": {"POST": ACCOUNT},
    # Images API
    "api/registration": {"POST": NONE},
    "api/login": {"GET": NONE, "POST": NONE},
    "api/me": {"GET": READ},
    "api/images": {"POST": UPLOAD},
    "api/images/<anyuuid:uid>": {"GET": READ},
    # Image service
    **_IMAGE_SERVICE,
    **{f"v1/{route}": scopes for route, scopes in _IMAGE_SERVICE.items()},
    # Pictures service
    "pictures/create-picture": {"POST": UPLOAD},
    "pictures/create-default-picture/<anyuuid:user_id>": {"POST": NONE},
    "pictures/get-user-pictures/<anyuuid:user_id>": {"GET": READ},
    "pictures/get-active-picture/<anyuuid:user_id>": {"GET": READ},
    "pictures/set-active-picture/<id:pk>/<anyuuid:user_id>": {"PUT": CHANGE},
    "pictures/delete-picture/<id:pk>/<str:file_name>/<anyuuid:user_id>": {"DELETE": CHANGE},
    "pictures/delete-user/<anyuuid:user_id>": {"DELETE": CHANGE},
    SOCKETIO: {"GET": READ},
    # What a browser opens: a token counts beside the address
    "images/<path:key>": {"GET": READ},
    "avatars/<anyuuid:user_id>": {"GET": READ},
    "avatars/<anyuuid:user_id>/<str:name>": {"GET": READ},
    "": {"GET": NONE},
    "p/<id:pk>/": {"GET": NONE},
    "p/<id:pk>/details/": {"GET": NONE},
    "p/<id:pk>/links/": {"GET": NONE},
    "links/": {"GET": NONE},
    "account/": {"GET": NONE},
    "account/delete/": {"GET": NONE},
    "manifest.webmanifest": {"GET": NONE},
    "service-worker.js": {"GET": NONE},
    "share/": {"POST": NONE},
    "images/default/default.png": {"GET": NONE},
    "l/<str:token>": {"GET": NONE, "POST": NONE},
    "robots.txt": {"GET": NONE},
    "join/": {"GET": NONE, "POST": NONE},
    "join/<str:token>/": {"GET": NONE, "POST": NONE},
    "reset/": {"GET": NONE, "POST": NONE},
    "reset/<str:token>/": {"GET": NONE, "POST": NONE},
    "verify/<str:token>/": {"GET": NONE, "POST": NONE},
    "i18n/setlang/": {"POST": NONE},
    # The service
    "healthz": {"GET": NONE},
    "readyz": {"GET": NONE},
    "metrics": {"GET": NONE},
}


def granted_scopes(listed: Collection[str] | None) -> Scopes:
    """Return what a session's column of scopes lets its token do: everything for null."""
    return ALL_SCOPES if listed is None else frozenset(each for each in Scope if each in listed)


class Granted(Protocol):
    """A session, as far as scopes are concerned."""

    @property
    def granted_scopes(self) -> Scopes:
        """What its token may do."""


def scopes_of(route: str, method: str) -> Scopes:
    """Return the scopes that a method of a route asks for: all of them where none are listed."""
    listed = SCOPES_BY_ROUTE.get(route, {})
    return listed.get("GET" if method == "HEAD" else method, ALL_SCOPES)


def require_scopes(session: Granted, route: str, method: str) -> None:
    """Raise MissingScope where the session's token may not use a method of a route."""
    missing = scopes_of(route, method) - session.granted_scopes
    if missing:
        raise MissingScope([each.value for each in Scope if each in missing])
