"""Unique indexes that the query planner uses.

The backend makes each unique index partial (`{column: {$type: …}}`), so that several rows may hold
null. MongoDB never uses such an index to look a value up: signing in would scan all users. Upstream
mended it in 6.0.4; this is for 5.2, and only where null can't be.
"""

from typing import Any

from django.db import models
from django_mongodb_backend.indexes import get_pymongo_index_model
from pymongo.operations import IndexModel


def usable_index_model(
    index: models.Index,
    model: type[models.Model],
    schema_editor: Any,
    field: "models.Field[Any, Any] | None" = None,
    unique: bool = False,  # noqa: FBT001, FBT002 - the backend's own signature
    column_prefix: str = "",
) -> IndexModel | None:
    made: IndexModel | None = get_pymongo_index_model(
        index, model, schema_editor, field=field, unique=unique, column_prefix=column_prefix
    )
    if made is None or not unique or column_prefix:
        return made
    document = dict(made.document)
    get_field = model._meta.get_field  # noqa: SLF001 - documented, in spite of its name
    fields = [field] if field else [get_field(name) for name, _ in index.fields_orders]
    partial = _without_types(document.get("partialFilterExpression", {}), fields)
    options = {"partialFilterExpression": partial} if partial else {}
    keys = list(document["key"].items())
    return IndexModel(keys, name=document["name"], unique=True, **options)


def _without_types(partial: dict[str, Any], fields: list[Any]) -> dict[str, Any]:
    """The expression less `$type` of columns that are never null; `$and` stays as it is."""
    left = dict(partial)
    for column in {each.column for each in fields if not each.null} & set(left):
        conditions = {name: value for name, value in left.pop(column).items() if name != "$type"}
        if conditions:
            left[column] = conditions
    return left
