"""Keysets: where a page of rows begins, by when they were made and their ids."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import Field, Model, Q, QuerySet

from lib.compiled_query import CompiledRows, Parameter

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# By the type of the rows' ids.
_PACKED: dict[type, struct.Struct] = {int: struct.Struct(">qq"), UUID: struct.Struct(">q16s")}


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page; what comes next is older (or newer), or as old with another id."""

    created_at: datetime
    id: int | UUID

    def encode(self) -> str:
        """Write the cursor as 22 characters that need no quoting, 32 where ids are UUIDs."""
        microseconds = (self.created_at - _EPOCH) // timedelta(microseconds=1)
        row_id = self.id.bytes if isinstance(self.id, UUID) else self.id
        packed = _PACKED[type(self.id)].pack(microseconds, row_id)
        return urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, id_type: type[int | UUID] = int) -> "Cursor":
        """Read a cursor; raise ValueError for anything that `encode` did not write of such ids."""
        try:
            packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            microseconds, row_id = _PACKED[id_type].unpack(packed)
            row_id = UUID(bytes=row_id) if id_type is UUID else row_id
            cursor = cls(_EPOCH + timedelta(microseconds=microseconds), row_id)
        except (struct.error, OverflowError, ValueError) as error:
            raise ValueError("Not a cursor.") from error
        if cursor.encode() != text:
            raise ValueError("Not a cursor that was made here.")
        return cursor


def rows_after(
    cursor: Cursor | None, rows: QuerySet[Any, Any], *, oldest_first: bool = False
) -> QuerySet[Any, Any]:
    """Order rows by age and leave out those up to the cursor.

    The first comparison alone bounds the walk along the index: without it PostgreSQL reads every
    row before the cursor of the plain OR form.
    """
    if cursor:
        at, row_id = cursor.created_at, cursor.id
        rows = rows.filter(
            Q(created_at__gte=at) & (Q(created_at__gt=at) | Q(id__gt=row_id))
            if oldest_first
            else Q(created_at__lte=at) & (Q(created_at__lt=at) | Q(id__lt=row_id))
        )
    return (
        rows.order_by("created_at", "id") if oldest_first else rows.order_by("-created_at", "-id")
    )


# Of one list: clients choose sizes, so that there may be thousands.
_MAX_KINDS = 64


class CompiledPages:
    """Pages of the rows that `choose` finds for values of `fields`, whose SQL is compiled once.

    Once for each kind of page, that is: `choose` is called with Parameters in the place of values,
    and what it returns may depend on nothing else that changes.
    """

    def __init__(
        self,
        model: type[Model],
        choose: Callable[..., QuerySet[Any, Any]],
        *fields: Field[Any, Any],
    ) -> None:
        self.model = model
        self._choose, self._fields = choose, fields
        self.find_compiled = lru_cache(maxsize=_MAX_KINDS)(self._compile)

    def of(self, *values: object) -> "ChosenRows":
        """Return what stands for the rows that `choose` finds for these values."""
        return ChosenRows(self, values)

    def _compile(
        self, columns: tuple[str, ...], count: int, *, has_cursor: bool, oldest_first: bool
    ) -> CompiledRows:
        meta = self.model._meta
        fields: Any = (*self._fields, meta.get_field("created_at"), meta.pk)
        parameters: list[Any] = [Parameter(*each) for each in enumerate(fields)]
        *chosen, created_at, row_id = parameters
        cursor = Cursor(created_at, row_id) if has_cursor else None
        rows = rows_after(cursor, self._choose(*chosen), oldest_first=oldest_first)
        return CompiledRows(rows[:count], columns)


@dataclass(frozen=True, slots=True)
class ChosenRows:
    """The rows of a list that is compiled, in the place of a queryset."""

    pages: CompiledPages
    values: tuple[object, ...]

    @property
    def model(self) -> type[Model]:
        return self.pages.model

    def read(
        self, cursor: Cursor | None, columns: tuple[str, ...], count: int, *, oldest_first: bool
    ) -> list[dict[str, Any]]:
        """Return columns of at most `count` rows after the cursor, as `rows_after` orders them."""
        compiled = self.pages.find_compiled(
            columns, count, has_cursor=cursor is not None, oldest_first=oldest_first
        )
        return compiled.get(*self.values, *((cursor.created_at, cursor.id) if cursor else ()))
