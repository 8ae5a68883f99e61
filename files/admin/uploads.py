"""Uploads under way and those that ended lately."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.models import User
from accounts.models import name_key as person_key
from files.access.lookup import upload_gone
from files.actions.uploads import expire
from files.admin.cells import exact_size, size, to_list, to_row
from files.admin.shown import Shown, by_id, chosen, fields_of
from files.models import Entry, Extent, Space, Upload, Version
from files.names import name_key


class OverdueFilter(admin.SimpleListFilter):
    title = "overdue"
    parameter_name = "overdue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del request, model_admin
        return [("yes", "open, and past its time")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        if self.value() == "yes":
            return queryset.filter(state=Upload.State.OPEN, expires_at__lt=timezone.now())
        return queryset


@admin.register(Upload)
class UploadAdmin(Shown):
    actions = ("cancel",)
    list_display = (
        "name",
        "state",
        "amount",
        "held",
        "actor_link",
        "space_link",
        "created_at",
        "expires_at",
    )
    list_filter = (
        "state",
        OverdueFilter,
        chosen("space", Space, "space"),
        chosen("parent", Entry, "folder"),
        chosen("actor", User, "person"),
    )
    list_select_related = ("actor", "space")
    date_hierarchy = "created_at"
    search_help_text = "Beginning of a name, a person's name, or an id."
    fieldsets = (
        (None, {"fields": ("id", "name", "state", "actor_link", "space_link", "parent_link")}),
        ("Size", {"fields": ("amount_exactly", "to_send", "held_exactly")}),
        ("What it makes", {"fields": ("on_conflict", "if_match", "file", "version_link")}),
        ("Dates", {"fields": ("created_at", "expires_at")}),
        ("Chunks", {"fields": ("extents",)}),
    )
    readonly_fields = fields_of(fieldsets)

    def found_by(self, term: str) -> Q:
        named = Q(name_key__startswith=name_key(term))
        return named | Q(actor__username_key=person_key(term)) | by_id(term)

    @admin.action(description="Cancel: end them and give the room back", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        self.do_to_each(request, queryset, _cancel, "cancelled")

    @admin.display(description="size")
    def amount(self, upload: Upload) -> str:
        return size(upload.size)

    @admin.display(description="size")
    def amount_exactly(self, upload: Upload) -> str:
        return exact_size(upload.size)

    @admin.display(description="to be sent")
    def to_send(self, upload: Upload) -> str:
        return exact_size(upload.sent_bytes)

    @admin.display(description="room held")
    def held(self, upload: Upload) -> str:
        return size(upload.reserved_bytes if upload.state == Upload.State.OPEN else 0)

    @admin.display(description="room held")
    def held_exactly(self, upload: Upload) -> str:
        return exact_size(upload.reserved_bytes if upload.state == Upload.State.OPEN else 0)

    @admin.display(description="person")
    def actor_link(self, upload: Upload) -> SafeString | str:
        return to_row(User, upload.actor_id, upload.actor)

    @admin.display(description="space")
    def space_link(self, upload: Upload) -> SafeString | str:
        return to_row(Space, upload.space_id, upload.space)

    @admin.display(description="folder")
    def parent_link(self, upload: Upload) -> SafeString | str:
        return to_row(Entry, upload.parent_id, upload.parent)

    def file(self, upload: Upload) -> SafeString | str:
        return to_row(Entry, upload.entry_id, upload.entry_id)

    @admin.display(description="version")
    def version_link(self, upload: Upload) -> SafeString | str:
        return to_row(Version, upload.version_id, upload.version_id)

    def extents(self, upload: Upload) -> SafeString | str:
        return to_list(Extent, "Show all", version=upload.version_id or upload.id)


def _cancel(upload: Upload) -> None:
    if not expire(upload):
        raise upload_gone(upload)
