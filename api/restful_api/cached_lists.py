"""The lists of the image RESTful API, cached for a few seconds for one account each."""

import hashlib
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import page_response, read_page
from api.views import caller
from images.caching import cached
from lib.own_url import own_url


def cached_list_response(
    request: Request,
    queryset: QuerySet[Any, Any],
    fields: tuple[str, ...],
    serialize: Callable[[list[dict[str, Any]]], list[Any]],
    *,
    oldest_first: bool = False,
) -> Response:
    """Return a page of the caller's rows, as `serialize` writes them: plain data, as JSON has it.

    The query's parameters may choose anything: the page is cached under all of them.
    """

    def read() -> dict[str, Any]:
        rows, next_url = read_page(request, queryset, fields, oldest_first=oldest_first)
        return {"rows": serialize(rows), "next": next_url}

    page = cached(caller(request).pk, _cache_key(request), read, is_valid=_is_page)
    return page_response(page["rows"], page["next"])


def _is_page(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("rows"), list)
        and isinstance(value.get("next"), str)
    )


def _cache_key(request: Request) -> str:
    """Return a digest of all that a list depends on besides its rows."""
    viewer = caller(request)
    parts = [
        own_url(request._request),
        request._request.get_full_path(),
        str(viewer.tier.pk),
        viewer.tier.updated_at.isoformat(),
        str(viewer.is_superuser),
        str(settings.MEDIA_URL_WINDOW),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
