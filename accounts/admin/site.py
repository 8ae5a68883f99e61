"""The one site, its door, and what all lists of people and of what is theirs have in common."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from accounts.models import User


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

    def get_filters(self, request: HttpRequest) -> Any:
        """By what is offered, and nothing else. Django takes any field of a row: whoever looks
        could ask for what no page shows, such as the key of a session, letter by letter."""
        found = super().get_filters(request)
        by_date = f"{self.date_hierarchy}__"
        if any(not name.startswith(by_date) for name in found[2]):
            raise IncorrectLookupParameters
        return found


def asker(request: HttpRequest) -> User:
    return cast("User", request.user)
