"""Keyset pages: newest first, an opaque cursor in the Link header (RFC 8288), never an offset."""

import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from rest_framework.exceptions import ValidationError

PAGE = 100
LARGEST_PAGE = 1000
# How the OpenAPI document describes the two parameters.
LIMIT_SCHEMA = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE}
CURSOR_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = struct.Struct(">qq")
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: what comes next is older, or as old with a smaller id."""

    created_at: datetime
    id: int

    def encode(self) -> str:
        """Write it as 22 characters that need no quoting."""
        microseconds = (self.created_at - _EPOCH) // timedelta(microseconds=1)
        packed = _CURSOR.pack(microseconds, self.id)
        return urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Read one; raises ValueError for anything that `encode` did not write."""
        try:
            packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            microseconds, row_id = _CURSOR.unpack(packed)
            cursor = cls(_EPOCH + timedelta(microseconds=microseconds), row_id)
        except (struct.error, OverflowError, ValueError) as error:
            raise ValueError("Not a cursor.") from error
        if cursor.encode() != text:
            raise ValueError("Not a cursor that was made here.")
        return cursor


@dataclass(frozen=True, slots=True)
class Page:
    """Which page a request asks for."""

    limit: int
    cursor: Cursor | None

    @classmethod
    def of(cls, request: HttpRequest, *, usual: int = PAGE) -> "Page":
        """Read `limit` and `cursor` from the query; raises a field's ValidationError.

        `usual` is the limit of a request that names none.
        """
        return cls(_limit(request.GET.get("limit"), usual), _cursor(request.GET.get("cursor")))

    def rows(self, queryset: QuerySet[Row, Any]) -> QuerySet[Row, Any]:
        """Return the page's rows and one more, which tells that there is a next page.

        The first comparison alone bounds the walk along the index: without it PostgreSQL reads
        every newer row of the plain OR form.
        """
        if self.cursor:
            at, row_id = self.cursor.created_at, self.cursor.id
            queryset = queryset.filter(
                Q(created_at__lte=at) & (Q(created_at__lt=at) | Q(id__lt=row_id))
            )
        return queryset.order_by("-created_at", "-id")[: self.limit + 1]

    def next_url(self, request: HttpRequest, last: Cursor) -> str:
        """Return the absolute address of the page after the one that ends with `last`."""
        query = request.GET.copy()
        query["cursor"] = last.encode()
        return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _limit(text: str | None, usual: int) -> int:
    if text is None:
        return usual
    if not (re.fullmatch("[0-9]{1,4}", text) and 1 <= int(text) <= LARGEST_PAGE):
        raise ValidationError({"limit": [f"A whole number from 1 to {LARGEST_PAGE}."]})
    return int(text)


def _cursor(text: str | None) -> Cursor | None:
    if text is None:
        return None
    try:
        return Cursor.decode(text)
    except ValueError:
        raise ValidationError({"cursor": ["Not a cursor of this list."]}) from None
