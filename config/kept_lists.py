"""Lists that are kept, answered before Django's middleware as the views would answer them.

What is kept is the view's own page, and who asks is looked up each time, by one query. Where
nothing is kept, or anything else is to be said, the request goes on to Django.
"""

from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.encoding import iri_to_uri

from accounts.early_authentication import EarlyToken, Reader, read_early_token
from accounts.scopes import scopes_of
from api.restful_api.cached_lists import Page, find_page, respond_with_page, viewer_facts
from api.restful_api.views import PictureListView, ThumbnailListView
from api.views import NOT_SHARED, ContractView
from config.middleware.security_headers import NO_PAGE_POLICY
from delivery.file_responses import PlainResponse
from lib.connections import use_connections

Environ = dict[str, Any]
# The routes of which some requests are answered here.
ROUTES: dict[str, type[ContractView]] = {
    "api/user/images/": PictureListView,
    "api/user/thumbnails/": ThumbnailListView,
}
CONTRACT = "restful_api"


class KeptLists:
    """Answers requests for lists that are kept; settings are read once, when it is made."""

    def __init__(self, is_secure: Callable[[Environ], bool]) -> None:
        self._is_secure = is_secure
        self._own_url: str = settings.OWN_URL
        # By the path, with a slash more or less.
        self._routes = {
            path: route for route in ROUTES for path in (f"/{route}", f"/{route}".rstrip("/"))
        }
        self._allowed = {route: _allowed_methods(view()) for route, view in ROUTES.items()}
        self._find_language = lru_cache(maxsize=256)(_find_language)

    def __contains__(self, path: str) -> bool:
        return path in self._routes and bool(settings.CACHE_SECONDS)

    def respond(self, environ: Environ, path: str) -> PlainResponse | None:
        """Respond with a list that is kept, or a 304; return None for whatever Django is to say."""
        if settings.LANGUAGE_COOKIE_NAME in environ.get("HTTP_COOKIE", ""):
            return None
        route, token = self._routes[path], read_early_token(environ)
        page = self._find_page(environ, path, token, route) if token else None
        response = respond_with_page(environ, page) if page else None
        if response is None or response.status == 412:
            return None
        response.headers |= {
            "Allow": self._allowed[route],
            "Cache-Control": NOT_SHARED,
            "Content-Language": self._find_language(environ.get("HTTP_ACCEPT_LANGUAGE", "")),
            "Content-Security-Policy": NO_PAGE_POLICY,
            "Vary": ", ".join(filter(None, (response.headers.get("Vary"), "Accept-Language"))),
        }
        return response

    def _find_page(self, environ: Environ, path: str, token: EarlyToken, route: str) -> Page | None:
        """Return what is kept for a live session that may read it, and is as it was then.

        First what is kept, if the token says whose: where nothing is, Django asks for the session.
        """
        reader = None if token.user_id else _find_reader(token, environ, route)
        user_id = reader.user_id if reader else token.user_id
        query = environ.get("QUERY_STRING", "")
        full_path = f"{path}?{iri_to_uri(query)}" if query else path
        accept = environ.get("HTTP_ACCEPT", "")
        page = find_page(user_id, self._base(environ), full_path, accept) if user_id else None
        if page is None:
            return None
        reader = reader or _find_reader(token, environ, route)
        return page if reader and page.viewer == _facts_of(reader) else None

    def _base(self, environ: Environ) -> str:
        """Return what `own_url` returns."""
        scheme = "https" if self._is_secure(environ) else "http"
        return self._own_url or f"{scheme}://{environ['HTTP_HOST']}"


def _find_reader(token: EarlyToken, environ: Environ, route: str) -> Reader | None:
    with use_connections:
        reader = token.find_reader()
    is_granted = reader and reader.granted_scopes >= scopes_of(route, environ["REQUEST_METHOD"])
    return reader if is_granted else None


def _facts_of(reader: Reader) -> str:
    return viewer_facts(reader.tier_id, reader.tier_updated_at, reader.is_superuser)


def _allowed_methods(view: ContractView) -> str:
    view.setup(HttpRequest())  # gives it HEAD
    return ", ".join(view.allowed_methods)


def _find_language(accepted: str) -> str:
    """Return what Django's middleware says of a request with this header."""
    request: Any = SimpleNamespace(COOKIES={}, META={"HTTP_ACCEPT_LANGUAGE": accepted})
    return translation.get_language_from_request(request)
