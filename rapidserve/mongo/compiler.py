"""The backend's compilers, with errors in Django's words and pipelines that can use an index.

Django finds them by their names through `compiler_module`.
"""

from collections.abc import Iterator
from typing import Any

from django.db import DatabaseError
from django_mongodb_backend import compiler

from rapidserve.mongo.failures import database_errors
from rapidserve.mongo.query import PageFirstQuery


class _Guarded:
    """A statement in a broken transaction is refused; one that fails breaks its transaction."""

    connection: Any

    def execute_sql(self, *args: Any, **kwargs: Any) -> Any:
        connection = self.connection
        connection.ensure_connection()  # the backend would go on with one that was closed
        connection.validate_no_broken_transaction()
        try:
            with database_errors():
                return super().execute_sql(*args, **kwargs)  # type: ignore[misc] # a mixin
        except DatabaseError:
            # The server has given the transaction up already: going on would only fail later,
            # with an error that says less.
            connection.needs_rollback = connection.in_atomic_block
            raise


class SQLCompiler(_Guarded, compiler.SQLCompiler):
    query_class = PageFirstQuery

    def build_query(self, columns: Any = None) -> Any:
        """Without `{$addFields: {name: "$name"}}`, which keeps `$sort` from using an index."""
        query = super().build_query(columns)
        if columns is None and query.extra_fields:
            kept = {
                name: value for name, value in query.extra_fields.items() if value != f"${name}"
            }
            query.extra_fields = kept or None
        return query

    def cursor_iter(self, cursor: Any, chunk_size: int, columns: Any) -> Iterator[Any]:
        """Rows of a cursor that is read long after `execute_sql` returned."""
        rows = super().cursor_iter(cursor, chunk_size, columns)
        while True:
            with database_errors():
                chunk = next(rows, None)
            if chunk is None:
                return
            yield chunk


class SQLInsertCompiler(_Guarded, compiler.SQLInsertCompiler):
    pass


class SQLDeleteCompiler(_Guarded, compiler.SQLDeleteCompiler):
    pass


class SQLUpdateCompiler(_Guarded, compiler.SQLUpdateCompiler):  # type: ignore[misc] # Django's
    pass


class SQLAggregateCompiler(_Guarded, compiler.SQLAggregateCompiler):
    def _make_result(self, result: dict[str, Any], columns: Any = None) -> list[Any]:
        """What was aggregated of nothing is missing in the row; the backend fails on it."""
        del columns
        return [
            result.get(name, expression.empty_result_set_value)
            for name, expression in self.query.annotation_select.items()
        ]
