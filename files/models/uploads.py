"""Uploads: an intent to make a version, from register to complete or expiry."""

from django.conf import settings
from django.db import models

from files.models.entries import Entry
from files.models.spaces import Space
from files.models.versions import Extent, Version
from rapidserve.db import UUIDModel


class Upload(UUIDModel):
    """`entry_id` is reserved: a new entry's future id, or the file's that gets a new version.

    `state` leaves `open` exactly once, by compare-and-set. `sent_bytes` are those of the chunks
    the client was asked to send; `reserved_bytes` are held in the space until the upload ends.
    `visit` is that of a link by which it came, in the name of who made the link.
    """

    class State(models.TextChoices):
        OPEN = "open"
        COMPLETED = "completed"
        EXPIRED = "expired"

    class OnConflict(models.TextChoices):
        VERSION = "version"
        RENAME = "rename"
        FAIL = "fail"

    version = models.OneToOneField(
        Version, null=True, on_delete=models.SET_NULL, related_name="upload"
    )
    space = models.ForeignKey(Space, on_delete=models.PROTECT, related_name="+")
    parent = models.ForeignKey(
        Entry, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    entry_id = models.UUIDField()
    name = models.CharField(max_length=255)
    name_key = models.CharField(max_length=1024)
    on_conflict = models.CharField(max_length=8, choices=OnConflict.choices)
    if_match = models.UUIDField(null=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    visit = models.UUIDField(null=True)
    size = models.BigIntegerField()
    reserved_bytes = models.BigIntegerField()
    sent_bytes = models.BigIntegerField(default=0)
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["parent", "name_key", "actor", "state"], name="upload_to_resume"),
            models.Index(fields=["state", "expires_at"], name="upload_to_expire"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"

    @property
    def extents(self) -> models.QuerySet[Extent]:
        """The rows of its version; none once that was dropped."""
        if self.version_id is None:
            return Extent.objects.none()
        return Extent.objects.filter(version_id=self.version_id)
