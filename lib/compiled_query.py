"""Queries of one row whose SQL is written once.

Django writes a query's SQL anew each time it runs. For one row joined with its account and tier
that takes several times as long as the query itself, and every request asks such a question.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connections, models
from django.db.models.expressions import RawSQL
from django.db.models.query import QuerySet, get_related_populators

Row = TypeVar("Row", bound=models.Model)


class RowBy(Generic[Row]):
    """The row of a queryset, with what it selects along, by the value of a unique field.

    The queryset may filter by nothing that changes: its SQL is kept with it.
    """

    def __init__(self, rows: Callable[[], QuerySet[Row, Row]], field: str) -> None:
        self._rows = rows
        self._name = field

    def first(self, value: object) -> Row | None:
        """Return the row, None where there is none."""
        plan = self._plan
        connection = connections[plan.database]
        prepared = plan.field.get_db_prep_value(value, connection)
        with connection.cursor() as cursor:
            cursor.execute(plan.sql, [prepared])
            row = cursor.fetchone()
        return plan.object_of(row, connection) if row else None

    def get(self, value: object) -> Row:
        """Return the row; raises the model's DoesNotExist."""
        found = self.first(value)
        if found is None:
            raise self._plan.model.DoesNotExist  # type: ignore[attr-defined]  # every model's
        return found

    @cached_property
    def _plan(self) -> "_Plan[Row]":
        return _Plan(self._rows(), self._name)


class _Plan(Generic[Row]):
    """What Django's compiler knows of a query once it has written it (see its ModelIterable)."""

    def __init__(self, rows: QuerySet[Row, Row], name: str) -> None:
        self.model, self.database = rows.model, rows.db
        self.field: models.Field[Any, Any] = self.model._meta.get_field(name)  # type: ignore[assignment]  # a column
        # Stands for a value whose type nobody asks for; the parameter itself is left out again.
        anything = RawSQL("%s", [""])
        query = rows.filter(**{name: anything}).order_by().query
        compiler = query.get_compiler(using=self.database)
        self.sql, _ = compiler.as_sql()
        select, about = compiler.select, compiler.klass_info
        self._converters = compiler.get_converters([each[0] for each in select])
        own = about["select_fields"]
        self._own = slice(own[0], own[-1] + 1)
        self._names = [each[0].target.attname for each in select[self._own]]
        self._related = get_related_populators(about, select, self.database)  # type: ignore[call-arg]  # the stubs are of a later Django

    def object_of(self, values: tuple[Any, ...], connection: Any) -> Row:
        """Make the object, as Django makes it."""
        row = list(values)
        for position, (converters, expression) in self._converters.items():
            for convert in converters:
                row[position] = convert(row[position], expression, connection)
        found = self.model.from_db(self.database, self._names, row[self._own])
        for each in self._related:
            each.populate(row, found)
        return found
