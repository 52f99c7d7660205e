"""Every route of the URL configuration."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver


def routes() -> list[str]:
    """Return every route but the admin's, which has people and permissions of its own."""
    return [route for route in _walk(get_resolver().url_patterns, "") if route[:6] != "admin/"]


def routes_of(urls: str) -> list[str]:
    """Return the routes of a module's URL table."""
    return list(_walk(get_resolver(urls).url_patterns, ""))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        else:
            yield route
