"""Routes that answer with and without a trailing slash.

A client of a contract may write either, and a redirect would turn its POST into a GET: the body
would be lost without a word.
"""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern
from django.urls.resolvers import RoutePattern


class EitherSlashPattern(RoutePattern):
    """Matches its route with one trailing slash more or less; is reversed to the route itself."""

    def match(self, path: str) -> tuple[str, tuple[Any, ...], dict[str, Any]] | None:
        """Match the path in the form of the route, so that no converter sees the other form."""
        bare = path.removesuffix("/")
        return super().match(f"{bare}/" if str(self).endswith("/") else bare)


def route(path: str, view: Callable[..., Any], *, name: str) -> URLPattern:
    """Return the URL pattern of an endpoint, as `django.urls.path` would."""
    return URLPattern(EitherSlashPattern(path, name=name, is_endpoint=True), view, None, name)
