"""Grants: who has which role on an entry, and on all below it. django-guardian's kind of rows.

A row says its role by `permission`, one of Entry's (see Entry.Meta); there is one row for a person
or group and an entry. What a role allows is in files/access/roles.py, whether a grant counts today
in files/access/rights.py: never ask guardian, which knows nothing of dates and of folders above.
"""

from typing import ClassVar

from django.conf import settings
from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from files.models.entries import Entry
from rapidserve.db import UUIDModel


class UserGrant(UUIDModel, UserObjectPermissionBase):
    """`expires_at` None: until it is withdrawn."""

    content_object = models.ForeignKey(
        Entry, on_delete=models.CASCADE, related_name="user_grants", verbose_name="entry"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    granted_at = models.DateTimeField()
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "content_object"], name="grant_one_for_user")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.content_object_id}"


class GroupGrant(UUIDModel, GroupObjectPermissionBase):
    """As `UserGrant`, for all members of a group."""

    content_object = models.ForeignKey(
        Entry, on_delete=models.CASCADE, related_name="group_grants", verbose_name="entry"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    granted_at = models.DateTimeField()
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["group", "content_object"], name="grant_one_for_group")
        ]

    def __str__(self) -> str:
        return f"{self.group_id} on {self.content_object_id}"
