"""guardian's page "Object permissions" of an entry or a space: one role for a person or a group.

guardian's own forms would write rows past our rules, the audit log and the epochs, and know of no
end. Its addresses and its way from page to page stay; what is shown and saved is ours.

Owners alone give roles here: to let somebody in is to let him read. Others look, and take back from
the lists of grants.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from guardian.admin import GroupManage, GuardedModelAdminMixin, UserManage

from accounts.models import User, name_key
from files.access.actor import Actor
from files.access.audience import key_of
from files.access.rights import role_of
from files.access.roles import GRANTED, Role
from files.actions import sharing
from files.admin.shown import Shown, id_in
from files.models import Entry, GroupGrant, UserGrant
from rapidserve.errors import NotFound, RapidServeError

SHOWN: Final = sharing.MAX_GRANTS
NO_ROLE: Final = ("", "No role here")
MOMENT: Final = "%Y-%m-%dT%H:%M:%S"
GRANTS: Final[dict[str, Any]] = {"user": UserGrant, "group": GroupGrant}


class ChoosePerson(UserManage):
    """By user name, whatever its case."""

    user = forms.CharField(label="User name", max_length=200)

    def clean_user(self) -> User:
        key = name_key(self.cleaned_data["user"])
        user = User.objects.filter(username_key=key, is_active=True).first()
        if user is None:
            raise forms.ValidationError("There is nobody with this name.")
        return user


class ChooseGroup(GroupManage):
    group = forms.CharField(max_length=150)

    def clean_group(self) -> Group:
        group = Group.objects.filter(name=self.cleaned_data["group"]).first()
        if group is None:
            raise forms.ValidationError("There is no group with this name.")
        return group


class RoleForm(forms.Form):
    """The role of one subject on one entry, and when it ends."""

    role = forms.ChoiceField(
        choices=[NO_ROLE, *((role, role.capitalize()) for role in GRANTED)], required=False
    )
    until = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local", "step": "1"}, MOMENT),
        help_text="In UTC; empty for no end.",
    )

    def clean_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["until"]
        try:
            return until and until.astimezone(UTC)
        except OverflowError:
            raise forms.ValidationError("This is not a date.") from None


class Guarded(GuardedModelAdminMixin, Shown):  # type: ignore[misc] # guardian's part has no types
    """`entry_of`: whose grants an object's page shows."""

    entry_of: Callable[[Any], Entry | None]
    obj_perms_manage_template = "admin/files/grants.html"
    obj_perms_manage_user_template = "admin/files/grant.html"
    obj_perms_manage_group_template = "admin/files/grant.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Past guardian's, which would show staff only what is theirs, if asked to."""
        return Shown.get_queryset(self, request)

    def obj_perms_manage_view(self, request: HttpRequest, object_pk: str) -> HttpResponse:
        """What was given on it, and two fields that lead to a person's or a group's page."""
        row, entry = self._found(request, object_pk)
        chosen = next((kind for kind in GRANTS if f"submit_manage_{kind}" in request.POST), None)
        fields = {
            kind: form(request.POST if kind == chosen else None)
            for kind, form in (("user", ChoosePerson), ("group", ChooseGroup))
        }
        if chosen and fields[chosen].is_valid():
            return redirect(self._address(row, chosen, fields[chosen].cleaned_data[chosen].pk))
        context = self.get_obj_perms_base_context(request, row) | {
            "entry": entry,
            "parts": [
                (kind, fields[kind], self._lines(row, entry, kind), _may_give(request))
                for kind in GRANTS
            ],
        }
        status = 422 if chosen else 200
        return render(request, self.obj_perms_manage_template, context, status=status)

    def obj_perms_manage_user_view(
        self, request: HttpRequest, object_pk: str, user_id: str
    ) -> HttpResponse:
        user = User.objects.filter(pk=key_of("user", user_id)).first()
        return self._role_view(request, object_pk, "user", user)

    def obj_perms_manage_group_view(
        self, request: HttpRequest, object_pk: str, group_id: str
    ) -> HttpResponse:
        group = Group.objects.filter(pk=key_of("group", group_id)).first()
        return self._role_view(request, object_pk, "group", group)

    def _role_view(
        self, request: HttpRequest, object_pk: str, kind: str, subject: User | Group | None
    ) -> HttpResponse:
        row, entry = self._found(request, object_pk)
        if not _may_give(request):
            raise PermissionDenied
        if subject is None:
            raise NotFound
        form = RoleForm(request.POST or None, initial=_given(kind, entry, subject.pk))
        if form.is_valid():
            try:
                _save(request, entry, (kind, str(subject.pk)), form.cleaned_data)
            except RapidServeError as error:
                form.add_error(_FIELDS.get(error.field or ""), error.message)
            else:
                told = f"{subject}: {form.cleaned_data['role'] or 'no role'}"
                self.log_change(request, row, told)
                messages.success(request, f"Saved. {told}.")
                return redirect(self._address(row))
        context = self.get_obj_perms_base_context(request, row) | {
            "form": form,
            "subject": subject,
            "kind": kind,
            "back": self._address(row),
        }
        status = 422 if form.errors else 200
        return render(request, self.obj_perms_manage_user_template, context, status=status)

    def get_obj_perms_base_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """In place of guardian's, which counts the permissions of a model, of which
        roles are only some."""
        return self.admin_site.each_context(request) | {
            "object": obj,
            "opts": self.model._meta,  # noqa: SLF001 - Django's own name for it
            "title": f"Object permissions of {obj}",
        }

    def _found(self, request: HttpRequest, object_pk: str) -> tuple[Any, Entry]:
        """The row of this page and the entry whose grants it shows, for who may see both."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not all(self._may_look(request, kind) for kind in GRANTS):
            raise PermissionDenied
        row = self.get_queryset(request).filter(pk=id_in(object_pk)).first()
        entry = row and self.entry_of(row)
        if entry is None:
            raise NotFound
        return row, entry

    def _may_look(self, request: HttpRequest, kind: str) -> bool:
        """Who changes such rows may look as well."""
        user = cast("User", request.user)
        return any(user.has_perm(f"files.{act}_{kind}grant") for act in ("view", "change"))

    def _lines(self, row: Any, entry: Entry, kind: str) -> Sequence[tuple[Any, Role, str]]:
        rows = GRANTS[kind].objects.filter(content_object=entry).select_related(kind, "granted_by")
        lines = [
            (each, role_of(each.permission_id), self._address(row, kind, _key(each, kind)))
            for each in rows[:SHOWN]
        ]
        return sorted(lines, key=lambda line: str(getattr(line[0], kind)))

    def _address(self, row: Any, kind: str = "", key: Any = None) -> str:
        meta = self.model._meta  # noqa: SLF001 - Django's own name for it
        name = f"admin:{meta.app_label}_{meta.model_name}_permissions"
        if not kind:
            return reverse(name, args=[row.pk])
        return reverse(f"{name}_manage_{kind}", args=[row.pk, key])


def _may_give(request: HttpRequest) -> bool:
    return cast("User", request.user).is_superuser


_FIELDS: Final = {"role": "role", "expires_at": "until"}


def _key(grant: Any, kind: str) -> Any:
    return getattr(grant, f"{kind}_id")


def _given(kind: str, entry: Entry, key: UUID | int) -> dict[str, Any]:
    grant = GRANTS[kind].objects.filter(**{f"{kind}_id": key}, content_object=entry).first()
    return {"role": role_of(grant.permission_id), "until": grant.expires_at} if grant else {}


def _save(
    request: HttpRequest, entry: Entry, subject: tuple[str, str], asked: dict[str, Any]
) -> None:
    actor = Actor(cast("User", request.user), administers=True)
    if not asked["role"]:
        sharing.withdraw_role(actor=actor, entry_id=entry.id, subject=subject)
        return
    sharing.give_role(
        actor=actor,
        entry_id=entry.id,
        subject=subject,
        role=Role(asked["role"]),
        expires_at=asked["until"],
    )
