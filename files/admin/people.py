"""A person's page, with the way to what is theirs. The rest of it is accounts.admin."""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.admin import UserAdmin
from accounts.groups import done_by
from accounts.models import ApiToken, User
from files.admin.cells import to_list
from files.models import Change, Space, Upload

LINKS = ("spaces", "tokens", "uploads", "journal")


class PersonAdmin(UserAdmin):
    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return (*fieldsets, ("What is theirs", {"fields": LINKS})) if obj else fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *LINKS) if obj else ()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        with done_by(cast("User", request.user)):
            super().save_related(request, form, formsets, change)

    def spaces(self, user: User) -> SafeString:
        return to_list(Space, "Show all", owner=user.id)

    def tokens(self, user: User) -> SafeString:
        return to_list(ApiToken, "Show all", q=user.username)

    def uploads(self, user: User) -> SafeString:
        return to_list(Upload, "Show all", actor=user.id)

    @admin.display(description="changes")
    def journal(self, user: User) -> SafeString:
        return to_list(Change, "Show what they did", actor=user.id)


admin.site.unregister(User)
admin.site.register(User, PersonAdmin)
