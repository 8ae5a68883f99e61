"""What happens beside Django's signing in and out, its groups and its migrating, and what
allauth's pages change.
"""

from collections.abc import Collection
from contextlib import suppress
from typing import Any
from uuid import UUID

from allauth.account import signals as account
from allauth.mfa import signals as second_step
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as linked
from django.apps import AppConfig, apps
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import m2m_changed, post_migrate, pre_delete, pre_save
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import groups, policy
from accounts.actions import end_session, note_change, note_sign_in
from accounts.models import SignIn, User
from accounts.organisation import PERMISSIONS, OrganisationRole
from accounts.sessions import KEY, begin
from rapidserve.db import run_atomic
from rapidserve.errors import NotFound


@receiver(user_logged_in)
def note_session(request: HttpRequest, user: User, **_: Any) -> None:
    begin(request, user)


@receiver(user_logged_out)
def end_its_session(request: HttpRequest, user: User | None, **_: Any) -> None:
    known = request.session.get(KEY)
    row = SignIn.objects.filter(id=UUID(known)).first() if known else None
    if row is not None:
        with suppress(NotFound):  # somebody ended it from elsewhere, just now
            end_session(sign_in=row, by=user)


@receiver(account.user_logged_in)
def tell_of_it(user: User, **_: Any) -> None:
    note_sign_in(user=user)


@receiver(account.email_confirmed)
def tell_of_an_address(email_address: Any, **_: Any) -> None:
    note_change("address_added", user=email_address.user, address=email_address.email)


@receiver(account.email_removed)
def tell_that_an_address_is_gone(user: User, email_address: Any, **_: Any) -> None:
    note_change("address_removed", user=user, address=email_address.email)


@receiver(second_step.authenticator_added)
def tell_of_a_second_step(user: User, authenticator: Authenticator, **_: Any) -> None:
    note_change("second_step_added", user=user, kind=authenticator.type)


@receiver(second_step.authenticator_removed)
def tell_that_a_second_step_is_gone(user: User, authenticator: Authenticator, **_: Any) -> None:
    note_change("second_step_removed", user=user, kind=authenticator.type)


@receiver(second_step.authenticator_reset)
def tell_of_new_codes(user: User, authenticator: Authenticator, **_: Any) -> None:
    note_change("second_step_renewed", user=user, kind=authenticator.type)


@receiver(linked.social_account_added)
def tell_of_a_linked_account(sociallogin: Any, **_: Any) -> None:
    account_there = sociallogin.account
    note_change("account_linked", user=account_there.user, provider=account_there.provider)


@receiver(linked.social_account_removed)
def tell_that_an_account_is_not_linked(socialaccount: Any, **_: Any) -> None:
    note_change("account_unlinked", user=socialaccount.user, provider=socialaccount.provider)


@receiver(post_migrate)
def keep_roles_in_step(sender: AppConfig, apps: Any = apps, **_: Any) -> None:
    """The four groups, what they allow, and a role for everybody. After the last of the apps, when
    the permissions of all are there; nothing where tables are missing, as on the way back."""
    if sender.label != _last_app():
        return
    try:
        for label, model in (("auth", "Group"), ("accounts", "User")):
            apps.get_model(label, model)
    except LookupError:
        return
    policy.forget_keys()
    run_atomic(_keep_groups)
    run_atomic(_give_everybody_a_role)


def _last_app() -> str:
    """Django tells of those with models alone."""
    return [config.label for config in apps.get_app_configs() if config.models_module][-1]


def _keep_groups() -> None:
    every = {
        f"{label}.{codename}": key
        for label, codename, key in Permission.objects.values_list(
            "content_type__app_label", "codename", "pk"
        )
    }
    for role in OrganisationRole:
        group, _ = Group.objects.get_or_create(name=role.value)
        wanted = {every[name] for name in PERMISSIONS[role] if name in every}
        if wanted != set(group.permissions.values_list("pk", flat=True)):
            group.permissions.set(wanted)


def _give_everybody_a_role() -> None:
    """Who was there before there were roles is a member, owners too: they may do all they could."""
    keys = policy.group_keys()
    rows = policy.memberships().filter(group_id__in=list(keys.values()))
    having = set(rows.values_list("user_id", flat=True))
    people = User.objects.values_list("id", flat=True)
    member = keys[OrganisationRole.MEMBER]
    policy.memberships().bulk_create(
        User.groups.through(user_id=user_id, group_id=member)
        for user_id in people
        if user_id not in having
    )


@receiver(m2m_changed, sender=User.groups.through)
def refuse_roles(
    action: str, instance: User | Group, pk_set: Collection[Any] | None, **_: Any
) -> None:
    """Whoever adds people to groups, or takes them out, must not give or take a role by it."""
    if action not in {"pre_add", "pre_remove", "pre_clear"}:
        return
    if isinstance(instance, Group):
        touched = {instance.pk}
    elif pk_set is None:
        held = policy.memberships().filter(user_id=instance.pk)
        touched = set(held.values_list("group_id", flat=True))
    else:
        touched = set(pk_set)
    groups.refuse_fixed(touched)


@receiver(pre_delete, sender=Group)
def keep_the_roles(instance: Group, **_: Any) -> None:
    groups.refuse_fixed([instance.pk])


@receiver(pre_save, sender=Group)
def keep_their_names(instance: Group, **_: Any) -> None:
    keys = {str(role): key for role, key in policy.group_keys().items()}
    if keys.get(instance.name) != instance.pk:
        groups.refuse_fixed([instance.pk])
