"""The base of every page here: rows that are shown, found by exact things, and acted on."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from accounts.admin import LookedAt
from rapidserve.errors import RapidServeError

MOST_COUNTED: Final = 10_000
MOST_AT_ONCE: Final = 500
NOTHING: Final = Q(pk__in=[])


class BoundedPaginator(Paginator):  # type: ignore[type-arg] # generic in the stubs only
    """Counts to 10,000 and no further: to count all of ten million rows takes seconds, and nobody
    turns to page 200,001.
    """

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return int(rows.order_by()[:MOST_COUNTED].count())
        return len(rows)

    @property
    def is_bounded(self) -> bool:
        """Whether there may be more than these pages show."""
        return self.count == MOST_COUNTED


def fields_of(fieldsets: Any) -> tuple[str, ...]:
    """The names of all fields in fieldsets."""
    return tuple(name for _, part in fieldsets for name in part["fields"])


class Shown(LookedAt):
    """To look at and to act on, not to edit. Newest first, in the order of the primary key: what is
    sorted by anything else is sorted whole.
    """

    actions: Sequence[Any] = ()
    list_per_page = 50
    ordering: ClassVar[tuple[str, ...]] = ("-id",)
    paginator = BoundedPaginator
    search_fields = ("id",)  # that there is a box; found_by says what it finds
    show_facets = admin.ShowFacets.NEVER  # each would count the whole table
    show_full_result_count = False
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def found_by(self, term: str) -> Q:
        """What a search for `term` (not empty, without spaces around it) finds."""
        return by_id(term)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        del request
        term = search_term.strip()
        return (queryset.filter(self.found_by(term)) if term else queryset), False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Who might change such rows may use the actions on them."""
        return admin.ModelAdmin.has_change_permission(self, request)

    def do_to_each(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        act: Callable[[Any], object],
        done: str,
    ) -> None:
        """Act on each row; what is refused is said, and does not stop the others. `done`: what
        happened to a row, as in "moved to the trash".
        """
        rows = list(queryset[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            self.message_user(request, f"Choose at most {MOST_AT_ONCE} at once.", messages.ERROR)
            return
        count = 0
        for row in rows:
            try:
                act(row)
            except RapidServeError as error:
                self.message_user(request, f"{row}: {error.message}", messages.ERROR)
            else:
                self.log_change(request, row, done)
                count += 1
        if count:
            self.message_user(request, f"{count} {done}.", messages.SUCCESS)


class Chosen(admin.SimpleListFilter):
    """The rows of one space, person, … that a link led here with. Offers no list of all of them:
    there may be thousands.
    """

    model: ClassVar[type[Model]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        del request, model_admin
        value = self.value()
        if value is None:
            return []
        found = self.model._default_manager.filter(by_id(value)).first()  # noqa: SLF001 - Django's own name for it
        return [(value, str(found) if found else "nothing that is there")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        value = self.value()
        if value is None:
            return queryset
        chosen = id_in(value)
        return queryset.filter(**{self.parameter_name or "": chosen}) if chosen else queryset.none()


def chosen(field: str, model: type[Model], title: str) -> type[Chosen]:
    """A filter by the foreign key `field`."""
    name = f"Chosen{title.title().replace(' ', '')}"
    return type(name, (Chosen,), {"parameter_name": field, "model": model, "title": title})


def id_in(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None


def by_id(term: str, field: str = "id") -> Q:
    """Rows with this id; nothing for what can't be one."""
    found = id_in(term)
    return Q(**{field: found}) if found else NOTHING
