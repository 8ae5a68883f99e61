"""The one site, its door, and what all lists of people and of what is theirs have in common."""

from collections.abc import Collection
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import User


def sign_in_at_the_front_door(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """The admin's own sign-in form knows no throttle: there is one door, and it is guarded."""
    del extra_context
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", "/admin/"))


def own_password_among_the_settings(
    request: HttpRequest, extra_context: Any = None
) -> HttpResponse:
    """The admin's own form knows no throttle and no audit log: there is one door, and it is
    guarded."""
    del request, extra_context
    return redirect("settings")


class CarefulSearch(AutocompleteJsonView):
    """Of a field that is filled in as one types. The lists' own searches refuse a NUL byte, this
    one passed it on, and MongoDB breaks on it: nothing has one."""

    def process_request(self, request: HttpRequest) -> Any:
        term, *rest = super().process_request(request)
        return term.replace("\x00", ""), *rest


def urls_of_what_there_is() -> list[Any]:
    """Without "view on site": no row has an address there, and what is no key of a content type
    breaks it on MongoDB."""
    return [each for each in _urls() if getattr(each, "name", "") != "view_on_site"]


_urls = admin.site.get_urls
admin.site.get_urls = urls_of_what_there_is  # type: ignore[method-assign]
admin.site.autocomplete_view = CarefulSearch.as_view(admin_site=admin.site)  # type: ignore[method-assign,assignment]
admin.site.login = sign_in_at_the_front_door  # type: ignore[method-assign] # the one site
admin.site.password_change = own_password_among_the_settings  # type: ignore[method-assign,assignment]
admin.site.password_change_done = own_password_among_the_settings  # type: ignore[method-assign,assignment]
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

    def get_filters(self, request: HttpRequest) -> Any:
        """By what is offered, and nothing else. Django takes any field of a row: whoever looks
        could ask for what no page shows, such as the key of a session, letter by letter."""
        found = super().get_filters(request)
        by_date = f"{self.date_hierarchy}__"
        if any(not name.startswith(by_date) for name in found[2]):
            raise IncorrectLookupParameters
        return found


def is_key(model: type[Model], text: Any) -> bool:
    """Whether a row could have this primary key. What can't be one breaks queries: on either
    database in ways of its own."""
    try:
        model._meta.pk.clean(text, None)  # noqa: SLF001 - Django's own name for it
    except ValidationError:
        return False
    return True


def _can_be_chosen(field: "forms.ModelChoiceField[Any]", key: Any) -> bool:
    return is_key(cast("QuerySet[Any]", field.queryset).model, key)


class CarefulChoice(forms.ModelChoiceField):  # type: ignore[type-arg] # generic in the stubs only
    """One row. What can't be the key of one is no choice, and is not looked for when the form is
    shown again."""

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values or _can_be_chosen(self, value):
            return super().to_python(value)
        raise ValidationError(self.error_messages["invalid_choice"])

    def prepare_value(self, value: Any) -> Any:
        key = super().prepare_value(value)
        return key if _can_be_chosen(self, key) else None


class CarefulChoices(forms.ModelMultipleChoiceField):  # type: ignore[type-arg] # generic in the stubs only
    """As `CarefulChoice`, several rows."""

    def _check_values(self, value: Collection[Any]) -> QuerySet[Any]:
        for key in value:
            if not _can_be_chosen(self, key):
                raise ValidationError(
                    self.error_messages["invalid_pk_value"],
                    params={"pk": key},
                )
        return super()._check_values(value)  # type: ignore[misc,no-any-return] # not in the stubs


class CarefulAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # generic in the stubs only
    """The base of every model's pages: what anybody can type into an address or a form is answered
    like something that is not there."""

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        del request
        return CarefulChangeList

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:  # type: ignore[override] # the stubs know an argument that Django does not
        """Of what was chosen only what can be a row. Nothing left is nothing chosen."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        fields = request.POST.copy()
        fields.setlist(ACTION_CHECKBOX_NAME, [key for key in chosen if is_key(self.model, key)])
        request.POST = fields  # type: ignore[assignment] # as Django does
        return super().response_action(request, queryset)

    def formfield_for_foreignkey(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        careful = {"form_class": CarefulChoice, **kwargs}
        return super().formfield_for_foreignkey(db_field, request, **careful)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        careful = {"form_class": CarefulChoices, **kwargs}
        return super().formfield_for_manytomany(db_field, request, **careful)


class LookedAt(CarefulAdmin):
    """Rows that are neither made nor changed on a page. What may be done to them is an action, or
    their deletion."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False


def asker(request: HttpRequest) -> User:
    return cast("User", request.user)
