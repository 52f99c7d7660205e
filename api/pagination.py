"""Keyset pages: newest first, an opaque cursor in the Link header (RFC 8288), never an offset."""

import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from lib.own_url import own_url

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PACKED = struct.Struct(">qq")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: what comes next is older, or as old with a smaller id."""

    created_at: datetime
    id: int

    def encode(self) -> str:
        """Write the cursor as 22 characters that need no quoting."""
        microseconds = (self.created_at - _EPOCH) // timedelta(microseconds=1)
        packed = _PACKED.pack(microseconds, self.id)
        return urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Read a cursor; raise ValueError for anything that `encode` did not write."""
        try:
            packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            microseconds, row_id = _PACKED.unpack(packed)
            cursor = cls(_EPOCH + timedelta(microseconds=microseconds), row_id)
        except (struct.error, OverflowError, ValueError) as error:
            raise ValueError("Not a cursor.") from error
        if cursor.encode() != text:
            raise ValueError("Not a cursor that was made here.")
        return cursor


def read_page(
    request: Request,
    queryset: QuerySet[Any, Any],
    fields: tuple[str, ...],
    *,
    default_size: int = DEFAULT_PAGE_SIZE,
) -> tuple[list[dict[str, Any]], str]:
    """Return the rows that `limit` and `cursor` ask for, and the next page's address or "".

    `fields` must hold `id` and `created_at`. Raise a ValidationError that names the parameter.
    """
    size = read_limit(request.GET.get("limit"), default_size)
    cursor = read_cursor(request.GET.get("cursor"))
    # One row more than the page shows tells that there is a next page.
    found = list(_rows_after(cursor, queryset).values(*fields)[: size + 1])
    rows = found[:size]
    if len(found) == len(rows):
        return rows, ""
    last = Cursor(rows[-1]["created_at"], rows[-1]["id"])
    return rows, replace_in_query(request, cursor=last.encode())


def page_response(
    body: Any, next_url: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a page with the address of the next one, if any, in its Link header."""
    response = Response(body, headers=dict(headers or {}))
    if next_url:
        response["Link"] = f'<{next_url}>; rel="next"'
    return response


def replace_in_query(request: Request, **parameters: str) -> str:
    """Return the request's absolute address with some parameters of its query replaced."""
    query = request.GET.copy()
    for name, value in parameters.items():
        query[name] = value
    return f"{own_url(request._request)}{request._request.path}?{query.urlencode()}"


def _rows_after(cursor: Cursor | None, queryset: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """Order by age and leave out what the pages before have shown.

    The first comparison alone bounds the walk along the index: without it PostgreSQL reads
    every newer row of the plain OR form.
    """
    if cursor:
        at, row_id = cursor.created_at, cursor.id
        queryset = queryset.filter(
            Q(created_at__lte=at) & (Q(created_at__lt=at) | Q(id__lt=row_id))
        )
    return queryset.order_by("-created_at", "-id")


def read_limit(text: str | None, default: int = DEFAULT_PAGE_SIZE) -> int:
    """Return the size of a page; raise a ValidationError for what is none."""
    if text is None:
        return default
    if not (re.fullmatch("[0-9]{1,4}", text) and 1 <= int(text) <= MAX_PAGE_SIZE):
        raise ValidationError({"limit": [f"A whole number from 1 to {MAX_PAGE_SIZE}."]})
    return int(text)


def read_cursor(text: str | None) -> Cursor | None:
    """Return where a page begins; raise a ValidationError for a text that is no cursor."""
    if text is None:
        return None
    try:
        return Cursor.decode(text)
    except ValueError:
        raise ValidationError({"cursor": ["Not a cursor of this list."]}) from None
