"""Queries whose SQL is compiled once: for one row, for the rows of a list, and for an update.

Django compiles a query's SQL each time it runs. For one row joined with its account and tier that
takes several times as long as the query itself, for a page of a list a quarter of what the page
takes, and every request makes such queries.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connections, models
from django.db.models.base import ModelState
from django.db.models.expressions import RawSQL
from django.db.models.query import QuerySet, get_related_populators
from django.db.models.sql import UpdateQuery

Row = TypeVar("Row", bound=models.Model)


class CompiledQuery(Generic[Row]):
    """Gets a row of a queryset, with its `select_related` rows, by the value of a unique field.

    The filters of the queryset must not depend on anything that changes: they are compiled once.
    """

    def __init__(self, queryset: Callable[[], QuerySet[Row, Row]], field: str) -> None:
        self._queryset = queryset
        self._field_name = field

    def first(self, value: object) -> Row | None:
        """Return the row, or None."""
        compiled = self._compiled
        connection = connections[compiled.database]
        parameter = compiled.field.get_db_prep_value(value, connection)
        row = _look_up(connection, compiled.sql, parameter)
        return compiled.make_instance(row, connection) if row else None

    def get(self, value: object) -> Row:
        """Return the row; raise the model's DoesNotExist."""
        found = self.first(value)
        if found is None:
            raise self._compiled.model.DoesNotExist  # type: ignore[attr-defined]  # every model's
        return found

    @cached_property
    def _compiled(self) -> "_CompiledSql[Row]":
        return _CompiledSql(self._queryset(), self._field_name)


class Parameter(RawSQL):
    """Stands in a queryset for a value that is known when its query runs.

    `position` is its place among the values that are passed then; it is one of `of`, a field.
    """

    def __init__(self, position: int, of: models.Field[Any, Any]) -> None:
        self.position, self.of = position, of
        # So the compiler returns this object where a statement's parameters have their values.
        super().__init__("%s", [self])


class CompiledRows:
    """Gets columns of a queryset's rows as `values` does, by the values of its Parameters."""

    def __init__(self, queryset: QuerySet[Any, Any], columns: Sequence[str]) -> None:
        self._columns, self._database = columns, queryset.db
        compiler = queryset.values_list(*columns).query.get_compiler(using=queryset.db)
        self._sql, self._parameters = compiler.as_sql()
        self._converters = compiler.get_converters([column[0] for column in compiler.select])

    def get(self, *values: object) -> list[dict[str, Any]]:
        """Return the rows."""
        connection = connections[self._database]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, _fill_in(self._parameters, values, connection))
            rows = cursor.fetchall()
        if self._converters:
            rows = [_convert(row, self._converters, connection) for row in rows]
        # As many values as columns: to have that counted of each row takes half as long again.
        return [dict(zip(self._columns, row, strict=False)) for row in rows]


class CompiledUpdate:
    """Updates a queryset's rows as `update` does, by the values of its Parameters."""

    def __init__(self, queryset: QuerySet[Any, Any], **values: Any) -> None:
        self._database = queryset.db
        query: Any = queryset.query.chain(UpdateQuery)
        query.add_update_values(values)
        self._sql, self._parameters = query.get_compiler(using=queryset.db).as_sql()

    def run(self, *values: object) -> int:
        """Return how many rows were updated."""
        connection = connections[self._database]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, _fill_in(self._parameters, values, connection))
            return int(cursor.rowcount)


def _fill_in(parameters: Sequence[Any], values: Sequence[object], connection: Any) -> list[Any]:
    return [
        each.of.get_db_prep_value(values[each.position], connection)
        if isinstance(each, Parameter)
        else each
        for each in parameters
    ]


class CompiledValues:
    """Gets columns of a row as `values_list` does, by the value of a unique field."""

    def __init__(
        self, queryset: Callable[[], QuerySet[Any, Any]], field: str, columns: Sequence[str]
    ) -> None:
        self._queryset, self._field_name, self._columns = queryset, field, columns

    def first(self, value: object) -> tuple[Any, ...] | None:
        """Return the columns, or None where there is no row."""
        sql, field, database, converters = self._compiled
        connection = connections[database]
        row = _look_up(connection, sql, field.get_db_prep_value(value, connection))
        return _convert(row, converters, connection) if row and converters else row

    @cached_property
    def _compiled(self) -> tuple[str, Any, str, Any]:
        queryset = self._queryset()
        field = queryset.model._meta.get_field(self._field_name)
        rows = _where(queryset.values_list(*self._columns), self._field_name)
        compiler = rows.query.get_compiler(using=queryset.db)
        sql, _ = compiler.as_sql()
        converters = compiler.get_converters([column[0] for column in compiler.select])
        return sql, field, queryset.db, converters


def _look_up(connection: Any, sql: str, parameter: Any) -> tuple[Any, ...] | None:
    """Return one row; by a cursor that the connection keeps for this, where it has one."""
    kept = getattr(connection, "lookup_cursor", None)
    cursor = kept() if kept else connection.cursor()
    try:
        cursor.execute(sql, [parameter])
        row: tuple[Any, ...] | None = cursor.fetchone()
    finally:
        if not kept:
            cursor.close()
    return row


def _where(queryset: QuerySet[Any, Any], field_name: str) -> QuerySet[Any, Any]:
    """Return the rows of which a field has the value of a parameter."""
    # A placeholder that no field converts; the real value is passed to the cursor.
    return queryset.filter(**{field_name: RawSQL("%s", [""])}).order_by()


def _convert(row: Sequence[Any], converters: Any, connection: Any) -> tuple[Any, ...]:
    values = list(row)
    for position, (functions, expression) in converters.items():
        for convert in functions:
            values[position] = convert(values[position], expression, connection)
    return tuple(values)


class _CompiledSql(Generic[Row]):
    """The SQL, and what Django's compiler knows about its columns (see Django's ModelIterable)."""

    def __init__(self, queryset: QuerySet[Row, Row], field_name: str) -> None:
        self.model, self.database = queryset.model, queryset.db
        self.field: models.Field[Any, Any] = self.model._meta.get_field(field_name)  # type: ignore[assignment]  # a column
        compiler = _where(queryset, field_name).query.get_compiler(using=self.database)
        self.sql, _ = compiler.as_sql()
        select, klass_info = compiler.select, compiler.klass_info
        self._converters = compiler.get_converters([column[0] for column in select])
        positions = klass_info["select_fields"]
        self._own_columns = slice(positions[0], positions[-1] + 1)
        self._attnames = [column[0].target.attname for column in select[self._own_columns]]
        self._populators = get_related_populators(klass_info, select, self.database)  # type: ignore[call-arg]  # the stubs are of a later Django

    def make_instance(self, values: tuple[Any, ...], connection: Any) -> Row:
        """Build the model instance as Django does."""
        row = _convert(values, self._converters, connection)
        instance = _make(self.model, self.database, self._attnames, row[self._own_columns])
        for populator in self._populators:
            _populate(populator, row, instance)
        return instance  # type: ignore[return-value]  # it is one of the queryset's model


def _make(
    model: type[models.Model], database: str, attnames: Sequence[str], values: Sequence[Any]
) -> models.Model:
    """Return an instance with some columns, as `from_db` does; the others load when they are read.

    Without `__init__`, which looks at each of a model's fields: that takes as long as the query.
    """
    instance = model.__new__(model)
    state = ModelState()
    state.adding, state.db = False, database
    instance.__dict__.update(zip(attnames, values, strict=True), _state=state)
    return instance


def _populate(populator: Any, row: Sequence[Any], instance: models.Model) -> None:
    """Do what Django's RelatedPopulator does."""
    if populator.reorder_for_init:
        values = populator.reorder_for_init(row)
    else:
        values = row[populator.cols_start : populator.cols_end]
    related = None
    if values[populator.pk_idx] is not None:
        related = _make(populator.model_cls, populator.db, populator.init_list, values)
        for each in populator.related_populators:
            _populate(each, row, related)
    populator.local_setter(instance, related)
    if related is not None:
        populator.remote_setter(related, instance)
