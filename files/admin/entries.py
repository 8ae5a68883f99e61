"""Files, folders, their versions, and the extents those consist of."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.models import User
from files.access.actor import Actor
from files.access.listing import way_to
from files.actions import trash
from files.admin.cells import NONE, exact_size, short, size, to_list, to_row
from files.admin.grants import Guarded
from files.admin.shown import Shown, by_id, chosen, fields_of
from files.models import Change, Chunk, Entry, Extent, Space, Upload, Version
from files.names import search_key
from rapidserve.db import flagged


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del request, model_admin
        return [("live", "live"), ("trash", "in the trash"), ("going", "being removed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        match self.value():
            case "live":
                return queryset.filter(flagged(live=True))
            case "trash":
                return queryset.filter(flagged(live=False), purged_at=None)
            case "going":
                return queryset.exclude(purged_at=None)
        return queryset


@admin.register(Entry)
class EntryAdmin(Guarded):
    actions = ("move_to_trash", "restore")
    list_display = ("name", "type", "amount", "space_link", "state", "modified_at", "modified_by")
    list_filter = (
        "type",
        StateFilter,
        chosen("space", Space, "space"),
        chosen("parent", Entry, "folder"),
    )
    list_select_related = ("space", "modified_by")
    search_help_text = "Part of a name, an id, or a content hash."
    fieldsets = (
        (None, {"fields": ("id", "name", "type", "space_link", "where", "state")}),
        ("Content", {"fields": ("amount_exactly", "content_type", "content_hash", "current")}),
        ("History", {"fields": ("revision", "created", "modified", "trashed")}),
        ("Around it", {"fields": ("children", "versions", "uploads", "journal")}),
    )
    readonly_fields = fields_of(fieldsets)

    def found_by(self, term: str) -> Q:
        return by_id(term) | Q(search_key__contains=search_key(term)) | Q(content_hash=term.lower())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        people = ("modified_by", "created_by", "trashed_by")
        return super().get_queryset(request).select_related("space", "parent", *people)

    def entry_of(self, row: Entry) -> Entry:
        return row

    @admin.action(description="Move to the trash", permissions=["act"])
    def move_to_trash(self, request: HttpRequest, queryset: QuerySet[Entry]) -> None:
        actor = _administrator(request)
        self.do_to_each(
            request,
            queryset,
            lambda entry: trash.trash(actor=actor, entry_id=entry.id),
            "moved to the trash",
        )

    @admin.action(description="Restore from the trash", permissions=["act"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Entry]) -> None:
        actor = _administrator(request)
        self.do_to_each(
            request,
            queryset,
            lambda entry: trash.restore(actor=actor, entry_id=entry.id),
            "restored from the trash",
        )

    @admin.display(description="size")
    def amount(self, entry: Entry) -> str:
        return size(entry.size)

    @admin.display(description="size")
    def amount_exactly(self, entry: Entry) -> str:
        return exact_size(entry.size)

    @admin.display(description="space")
    def space_link(self, entry: Entry) -> SafeString | str:
        return to_row(Space, entry.space_id, entry.space)

    def state(self, entry: Entry) -> str:
        if entry.purged_at:
            return "being removed"
        return "live" if entry.live else "in the trash"

    @admin.display(description="folder")
    def where(self, entry: Entry) -> SafeString | str:
        if entry.parent is None:
            return NONE
        names = [folder.name for folder in way_to(entry.parent)[1:]]
        return to_row(Entry, entry.parent_id, f"/{'/'.join(names)}")

    @admin.display(description="current version")
    def current(self, entry: Entry) -> SafeString | str:
        return to_row(Version, entry.current_version_id, entry.current_version_id)

    def created(self, entry: Entry) -> str:
        return f"{entry.created_at:%Y-%m-%d %H:%M:%S} by {entry.created_by}"

    def modified(self, entry: Entry) -> str:
        return f"{entry.modified_at:%Y-%m-%d %H:%M:%S} by {entry.modified_by}"

    def trashed(self, entry: Entry) -> str:
        if entry.trashed_at is None:
            return NONE
        return f"{entry.trashed_at:%Y-%m-%d %H:%M:%S} by {entry.trashed_by or 'nobody'}"

    def children(self, entry: Entry) -> SafeString | str:
        return to_list(Entry, "Show what is in it", parent=entry.id) if entry.is_folder else NONE

    def versions(self, entry: Entry) -> SafeString | str:
        return NONE if entry.is_folder else to_list(Version, "Show all", entry=entry.id)

    def uploads(self, entry: Entry) -> SafeString | str:
        if not entry.is_folder:
            return NONE
        return to_list(Upload, "Show those into it", parent=entry.id)

    def journal(self, entry: Entry) -> SafeString:
        return to_list(Change, "Show what happened to it", entry=entry.id)


@admin.register(Version)
class VersionAdmin(Shown):
    list_display = (
        "id",
        "entry_link",
        "number",
        "state",
        "amount",
        "content_type",
        "created_at",
        "created_by",
    )
    list_filter = ("state", chosen("space", Space, "space"), chosen("entry", Entry, "file"))
    list_select_related = ("entry", "created_by")
    search_help_text = "Id of a version or of its file, or a content hash."
    fields = (
        "id",
        "entry_link",
        "number",
        "space_link",
        "state",
        "amount_exactly",
        "content_type",
        "content_hash",
        "modified_at",
        "created_at",
        "created_by",
        "extents",
    )
    readonly_fields = fields

    def found_by(self, term: str) -> Q:
        return by_id(term) | by_id(term, "entry") | Q(content_hash=term.lower())

    @admin.display(description="file")
    def entry_link(self, version: Version) -> SafeString | str:
        return to_row(Entry, version.entry_id, version.entry)

    @admin.display(description="space")
    def space_link(self, version: Version) -> SafeString | str:
        return to_row(Space, version.space_id, version.space)

    @admin.display(description="size")
    def amount(self, version: Version) -> str:
        return size(version.size)

    @admin.display(description="size")
    def amount_exactly(self, version: Version) -> str:
        return exact_size(version.size)

    def extents(self, version: Version) -> SafeString:
        return to_list(Extent, "Show all", version=version.id)


@admin.register(Extent)
class ExtentAdmin(Shown):
    """Which chunk stands where in a version."""

    list_display = ("index", "version_link", "chunk_link", "offset", "amount", "digest")
    list_filter = (chosen("version", Version, "version"), chosen("chunk", Chunk, "chunk"))
    list_select_related = ("chunk",)
    ordering = ("version_id", "index")
    search_help_text = "Id of an extent, a version or a chunk."
    fields = (
        "id",
        "index",
        "version_link",
        "chunk_link",
        "offset",
        "length",
        "sha256",
        "space_link",
    )
    readonly_fields = fields

    def found_by(self, term: str) -> Q:
        return by_id(term) | by_id(term, "version") | by_id(term, "chunk")

    @admin.display(description="version")
    def version_link(self, extent: Extent) -> SafeString | str:
        return to_row(Version, extent.version_id, extent.version_id)

    @admin.display(description="chunk")
    def chunk_link(self, extent: Extent) -> SafeString | str:
        return to_row(Chunk, extent.chunk_id, extent.chunk.key)

    @admin.display(description="space")
    def space_link(self, extent: Extent) -> SafeString | str:
        return to_row(Space, extent.space_id, extent.space)

    @admin.display(description="length")
    def amount(self, extent: Extent) -> str:
        return size(extent.length)

    @admin.display(description="SHA-256")
    def digest(self, extent: Extent) -> SafeString | str:
        return short(extent.sha256)


def _administrator(request: HttpRequest) -> Actor:
    """Asked for by actions that only those may use who may change entries."""
    return Actor(cast("User", request.user), administers=True)
