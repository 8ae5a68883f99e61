"""What files does when something happens to a person."""

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from accounts.actions import credential_withdrawn, user_created
from accounts.models import User
from files.access.epochs import bump
from files.actions.spaces import create_personal_space


@receiver(user_created)
def give_personal_space(user: User, **_: Any) -> None:
    create_personal_space(user=user)


@receiver(credential_withdrawn)
def stop_issued_tickets(subject_id: UUID, **_: Any) -> None:
    """Addresses handed out to this token or person stop within two seconds."""
    bump(subject_id)
