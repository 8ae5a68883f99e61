"""Lookups of a prefetch that the query planner can answer from an index."""

from typing import Any

from django.db.models.fields.tuple_lookups import TupleIn
from django.db.models.lookups import In


def as_plain_in(lookup: TupleIn, compiler: Any, connection: Any, *, as_expr: bool = False) -> Any:
    """`(column) IN ((a), (b))`, which Django writes to prefetch, as `column IN (a, b)`.

    As the expression it would be otherwise, it reads the whole collection.
    """
    (column,) = lookup.lhs
    values = [value for (value,) in lookup.rhs]
    plain: Any = In(column, values)
    return plain.as_mql(compiler, connection, as_expr=as_expr)
