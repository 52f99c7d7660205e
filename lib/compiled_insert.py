"""Inserts of rows, of which there are few at once, whose SQL is compiled once.

Django compiles an INSERT each time, which takes several times as long as the statement itself.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connections, models, router

Row = TypeVar("Row", bound=models.Model)


class CompiledInsert(Generic[Row]):
    """Inserts a new instance of a model; sends no signals of a model, and sets what `save` sets.

    For models whose fields have their values before the insert, all but an automatic key.
    """

    def __init__(self, model: type[Row]) -> None:
        self._model = model

    def insert(self, instance: Row) -> None:
        """Insert the row; raise what `save(force_insert=True)` does."""
        self.insert_all([instance])

    def insert_and_ask(self, instance: Row, expression: str, parameters: Sequence[Any]) -> Any:
        """Insert the row and return the value of an SQL expression, both by one statement.

        The expression sees the rows of other tables as they were when the statement began.
        """
        [[*_, value]] = self._insert([instance], expression, parameters)
        return value

    def insert_all(self, instances: Sequence[Row]) -> None:
        """Insert some rows by one statement."""
        self._insert(instances)

    def _insert(
        self, instances: Sequence[Row], expression: str = "", parameters: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Return what the statement returns for each row: its automatic key, and the expression."""
        database, sql, fields, key = self._compiled
        connection = connections[database]
        values = [
            field.get_db_prep_save(field.pre_save(instance, add=True), connection)
            for instance in instances
            for field in fields
        ]
        group = f"({', '.join(['%s'] * len(fields))})"
        returned = [connection.ops.quote_name(key.column)] if key else []
        returned += [expression] if expression else []
        returning = f" returning {', '.join(returned)}" if returned else ""
        with connection.cursor() as cursor:
            statement = sql + ", ".join([group] * len(instances)) + returning
            cursor.execute(statement, [*values, *parameters])
            rows: list[tuple[Any, ...]] = cursor.fetchall() if returned else []
        for position, instance in enumerate(instances):
            if key:
                setattr(instance, key.attname, rows[position][0])
            instance._state.adding, instance._state.db = False, database
        return rows

    @cached_property
    def _compiled(self) -> tuple[str, str, list[models.Field[Any, Any]], Any]:
        """Return database, a statement's beginning, the fields that it takes, and an auto key."""
        meta = self._model._meta
        database = router.db_for_write(self._model)
        quote = connections[database].ops.quote_name
        auto = meta.auto_field
        fields = [field for field in meta.concrete_fields if field is not auto]
        columns = ", ".join(quote(str(field.column)) for field in fields)
        sql = f"insert into {quote(meta.db_table)} ({columns}) values "  # noqa: S608 (names of our own)
        return database, sql, fields, auto
