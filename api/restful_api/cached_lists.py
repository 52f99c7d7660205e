"""The lists of the image RESTful API, cached for a few seconds for one account each, as written."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from api.pagination import link_to_next, read_page
from api.views import caller
from images.caching import cached
from lib.own_url import own_url


@dataclass(frozen=True, slots=True)
class _Page:
    """A page as it leaves; `next_url` is "" on the last one."""

    body: bytes
    etag: str
    next_url: str


def cached_list_response(
    request: Request,
    choose: Callable[[], QuerySet[Any, Any]],
    fields: tuple[str, ...],
    serialize: Callable[[list[dict[str, Any]]], list[Any]],
    *,
    oldest_first: bool = False,
) -> HttpResponseBase:
    """Return a page of the rows that `choose` finds, as `serialize` writes them, or a 304.

    The query's parameters may choose anything: the page is cached under all of them.
    """

    def compute() -> _Page:
        rows, next_url = read_page(request, choose(), fields, oldest_first=oldest_first)
        body = JSONRenderer().render(serialize(rows))
        digest = hashlib.sha256(body + next_url.encode()).hexdigest()
        return _Page(body, f'"{digest[:32]}"', next_url)

    page = cached(
        caller(request).pk,
        _cache_key(request),
        compute,
        is_valid=lambda value: isinstance(value, _Page),
        write=_write,
        read=_read,
    )
    response = HttpResponse(page.body, content_type="application/json")
    response["ETag"] = page.etag
    if page.next_url:
        response["Link"] = link_to_next(page.next_url)
    known = get_conditional_response(request._request, etag=page.etag, response=response)
    return known or response


def _write(page: _Page) -> bytes:
    return json.dumps([page.etag, page.next_url]).encode() + b"\n" + page.body


def _read(entry: bytes) -> _Page:
    """Raise ValueError for what `_write` did not write."""
    head, _, body = entry.partition(b"\n")
    etag, next_url = json.loads(head)
    if not (isinstance(etag, str) and isinstance(next_url, str) and body[:1] + body[-1:] == b"[]"):
        raise ValueError("not a page")
    return _Page(body, etag, next_url)


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
