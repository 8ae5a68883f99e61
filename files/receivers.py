"""What files does when something happens to a person."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.db.models.signals import m2m_changed, post_migrate, pre_delete
from django.dispatch import receiver

from accounts.actions import credential_withdrawn, happened, role_changed, user_created
from accounts.groups import group_happened, who_acts
from accounts.models import User
from accounts.organisation import OrganisationRole
from files.access import rights
from files.access.epochs import bump
from files.actions import spaces
from files.actions.sharing import forget_group
from files.actions.spaces import create_personal_space
from files.journal import audit
from rapidserve.db import run_atomic


@receiver(user_created)
def give_personal_space(user: User, role: OrganisationRole, **_: Any) -> None:
    create_personal_space(user=user, role=role)


@receiver(role_changed)
def follow_role(
    user: User, before: OrganisationRole, after: OrganisationRole, by: User | None, **_: Any
) -> None:
    """What the old role opened is looked at again, and what was shared with its group."""
    bump(user.id)
    rights.changed()
    spaces.follow_role(user=user, before=before, after=after, by=by)


@receiver(credential_withdrawn)
def stop_issued_tickets(subject_id: UUID, **_: Any) -> None:
    """Addresses handed out to this token or person stop within two seconds."""
    bump(subject_id)


@receiver(happened)
def tell_the_audit_log(
    action: str, user: User | None, by: User | None, details: dict[str, Any], **_: Any
) -> None:
    event = audit.Event(action, user.id if user else None, user.username if user else "", details)
    run_atomic(lambda: audit.record(audit.NO_SPACE, [event], actor_id=by.id if by else None))


@receiver(m2m_changed, sender=User.groups.through)
def follow_membership(action: str, instance: User | Group, **kwargs: Any) -> None:
    """However somebody came into a group or out of it: his rights follow, and his addresses."""
    if action not in {"post_add", "post_remove", "post_clear"}:
        return
    others = kwargs["pk_set"]
    if others is not None and not others:
        return  # nothing that was not so before
    if isinstance(instance, User):
        bump(instance.id)
    elif others is None:
        forget_group(instance.pk)
    else:
        for user_id in others:
            bump(user_id)
    rights.changed()
    told = {"user" if isinstance(instance, User) else "group": str(instance)}
    told["of"] = ", ".join(sorted(map(str, others or [])))
    event = audit.Event(f"groups_{action.removeprefix('post_')}", details=told)
    by = who_acts()
    run_atomic(lambda: audit.record(audit.NO_SPACE, [event], actor_id=by.id if by else None))


@receiver(group_happened)
def tell_of_a_group(action: str, group: Group, by: User, details: dict[str, Any], **_: Any) -> None:
    event = audit.Event(action, name=group.name, details=details | {"group": str(group.pk)})
    run_atomic(lambda: audit.record(audit.NO_SPACE, [event], actor_id=by.id))


@receiver(pre_delete, sender=Group)
def forget_what_it_was_given(instance: Group, **_: Any) -> None:
    forget_group(instance.pk)


receiver(post_migrate)(rights.forget_roles)
