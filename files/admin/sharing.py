"""Who was given what, public links and their visits. Taken back here as by the API."""

from typing import Any, ClassVar, cast

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.models import User
from accounts.models import name_key as person_key
from files.access.actor import Actor
from files.access.rights import role_of
from files.actions import links, sharing
from files.admin.cells import NONE, to_list, to_row
from files.admin.shown import Shown, by_id, chosen, fields_of
from files.models import Entry, GroupGrant, Link, UserGrant, Visit


def administrator(request: HttpRequest) -> Actor:
    return Actor(cast("User", request.user), administers=True)


class GrantAdmin(Shown):
    """`subject`: the field that names who was given the role."""

    subject = ""
    actions = ("withdraw",)
    list_filter: ClassVar[tuple[Any, ...]] = (
        chosen("content_object", Entry, "entry"),
        chosen("granted_by", User, "by"),
    )
    readonly_fields = ("id", "to", "role", "entry_link", "expires_at", "granted_at", "granted_by")
    fields = readonly_fields
    list_display = ("to", "role", "entry_link", "expires_at", "granted_at", "granted_by")
    list_select_related: ClassVar[tuple[str, ...]] = ("content_object", "granted_by")

    @admin.action(description="Take back", permissions=["act"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def act(grant: Any) -> None:
            key = getattr(grant, f"{self.subject}_id")
            sharing.withdraw_role(
                actor=administrator(request),
                entry_id=grant.content_object_id,
                subject=(self.subject, str(key)),
            )

        self.do_to_each(request, queryset, act, "taken back")

    def role(self, grant: Any) -> str:
        return role_of(grant.permission_id)

    def to(self, grant: Any) -> SafeString | str:
        return str(getattr(grant, self.subject))

    @admin.display(description="entry")
    def entry_link(self, grant: Any) -> SafeString | str:
        return to_row(Entry, grant.content_object_id, grant.content_object)


@admin.register(UserGrant)
class UserGrantAdmin(GrantAdmin):
    subject = "user"
    list_filter: ClassVar[tuple[Any, ...]] = (
        *GrantAdmin.list_filter,
        chosen("user", User, "person"),
    )
    list_select_related: ClassVar[tuple[str, ...]] = ("user", *GrantAdmin.list_select_related)
    search_help_text = "A person's name, or an id."

    def found_by(self, term: str) -> Q:
        return Q(user__username_key=person_key(term)) | by_id(term)

    def to(self, grant: UserGrant) -> SafeString | str:
        return to_row(User, grant.user_id, grant.user)


@admin.register(GroupGrant)
class GroupGrantAdmin(GrantAdmin):
    subject = "group"
    list_select_related: ClassVar[tuple[str, ...]] = ("group", *GrantAdmin.list_select_related)
    search_help_text = "A group's name, or an id."

    def found_by(self, term: str) -> Q:
        return Q(group__name=term) | by_id(term)


class WorkingFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del request, model_admin
        return [("live", "not revoked"), ("revoked", "revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        if self.value() is None:
            return queryset
        return queryset.filter(revoked_at__isnull=self.value() == "live")


@admin.register(Link)
class LinkAdmin(Shown):
    """Without addresses: who administers must not read by them."""

    actions = ("revoke",)
    list_display = ("entry_link", "role", "protected", "used", "expires_at", "created_by", "state")
    list_filter = (
        WorkingFilter,
        "role",
        chosen("entry", Entry, "entry"),
        chosen("created_by", User, "person"),
    )
    list_select_related = ("entry", "created_by")
    search_help_text = "The name of who made it, or an id."
    fieldsets = (
        (None, {"fields": ("id", "entry_link", "role", "created_by", "created_at", "state")}),
        ("Limits", {"fields": ("protected", "used", "expires_at")}),
        ("Visits", {"fields": ("visits",)}),
    )
    readonly_fields = fields_of(fieldsets)

    def found_by(self, term: str) -> Q:
        return Q(created_by__username_key=person_key(term)) | by_id(term)

    @admin.action(description="Revoke", permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Link]) -> None:
        actor = administrator(request)
        self.do_to_each(
            request,
            queryset,
            lambda link: links.revoke_link(actor=actor, link_id=link.id),
            "revoked",
        )

    @admin.display(description="entry")
    def entry_link(self, link: Link) -> SafeString | str:
        return to_row(Entry, link.entry_id, link.entry)

    @admin.display(boolean=True, description="password")
    def protected(self, link: Link) -> bool:
        return bool(link.password)

    @admin.display(description="downloads")
    def used(self, link: Link) -> str:
        return f"{link.downloads} of {link.max_downloads or 'any number'}"

    def state(self, link: Link) -> str:
        return f"revoked {link.revoked_at:%Y-%m-%d %H:%M}" if link.revoked_at else NONE

    def visits(self, link: Link) -> SafeString:
        return to_list(Visit, "Show all", link=link.id)


@admin.register(Visit)
class VisitAdmin(Shown):
    list_display = ("created_at", "name", "address", "counted_at", "expires_at", "link_link")
    list_filter = (chosen("link", Link, "link"),)
    readonly_fields = (
        "id",
        "link_link",
        "name",
        "address",
        "created_at",
        "counted_at",
        "expires_at",
        "folder_link",
    )
    fields = readonly_fields

    @admin.display(description="link")
    def link_link(self, visit: Visit) -> SafeString | str:
        return to_row(Link, visit.link_id, visit.link_id)

    @admin.display(description="folder")
    def folder_link(self, visit: Visit) -> SafeString | str:
        return to_row(Entry, visit.folder, visit.folder)
