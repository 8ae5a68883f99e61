"""Administration of people and tokens. Changes go through `accounts.actions`."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.actions import (
    add_user,
    check_username,
    deactivate_user,
    reactivate_user,
    revoke_token,
)
from accounts.models import ApiToken, User, name_key
from rapidserve.errors import Invalid


def sign_in_at_the_front_door(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """The admin's own sign-in form knows no throttle: there is one door, and it is guarded."""
    del extra_context
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", "/admin/"))


admin.site.login = sign_in_at_the_front_door  # type: ignore[method-assign] # the one site
admin.site.site_header = admin.site.site_title = "RapidServe administration"


class CarefulChangeList(ChangeList):
    """Django's own list breaks on some values that anybody can type into its address, such as the
    year -1. Ours says that it can't be filtered by them.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        try:
            super().__init__(*arguments, **options)
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters from error


class NewUserForm(BaseUserCreationForm):  # type: ignore[type-arg] # generic in the stubs only
    """Two passwords that match and are good enough, and a name that is free."""

    class Meta:
        model = User
        fields = ("username", "display_name")

    def clean_username(self) -> str:
        try:
            username = check_username(self.cleaned_data["username"])
        except Invalid as error:
            raise ValidationError(error.message) from None
        if User.objects.filter(username_key=name_key(username)).exists():
            raise ValidationError("Somebody already has this name.")
        return username


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg] # generic in the stubs only
    """Nobody is deleted: files name their author. Whoever may change an account can become that
    person, so only superusers may.
    """

    add_form = NewUserForm
    list_display = ("username", "display_name", "is_active", "is_staff", "last_login", "created_at")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("username_key", "display_key")
    ordering = ("username_key",)
    search_help_text = "Part of a user name or display name."
    show_full_result_count = False
    filter_horizontal = ("groups", "user_permissions")
    readonly_fields = ("username", "is_active", "last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("username", "display_name", "password", "is_active")}),
        ("Permissions", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "display_name", "password1", "password2")}),)
    actions = ("deactivate", "reactivate")

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        del request
        return CarefulChangeList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "is_superuser", False))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del obj
        return self.has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_readonly_fields(request, obj) if obj else ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(request, queryset, name_key(search_term))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        if change:
            super().save_model(request, obj, form, change)
        else:
            obj.display_name = obj.display_name or obj.username
            add_user(user=obj, by=cast("User", request.user))

    @admin.action(description="Deactivate: end every access at once", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            if user.pk == request.user.pk:
                self.message_user(request, "You can't deactivate yourself.", messages.ERROR)
            else:
                deactivate_user(user=user, by=cast("User", request.user))

    @admin.action(description="Reactivate: let in again", permissions=["change"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            reactivate_user(user=user, by=cast("User", request.user))


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
class ApiTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # generic in the stubs only
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

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        del request
        return CarefulChangeList

    def has_add_permission(self, request: HttpRequest) -> bool:
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        revoke_token(token=obj, by=cast("User", request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset:
            revoke_token(token=token, by=cast("User", request.user))
