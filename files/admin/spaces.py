"""Spaces and their journals. A space's quota is the one thing that is edited here."""

import re
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.models import User
from accounts.models import name_key as person_key
from files.actions.spaces import set_quota
from files.admin.cells import NONE, exact_size, size, to_list, to_row
from files.admin.grants import Guarded
from files.admin.shown import Shown, by_id, chosen
from files.models import Change, Entry, Space, Upload, Version
from files.names import name_key

MOST = 2**63 - 1
NEARLY = 0.9
UNITS = ("", "K", "M", "G", "T", "P")
_QUOTA = re.compile(
    r"(?P<number>[0-9]{1,19}(\.[0-9]{1,6})?)\s*((?P<unit>[KMGTP])(i?B)?|B|bytes)?", re.IGNORECASE
)


class QuotaField(forms.CharField):
    """`50 GB`, `1.5 TB` or bytes; powers of 1024, as sizes are shown. Empty is None: no limit."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            max_length=40,
            help_text="As in 50 GB or 1.5 TB; empty for no limit. Files that are there stay.",
            **kwargs,
        )

    def clean(self, value: Any) -> int | None:
        text = super().clean(value).strip()
        if not text:
            return None
        match = _QUOTA.fullmatch(text)
        if match is None:
            raise ValidationError("This is no size. Write it as in 50 GB.")
        number = int(Decimal(match["number"]) * 1024 ** UNITS.index((match["unit"] or "").upper()))
        if number > MOST:
            raise ValidationError("This is more than a number of bytes can be. Leave it empty.")
        return number


class SpaceForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs only
    quota = QuotaField()

    class Meta:
        model = Space
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.quota_bytes is not None:
            self.fields["quota"].initial = _as_typed(self.instance.quota_bytes)


def _as_typed(quota: int) -> str:
    """In the largest unit that leaves nothing over: saving it again changes nothing."""
    power = 0
    while quota and quota % 1024 == 0 and power < len(UNITS) - 1:
        quota, power = quota // 1024, power + 1
    return f"{quota} {UNITS[power]}B" if power else str(quota)


class FullFilter(admin.SimpleListFilter):
    title = "room"
    parameter_name = "room"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del request, model_admin
        return [("little", "nearly full"), ("limited", "with a quota"), ("unlimited", "no limit")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        match self.value():
            case "little":
                taken = F("used_bytes") + F("reserved_bytes")
                near = Q(taken__gte=F("quota_bytes") * NEARLY)
                found: QuerySet[Any] = queryset.alias(taken=taken).filter(near)
                return found
            case "limited":
                return queryset.exclude(quota_bytes=None)
            case "unlimited":
                return queryset.filter(quota_bytes=None)
        return queryset


@admin.register(Space)
class SpaceAdmin(Guarded):
    form = SpaceForm
    list_display = ("name", "kind", "owner_link", "used", "quota", "stored", "live", "created_at")
    list_filter = ("kind", "live", FullFilter, chosen("owner", User, "owner"))
    list_select_related = ("owner",)
    date_hierarchy = "created_at"
    sortable_by = ("name", "used", "stored", "created_at")
    search_help_text = "Name of the space or of its owner, or an id."
    _counted = ("used_exactly", "stored_exactly", "saved", "reserved_exactly")
    _facts = ("id", "name", "kind", "owner_link", "root_link", "live", "created_at")
    _links = ("entries", "trash", "versions", "uploads", "journal")
    readonly_fields = (*_facts, *_counted, *_links, "quota")

    def found_by(self, term: str) -> Q:
        owned = Q(owner__username_key__startswith=person_key(term))
        return by_id(term) | by_id(term, "root") | Q(name_key__contains=name_key(term)) | owned

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del obj
        return self.has_act_permission(request)

    def entry_of(self, row: Space) -> Entry | None:
        return Entry.objects.filter(id=row.root).first()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        if self.has_change_permission(request):
            return [field for field in fields if field != "quota"]
        return fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        del request, obj
        return (
            (None, {"fields": self._facts}),
            ("Room", {"fields": ("quota", *self._counted)}),
            ("What is in it", {"fields": self._links}),
        )

    def save_model(self, request: HttpRequest, obj: Space, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        del change
        set_quota(
            actor_id=cast("User", request.user).id,
            space=obj,
            quota_bytes=form.cleaned_data["quota"],
        )

    @admin.display(description="owner")
    def owner_link(self, space: Space) -> SafeString | str:
        return to_row(User, space.owner_id, space.owner)

    @admin.display(description="used", ordering="used_bytes")
    def used(self, space: Space) -> str:
        return size(space.used_bytes)

    @admin.display(description="stored", ordering="stored_bytes")
    def stored(self, space: Space) -> str:
        return size(space.stored_bytes)

    def quota(self, space: Space) -> str:
        return "no limit" if space.quota_bytes is None else size(space.quota_bytes)

    @admin.display(description="used")
    def used_exactly(self, space: Space) -> str:
        return exact_size(space.used_bytes)

    @admin.display(description="stored")
    def stored_exactly(self, space: Space) -> str:
        return exact_size(space.stored_bytes)

    @admin.display(description="saved by deduplication")
    def saved(self, space: Space) -> str:
        return size(max(0, space.used_bytes - space.stored_bytes))

    @admin.display(description="held by uploads")
    def reserved_exactly(self, space: Space) -> str:
        return exact_size(space.reserved_bytes)

    @admin.display(description="top folder")
    def root_link(self, space: Space) -> SafeString | str:
        return to_row(Entry, space.root, "Top folder")

    @admin.display(description="files and folders")
    def entries(self, space: Space) -> SafeString:
        return to_list(Entry, "Show all", space=space.id)

    def trash(self, space: Space) -> SafeString:
        return to_list(Entry, "Show what is in the trash", space=space.id, state="trash")

    def versions(self, space: Space) -> SafeString:
        return to_list(Version, "Show all", space=space.id)

    def uploads(self, space: Space) -> SafeString:
        return to_list(Upload, "Show all", space=space.id)

    def journal(self, space: Space) -> SafeString:
        return to_list(Change, "Show all", space=space.id)


@admin.register(Change)
class ChangeAdmin(Shown):
    """The journals, as what happened to whom."""

    list_display = ("at", "space_link", "seq", "type", "name", "entry_link", "actor_link")
    list_filter = (
        "type",
        chosen("space", Space, "space"),
        chosen("entry", Entry, "entry"),
        chosen("actor", User, "person"),
    )
    list_select_related = ("space", "actor")
    search_help_text = "Id of an entry or of a folder."
    fields = ("at", "space_link", "seq", "type", "name", "entry_type", "entry_link", "actor_link")
    readonly_fields = fields

    def found_by(self, term: str) -> Q:
        return by_id(term) | by_id(term, "entry") | by_id(term, "parent")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("space", "actor")

    @admin.display(description="space")
    def space_link(self, change: Change) -> SafeString | str:
        return to_row(Space, change.space_id, change.space)

    @admin.display(description="entry")
    def entry_link(self, change: Change) -> SafeString | str:
        return to_row(Entry, change.entry, "Show")

    @admin.display(description="person")
    def actor_link(self, change: Change) -> SafeString | str:
        return to_row(User, change.actor_id, change.actor) if change.actor else NONE
