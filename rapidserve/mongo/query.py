"""The order of a pipeline's stages."""

from typing import Any

from django_mongodb_backend.query import MongoQuery

Stage = dict[str, Any]


class PageFirstQuery(MongoQuery):
    """Finds the page, and only then what belongs to its rows.

    The backend looks related rows up before it filters, sorts and limits: a page of 50 rows with
    `select_related` would make a lookup for every row of the table.
    """

    def get_pipeline(self) -> list[Stage]:
        pipeline: list[Stage] = super().get_pipeline()
        lookups: list[Stage] = self.lookup_pipeline or []
        if not lookups or not self._is_plain() or not self._keeps_rows(lookups):
            return pipeline
        rest = pipeline[len(lookups) :]
        page = [stage for stage in rest if "$project" not in stage]
        shape = [stage for stage in rest if "$project" in stage]
        if _mentions(page, _aliases(lookups)):
            return pipeline
        return page + lookups + shape

    def _is_plain(self) -> bool:
        """Rows as they are stored: nothing is grouped or joined on, no order is computed."""
        projected = self.project_fields or {}
        return not (
            self.search_pipeline
            or self.subqueries
            or self.aggregation_pipeline
            or self.combinator_pipeline
            or self.subquery_lookup
            or (projected and self.extra_fields)
            or any(projected.get(name, 1) != 1 for name in self.ordering)
        )

    def _keeps_rows(self, lookups: list[Stage]) -> bool:
        """Whether each row comes out once: it leads to at most one other, and one that must be
        there or whose absence an outer join bears."""
        outer = {alias for stage in lookups for alias in stage.get("$set", {})}
        joins = {alias: self.query.alias_map[alias].join_field for alias in _aliases(lookups)}
        return all(
            (field.many_to_one or field.one_to_one)
            and (alias in outer or not getattr(field, "null", True))
            for alias, field in joins.items()
        )


def _aliases(lookups: list[Stage]) -> set[str]:
    return {stage["$lookup"]["as"] for stage in lookups if "$lookup" in stage}


def _mentions(value: Any, aliases: set[str]) -> bool:
    """Whether a stage names a field of one of the aliases, as `alias.column` or `$alias.column`."""
    if isinstance(value, dict):
        return any(
            _mentions(key, aliases) or _mentions(each, aliases) for key, each in value.items()
        )
    if isinstance(value, list | tuple):
        return any(_mentions(each, aliases) for each in value)
    return isinstance(value, str) and value.lstrip("$").partition(".")[0] in aliases
