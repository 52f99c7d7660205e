"""Keyset pages with an opaque cursor in the Link header (RFC 8288), never an offset.

The newest rows come first, unless a list is asked for the oldest.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet, UUIDField
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from lib.keyset import ChosenRows, Cursor, rows_after
from lib.own_url import own_url

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
# A queryset, or what stands for one that is compiled already.
Rows = QuerySet[Any, Any] | ChosenRows


def read_page(
    request: Request,
    rows: Rows,
    fields: tuple[str, ...],
    *,
    default_size: int = DEFAULT_PAGE_SIZE,
    oldest_first: bool = False,
) -> tuple[list[dict[str, Any]], str]:
    """Return the rows that `limit` and `cursor` ask for, and the next page's address or "".

    `fields` must hold `id` and `created_at`. Raise a ValidationError that names the parameter.
    """
    size = read_limit(request.GET.get("limit"), default_size)
    has_uuids = isinstance(rows.model._meta.pk, UUIDField)
    cursor = read_cursor(request.GET.get("cursor"), UUID if has_uuids else int)
    # One row more than the page shows tells that there is a next page.
    found = _read_rows(rows, cursor, fields, size + 1, oldest_first=oldest_first)
    shown = found[:size]
    if len(found) == len(shown):
        return shown, ""
    last = Cursor(shown[-1]["created_at"], shown[-1]["id"])
    return shown, replace_in_query(request, cursor=last.encode())


def _read_rows(
    rows: Rows, cursor: Cursor | None, fields: tuple[str, ...], count: int, *, oldest_first: bool
) -> list[dict[str, Any]]:
    if isinstance(rows, ChosenRows):
        return rows.read(cursor, fields, count, oldest_first=oldest_first)
    return list(rows_after(cursor, rows, oldest_first=oldest_first).values(*fields)[:count])


def page_response(
    body: Any, next_url: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a page with the address of the next one, if any, in its Link header."""
    response = Response(body, headers=dict(headers or {}))
    if next_url:
        response["Link"] = link_to_next(next_url)
    return response


def link_to_next(next_url: str) -> str:
    """Return the Link header of a page that is not the last."""
    return f'<{next_url}>; rel="next"'


def replace_in_query(request: Request, **parameters: str) -> str:
    """Return the request's absolute address with some parameters of its query replaced."""
    asked = request._request
    if asked.GET:
        query = asked.GET.copy()
        for name, value in parameters.items():
            query[name] = value
        written = query.urlencode()
    else:
        written = urlencode(parameters)
    return f"{own_url(asked)}{asked.path}?{written}"


def read_limit(text: str | None, default: int = DEFAULT_PAGE_SIZE) -> int:
    """Return the size of a page; raise a ValidationError for what is none."""
    if text is None:
        return default
    if not (re.fullmatch("[0-9]{1,4}", text) and 1 <= int(text) <= MAX_PAGE_SIZE):
        raise ValidationError({"limit": [f"A whole number from 1 to {MAX_PAGE_SIZE}."]})
    return int(text)


def read_cursor(text: str | None, id_type: type[int | UUID] = int) -> Cursor | None:
    """Return where a page begins; raise a ValidationError for a text that is no cursor."""
    if text is None:
        return None
    try:
        return Cursor.decode(text, id_type)
    except ValueError:
        raise ValidationError({"cursor": ["Not a cursor of this list."]}) from None
