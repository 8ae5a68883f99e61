"""Administration of groups. Changes go through `accounts.groups`."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import groups
from accounts.admin.site import CarefulAdmin, asker
from rapidserve.errors import Conflict, Invalid

admin.site.unregister(Group)


class GroupForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs only
    """A name that can be seen, and is not taken in another case."""

    class Meta:
        model = Group
        fields = ("name", "permissions")

    def clean_name(self) -> str:
        try:
            name = groups.check_group_name(self.cleaned_data["name"])
            groups.refuse_taken_name(name, self.instance.pk)
        except (Conflict, Invalid) as error:
            raise ValidationError(error.message) from None
        return name


@admin.register(Group)
class GroupAdmin(CarefulAdmin, DjangoGroupAdmin):
    """Django's own, by the same actions as the pages. The roles in the organisation are shown, and
    nobody changes them. What a group allows in the administration is chosen here alone, by owners,
    and such a group is theirs: an admin must not make more of himself.
    """

    form = GroupForm
    show_full_result_count = False
    readonly_fields = ("allows",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if asker(request).is_superuser and not (obj and groups.is_fixed(obj)):
            return ("name", "permissions")
        return ("name", "allows") if obj else ("name",)

    def allows(self, group: Group) -> str:
        given = group.permissions.values_list("content_type__app_label", "codename")
        return ", ".join(sorted(".".join(each) for each in given)) or "nothing of its own"

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (not obj or groups.may_act_on(asker(request), "change", obj))

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (not obj or groups.may_act_on(asker(request), "delete", obj))

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        by = asker(request)
        if not change:
            groups.add_group(group=obj, by=by)
        elif "name" in form.changed_data:
            groups.rename_group(group=obj, name=obj.name, by=by)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        permissions = form.cleaned_data.pop("permissions", None)
        super().save_related(request, form, formsets, change)
        if permissions is not None:
            groups.set_permissions(group=form.instance, permissions=permissions, by=asker(request))

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        groups.delete_group(group=obj, by=asker(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Group]) -> None:
        for group in queryset:
            self.delete_model(request, group)
