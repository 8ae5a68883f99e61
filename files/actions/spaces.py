"""Spaces: make a person's own."""

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from files.models import Entry, JournalHead, Space
from rapidserve.db import new_id


def create_personal_space(*, user: User) -> Space:
    """In the transaction that creates the user: a person without a space can't do anything."""
    now = timezone.now()
    root_id = new_id()
    space = Space.objects.create(
        name=user.username,
        kind=Space.Kind.PERSONAL,
        owner=user,
        root=root_id,
        quota_bytes=settings.DEFAULT_QUOTA_BYTES or None,
    )
    JournalHead.objects.create(space=space)
    Entry.objects.create(
        id=root_id,
        space=space,
        type=Entry.Type.FOLDER,
        name="My files",
        name_key="my files",
        path=f"/{root_id.hex}/",
        created_at=now,
        created_by=user,
        modified_at=now,
        modified_by=user,
    )
    return space
