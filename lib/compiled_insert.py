"""Inserts of single rows whose SQL is compiled once.

Django compiles an INSERT each time, which takes several times as long as the statement itself.
"""

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
        database, sql, fields, key = self._compiled
        connection = connections[database]
        values = [
            field.get_db_prep_save(field.pre_save(instance, add=True), connection)
            for field in fields
        ]
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            if key:
                setattr(instance, key, cursor.fetchone()[0])
        instance._state.adding, instance._state.db = False, database

    @cached_property
    def _compiled(self) -> tuple[str, str, list[models.Field[Any, Any]], str]:
        """Return database and statement, the fields whose values it takes, and a key's name."""
        meta = self._model._meta
        database = router.db_for_write(self._model)
        quote = connections[database].ops.quote_name
        auto = meta.auto_field
        fields = [field for field in meta.concrete_fields if field is not auto]
        columns = ", ".join(quote(str(field.column)) for field in fields)
        places = ", ".join(["%s"] * len(fields))
        sql = f"insert into {quote(meta.db_table)} ({columns}) values ({places})"  # noqa: S608 (names of our own)
        if auto:
            sql += f" returning {quote(str(auto.column))}"
        return database, sql, fields, auto.attname if auto else ""
