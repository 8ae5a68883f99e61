"""Administration of people. Changes go through `accounts.actions`."""

from collections.abc import Callable, Collection
from typing import Any, ClassVar, Final, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, BaseUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts import policy
from accounts.actions import (
    add_user,
    check_password,
    check_username,
    deactivate_user,
    is_last_owner,
    reactivate_user,
    set_display_name,
    set_organisation_role,
    set_owner,
    set_password,
    set_permissions,
)
from accounts.admin.site import CarefulAdmin, CarefulChangeList, asker
from accounts.groups import done_by, who_acts
from accounts.models import User, name_key
from accounts.organisation import OrganisationRole
from rapidserve.errors import Invalid, RapidServeError

ROLE_HELP: Final = (
    "Members work with files of their own and share. Guests work only in what is shared with them."
    " Auditors are members who look at the administration; admins act there."
)
FOR_OWNERS: Final = ("is_superuser", "user_permissions")
"""Fields of a person that only owners change."""


def _roles_given_by(asker: User) -> list[tuple[str, str]]:
    """Only owners make admins."""
    roles = [role for role in OrganisationRole if role != OrganisationRole.ADMIN]
    return [(role, role) for role in (OrganisationRole if asker.is_superuser else roles)]


def _groups_given_by(asker: User) -> QuerySet[Group]:
    """Never the roles, which are chosen for themselves; and those that allow something in the
    administration by owners alone, or an admin could make others of his kind."""
    kept = list(policy.group_keys().values())
    if not asker.is_superuser:
        kept += Group.permissions.through.objects.values_list("group_id", flat=True).distinct()
    return Group.objects.exclude(pk__in=kept).order_by("name")


class _PageWithRoles(CarefulChangeList):
    """The roles of the people of one page, read together."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        people = list(self.result_list)
        roles = policy.roles_of([user.pk for user in people])
        for user in people:
            user.known_role = roles[user.pk]
        self.result_list = people


class RoleFilter(admin.SimpleListFilter):
    title = "role"
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del request, model_admin
        return [(role, role) for role in OrganisationRole]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        if self.value() is None:
            return queryset
        return queryset.filter(groups__name=self.value())


class _OurPasswords(forms.BaseForm):
    """What is wrong with a password is asked where every password is: one that is too long could
    be set, and nobody sign in with it."""

    def validate_password_for_user(self, user: User, field: str = "password2") -> None:
        password = self.cleaned_data.get(field)
        if not password:
            return
        try:
            check_password(password, user)
        except Invalid as error:
            self.add_error(field, error.message)


class NewUserForm(_OurPasswords, BaseUserCreationForm):  # type: ignore[type-arg] # generic in the stubs only
    """Two passwords that match and are good enough, and a name that is free."""

    asker: ClassVar[User]
    organisation_role = forms.ChoiceField(initial=OrganisationRole.MEMBER, help_text=ROLE_HELP)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ChoiceField", self.fields["organisation_role"]).choices = _roles_given_by(
            self.asker
        )

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


class PersonForm(UserChangeForm):  # type: ignore[type-arg] # generic in the stubs only
    """Of somebody whom `asker` may manage."""

    asker: ClassVar[User]
    organisation_role = forms.ChoiceField(help_text=ROLE_HELP)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "groups" in self.fields:
            groups = _groups_given_by(self.asker)
            self.fields["groups"].queryset = groups  # type: ignore[attr-defined] # a field of choices
            self.initial["groups"] = list(groups.filter(user=self.instance))
        if role := self.fields.get("organisation_role"):
            cast("forms.ChoiceField", role).choices = _roles_given_by(self.asker)
            self.initial["organisation_role"] = policy.role_of(self.instance.pk)

    def clean_is_superuser(self) -> bool:
        wanted = bool(self.cleaned_data["is_superuser"])
        if not wanted and is_last_owner(self.instance):
            raise ValidationError("This is the last owner.")
        return wanted

    def _save_m2m(self) -> None:
        """By our own actions: they tell who did it."""
        permissions = self.cleaned_data.pop("user_permissions", None)
        chosen = self.cleaned_data.pop("groups", None)
        super()._save_m2m()  # type: ignore[misc] # documented, and not in the stubs
        if permissions is not None:
            set_permissions(user=self.instance, permissions=permissions, by=self.asker)
        if chosen is not None:
            self._save_groups(chosen)

    def _save_groups(self, chosen: Collection[Group]) -> None:
        """Only those that were to be chosen from: the others are not this form's to take."""
        offered = _groups_given_by(self.asker)
        self.instance.groups.remove(*offered.exclude(pk__in=[group.pk for group in chosen]))
        self.instance.groups.add(*chosen)


class PasswordForm(_OurPasswords, AdminPasswordChangeForm):  # type: ignore[type-arg] # generic in the stubs only
    """By our own action: it is told who sets a password, and what the old one opened is closed."""

    def set_password_and_save(self, user: User, **_: Any) -> User:
        wanted = (
            self.cleaned_data["password1"] if self.cleaned_data["set_usable_password"] else None
        )
        set_password(user=user, password=wanted, by=who_acts())
        return user


@admin.register(User)
class UserAdmin(CarefulAdmin, DjangoUserAdmin):  # type: ignore[type-arg] # generic in the stubs only
    """Nobody is deleted: files name their author. Whoever may change an account can become that
    person, so owners and admins are changed by owners only (`policy.may_manage`).
    """

    form = PersonForm
    add_form = NewUserForm
    change_password_form = PasswordForm
    list_display = (
        "username",
        "display_name",
        "is_active",
        "organisation_role",
        "is_owner",
        "last_login",
        "created_at",
    )
    list_filter = ("is_active", RoleFilter, "is_superuser")
    search_fields = ("username_key", "display_key")
    ordering = ("username_key",)
    search_help_text = "Part of a user name or display name."
    show_full_result_count = False
    filter_horizontal = ("groups", "user_permissions")
    readonly_fields = ("username", "is_active", "last_login", "created_at", "organisation_role")
    fieldsets = (
        (None, {"fields": ("username", "display_name", "password", "is_active")}),
        (
            "Permissions",
            {"fields": ("organisation_role", "is_superuser", "groups", "user_permissions")},
        ),
        ("Dates", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = (
        (
            None,
            {"fields": ("username", "display_name", "organisation_role", "password1", "password2")},
        ),
    )
    actions = ("deactivate", "reactivate")

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        del request
        return _PageWithRoles

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:  # type: ignore[override] # the stubs want the generic form
        form = super().get_form(request, obj, **kwargs)
        return type(form.__name__, (form,), {"asker": request.user})

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or policy.may_manage(asker(request), obj.pk))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if not obj:
            return ()
        fields = super().get_readonly_fields(request, obj)
        if not self.has_change_permission(request, obj):
            return fields
        kept = [field for field in fields if field != "organisation_role"]
        return kept if asker(request).is_superuser else [*kept, *FOR_OWNERS]

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002 - Django's signature
        with done_by(asker(request)):
            return super().user_change_password(request, id, form_url)

    @admin.display(boolean=True, description="owner", ordering="is_superuser")
    def is_owner(self, user: User) -> bool:
        return user.is_superuser

    @admin.display(description="role")
    def organisation_role(self, user: User) -> str:
        known = getattr(user, "known_role", None)
        return known or policy.role_of(user.pk)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(request, queryset, name_key(search_term))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        by, role = asker(request), OrganisationRole(form.cleaned_data["organisation_role"])
        if not change:
            obj.display_name = obj.display_name or obj.username
            add_user(user=obj, role=role, by=by)
            return
        if "display_name" in form.changed_data:
            set_display_name(user=obj, display_name=obj.display_name, by=by)
        set_organisation_role(user=obj, role=role, by=by)
        if "is_superuser" in form.changed_data:
            set_owner(user=obj, is_owner=form.cleaned_data["is_superuser"], by=by)

    @admin.action(description="Deactivate: end every access at once", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            if user.pk == request.user.pk:
                self.message_user(request, "You can't deactivate yourself.", messages.ERROR)
            else:
                self._try(request, user, deactivate_user)

    @admin.action(description="Reactivate: let in again", permissions=["change"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            self._try(request, user, reactivate_user)

    def _try(self, request: HttpRequest, user: User, act: Callable[..., None]) -> None:
        """What is refused is said, and does not stop the others."""
        try:
            act(user=user, by=asker(request))
        except RapidServeError as error:
            self.message_user(request, f"{user}: {error.message}", messages.ERROR)
