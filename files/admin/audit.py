"""The audit log: filtered, and exported as JSON lines. Nothing here writes."""

from collections.abc import Iterator

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.safestring import SafeString

from accounts.models import User
from files.admin.cells import NONE, short, to_row
from files.admin.shown import Shown, by_id, chosen
from files.journal.audit import NO_SPACE, as_json
from files.models import AuditLine, Space

PAGE = 1000


@admin.register(AuditLine)
class AuditLineAdmin(Shown):
    actions = ("export",)
    list_display = ("at", "action", "who", "via", "address", "name", "entry", "where")
    list_filter = (
        "action",
        chosen("chain", Space, "space"),
        chosen("actor", User, "person"),
        chosen("entry", AuditLine, "entry"),
    )
    date_hierarchy = "at"
    search_help_text = "An id of a line, an entry or a person; an address."
    readonly_fields = (
        "id",
        "seq",
        "at",
        "action",
        "who",
        "via",
        "address",
        "entry",
        "name",
        "where",
        "details",
        "short_digest",
    )
    fields = readonly_fields

    def found_by(self, term: str) -> Q:
        known = by_id(term) | by_id(term, "entry") | by_id(term, "actor")
        return known | Q(address=term)

    @admin.action(description="Export as JSON lines", permissions=["view"])
    def export(self, request: HttpRequest, queryset: QuerySet[AuditLine]) -> StreamingHttpResponse:
        del request
        response = StreamingHttpResponse(_exported(queryset), content_type="application/jsonl")
        response["Content-Disposition"] = 'attachment; filename="audit.jsonl"'
        return response

    def who(self, line: AuditLine) -> SafeString | str:
        return to_row(User, line.actor, line.actor)

    @admin.display(description="space")
    def where(self, line: AuditLine) -> SafeString | str:
        return NONE if line.chain == NO_SPACE else to_row(Space, line.chain, line.chain)

    @admin.display(description="digest")
    def short_digest(self, line: AuditLine) -> SafeString | str:
        return short(line.digest)


def _exported(queryset: QuerySet[AuditLine]) -> Iterator[str]:
    """In the order they were written, a page at a time."""
    rows, after = queryset.order_by("id"), None
    while page := list((rows.filter(id__gt=after) if after else rows)[:PAGE]):
        yield from (f"{as_json(line)}\n" for line in page)
        after = page[-1].id
