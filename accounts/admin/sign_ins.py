"""Administration of what lets people and programs in: tokens, and browsers that are signed in."""

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import policy
from accounts.actions import end_session, revoke_token
from accounts.admin.site import LookedAt, asker
from accounts.models import ApiToken, SignIn
from rapidserve.errors import NotFound, RapidServeError


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del request, model_admin
        return [("valid", "valid"), ("expired", "expired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        expired = Q(expires_at__lte=timezone.now())
        match self.value():
            case "expired":
                return queryset.filter(expired)
            case "valid":
                return queryset.exclude(expired)
        return queryset


@admin.register(ApiToken)
class ApiTokenAdmin(LookedAt):
    """To see who uses what, and to revoke. The digest is shown nowhere."""

    list_display = ("name", "user", "state", "scopes", "created_at", "expires_at", "last_used_at")
    list_filter = (StateFilter, ("last_used_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    ordering = ("-id",)
    search_fields = ("name", "user__username_key")
    search_help_text = "Part of a token's name or of a person's."
    show_full_result_count = False
    fields = ("name", "user", "state", "scopes", "created_at", "expires_at", "last_used_at")
    readonly_fields = ("state",)

    def state(self, token: ApiToken) -> str:
        return "expired" if token.is_expired else "valid"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or policy.may_manage(asker(request), obj.user_id))

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        revoke_token(token=obj, by=asker(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset:
            revoke_token(token=token, by=asker(request))


class UseFilter(admin.SimpleListFilter):
    title = "last use"
    parameter_name = "used"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del request, model_admin
        return [("day", "within a day"), ("idle", "not for a week")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        now = timezone.now()
        match self.value():
            case "day":
                return queryset.filter(last_used_at__gte=now - dt.timedelta(days=1))
            case "idle":
                return queryset.filter(last_used_at__lt=now - dt.timedelta(days=7))
        return queryset


@admin.register(SignIn)
class SignInAdmin(LookedAt):
    """To see who is signed in with which browser, and to sign out. The key is shown nowhere."""

    actions = ("sign_out",)
    list_display = ("browser", "user", "address", "created_at", "last_used_at")
    list_filter = (UseFilter,)
    list_select_related = ("user",)
    ordering = ("-id",)
    search_fields = ("user__username_key", "address")
    search_help_text = "Part of a person's name or of an address."
    show_full_result_count = False
    fields = ("user", "browser", "agent", "address", "created_at", "last_used_at")
    readonly_fields = ("browser",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False

    def has_sign_out_permission(self, request: HttpRequest) -> bool:
        """Who might delete such rows."""
        return super().has_delete_permission(request)

    @admin.action(description="Sign out", permissions=["sign_out"])
    def sign_out(self, request: HttpRequest, queryset: QuerySet[SignIn]) -> None:
        ended = 0
        for row in queryset.select_related("user"):
            try:
                end_session(sign_in=row, by=asker(request))
            except NotFound:  # ended by itself, just now
                continue
            except RapidServeError as error:
                self.message_user(request, f"{row.user}: {error.message}", messages.ERROR)
            else:
                ended += 1
        self.message_user(request, f"{ended} signed out.", messages.SUCCESS)
