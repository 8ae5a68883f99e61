"""Versions and extents: one immutable content of a file, and the chunks it consists of."""

from django.conf import settings
from django.db import models

from files.models.chunks import Chunk
from files.models.entries import Entry
from files.models.spaces import Space
from rapidserve.db import UUIDModel


class Version(UUIDModel):
    """Pending while its upload is open (no entry, no number), immutable once committed."""

    class State(models.TextChoices):
        PENDING = "pending"
        COMMITTED = "committed"

    entry = models.ForeignKey(Entry, null=True, on_delete=models.PROTECT, related_name="versions")
    space = models.ForeignKey(Space, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=State.choices)
    number = models.PositiveIntegerField(null=True)
    size = models.BigIntegerField()
    content_hash = models.CharField(max_length=64, blank=True, default="")
    content_type = models.CharField(max_length=255)
    modified_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "number"],
                condition=models.Q(state="committed"),
                name="version_number_unique",
            )
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.state})"


class Extent(UUIDModel):
    """One row of a version's chunk mapping: `length` bytes at `offset` of a chunk.

    The rows of a pending version are references too: that is what keeps the collector away from
    the chunks of an upload in flight.
    """

    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, related_name="extents", db_index=False
    )
    index = models.PositiveIntegerField()
    chunk = models.ForeignKey(
        Chunk, on_delete=models.PROTECT, related_name="extents", db_index=False
    )
    offset = models.PositiveIntegerField(default=0)
    length = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    space = models.ForeignKey(Space, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "index"], name="extent_index_unique")
        ]
        indexes = [
            # Covers the `have` lookup: which of these hashes does this space hold, in what version.
            models.Index(fields=["space", "sha256", "version", "chunk"], name="extent_by_hash"),
            # Who refers to a chunk, for the collector and for what a space stores.
            models.Index(fields=["chunk", "space", "version"], name="extent_by_chunk"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}[{self.index}]"
