"""Public links: an address that opens an entry to whoever has it, and the visits by it."""

from django.conf import settings
from django.db import models

from files.models.entries import Entry
from rapidserve.db import UUIDModel


class Link(UUIDModel):
    """Only a digest of the token is stored. `password` is a hash, "" for none.

    `downloads` counts visits that have asked for content, never above `max_downloads`. A revoked
    one stays, so that its address says that it is gone and its visits can be read.
    """

    class Role(models.TextChoices):
        VIEW = "view"  # list and preview
        DOWNLOAD = "download"
        UPLOAD = "upload"  # drop files, see none

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="links")
    role = models.CharField(max_length=16, choices=Role.choices)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    password = models.CharField(max_length=128, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    max_downloads = models.PositiveIntegerField(null=True, blank=True)
    downloads = models.PositiveIntegerField(default=0)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.role} link to {self.entry_id}"


class Visit(UUIDModel):
    """One visitor of a link, whom a grant was given: a program's bearer token, a browser's cookie.

    `counted_at`: when he first asked for content, which is counted as one download. `folder`: of an
    upload link, where his files go; `name` is what he calls himself.
    """

    link = models.ForeignKey(Link, on_delete=models.CASCADE, related_name="visits")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    name = models.CharField(max_length=100, blank=True)
    address = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    counted_at = models.DateTimeField(null=True)
    folder = models.UUIDField(null=True)

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"
