"""The lists of the image RESTful API, cached for a few seconds for one account each, as written."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from api.pagination import Rows, link_to_next, read_page
from api.views import caller
from delivery.client_urls import depend_on_accept, what_urls_depend_on
from delivery.file_responses import PlainResponse, status_by_condition
from delivery.responses import to_django
from images.caching import cached, find_cached
from lib.own_url import own_url


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it leaves; `next_url` is "" on the last one.

    `viewer` is what of the viewer's account it depends on, besides its rows.
    """

    body: bytes
    etag: str
    next_url: str
    viewer: str


def cached_list_response(
    request: Request,
    choose: Callable[[], Rows],
    fields: tuple[str, ...],
    serialize: Callable[[list[dict[str, Any]]], list[Any]],
    *,
    oldest_first: bool = False,
) -> HttpResponseBase:
    """Return a page of the rows that `choose` finds, as `serialize` writes them, or a 304.

    The query's parameters may choose anything: the page is cached under all of them.
    """
    viewer, asked = caller(request), request._request
    facts = viewer_facts(viewer.tier.pk, viewer.tier.updated_at, viewer.is_superuser)

    def compute() -> Page:
        rows, next_url = read_page(request, choose(), fields, oldest_first=oldest_first)
        body = JSONRenderer().render(serialize(rows))
        digest = hashlib.sha256(body + next_url.encode()).hexdigest()
        return Page(body, f'"{digest[:32]}"', next_url, facts)

    page = cached(
        viewer.pk,
        _cache_key(own_url(asked), asked.get_full_path(), asked.headers.get("Accept", "")),
        compute,
        is_valid=lambda page: isinstance(page, Page) and page.viewer == facts,
        write=_write,
        read=_read,
    )
    return to_django(respond_with_page(asked.META, page))


def viewer_facts(tier_id: int, tier_updated_at: datetime, is_superuser: bool) -> str:  # noqa: FBT001 (a column)
    """Return what of an account its lists depend on besides its rows."""
    return f"{tier_id} {tier_updated_at.isoformat()} {is_superuser}"


def find_page(viewer_id: UUID, base: str, full_path: str, accept: str) -> Page | None:
    """Return a page that was cached, good for whoever has its `viewer_facts`.

    `base` is `own_url`'s, and `full_path` what Django calls so.
    """
    key = _cache_key(base, full_path, accept)
    page: Page | None = find_cached(viewer_id, key, is_valid=lambda page: True, read=_read)
    return page


def respond_with_page(environ: Mapping[str, Any], page: Page) -> PlainResponse:
    """Respond with a page, a 304 or a 412."""
    headers = {"ETag": page.etag}
    if depend_on_accept():
        headers["Vary"] = "Accept"
    if status := status_by_condition(environ, page.etag):
        return PlainResponse(status, headers)
    headers |= {
        "Content-Type": "application/json",
        "Content-Length": str(len(page.body)),
    }
    if page.next_url:
        headers["Link"] = link_to_next(page.next_url)
    return PlainResponse(200, headers, body=page.body)


def _write(page: Page) -> bytes:
    """Write four lines; the three before the body have no line break in them."""
    return f"{page.etag}\n{page.next_url}\n{page.viewer}\n".encode() + page.body


def _read(entry: bytes) -> Page:
    """Raise ValueError for what `_write` did not write."""
    etag, next_url, viewer, body = entry.split(b"\n", 3)
    if not (etag[:1] == etag[-1:] == b'"' and body[:1] + body[-1:] == b"[]"):
        raise ValueError("not a page")
    return Page(body, etag.decode(), next_url.decode(), viewer.decode())


def _cache_key(base: str, full_path: str, accept: str) -> str:
    """Return a digest of all that a list depends on besides its rows and its viewer."""
    parts = base, full_path, str(settings.MEDIA_URL_WINDOW), what_urls_depend_on(accept)
    text = "\n".join(parts)
    return hashlib.sha256(text.encode()).hexdigest()
