"""The journal of a space: one line per change, numbered without gaps."""

from django.conf import settings
from django.db import models

from files.models.spaces import Space
from rapidserve.db import UUIDModel


class JournalHead(models.Model):
    """The last number given in a space. A row of its own, since every change touches it."""

    space = models.OneToOneField(
        Space, primary_key=True, db_column="_id", on_delete=models.CASCADE, related_name="+"
    )
    seq = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.space_id}: {self.seq}"


class Change(UUIDModel):
    """`entry` and `parent` are plain ids: the line outlives what it tells of. `old_parent` is the
    folder that something was moved out of.
    """

    class Type(models.TextChoices):
        CREATED = "created"
        UPDATED = "updated"  # a new current version
        RENAMED = "renamed"
        MOVED = "moved"
        TRASHED = "trashed"
        RESTORED = "restored"
        DELETED = "deleted"  # for good

    space = models.ForeignKey(
        Space, on_delete=models.CASCADE, related_name="changes", db_index=False
    )
    seq = models.BigIntegerField()
    type = models.CharField(max_length=16, choices=Type.choices)
    entry = models.UUIDField()
    entry_type = models.CharField(max_length=8)
    parent = models.UUIDField(null=True)
    old_parent = models.UUIDField(null=True)
    name = models.CharField(max_length=255)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["space", "seq"], name="change_seq_unique")]

    def __str__(self) -> str:
        return f"{self.seq}: {self.type} {self.name}"
