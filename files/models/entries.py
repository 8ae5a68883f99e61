"""Entries: the files and folders of a space's tree."""

from django.conf import settings
from django.db import models

from files.models.spaces import Space
from rapidserve.db import UUIDModel


class Entry(UUIDModel):
    """A file or a folder.

    `path` (folders only) is `/` and the ids from the root down to this folder, each followed by
    `/`: the ancestors come from one row, a subtree is one index range.
    `live` is False only for what was itself trashed; what lies below it stays live, and is out of
    sight because its ancestor is. `size`, `content_type` and `content_hash` repeat the current
    version, so that listing a folder reads one table.
    """

    class Type(models.TextChoices):
        FILE = "file"
        FOLDER = "folder"

    space = models.ForeignKey(Space, on_delete=models.PROTECT, related_name="entries")
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="children", db_index=False
    )
    type = models.CharField(max_length=8, choices=Type.choices)
    name = models.CharField(max_length=255)
    name_key = models.CharField(max_length=1024)
    search_key = models.CharField(max_length=2048)
    path = models.TextField(null=True)  # noqa: DJ001 - null, not "": files have none
    current_version = models.ForeignKey(
        "files.Version", null=True, on_delete=models.PROTECT, related_name="+"
    )
    size = models.BigIntegerField(null=True)
    content_type = models.CharField(max_length=255, blank=True, default="")
    content_hash = models.CharField(max_length=64, blank=True, default="")
    revision = models.BigIntegerField(default=1)
    live = models.BooleanField(default=True)
    trashed_at = models.DateTimeField(null=True)
    trashed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    purged_at = models.DateTimeField(null=True)  # being removed for good, perhaps not finished
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    modified_at = models.DateTimeField()
    modified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name_plural = "entries"
        # Roles, as a grant names them. Not what they allow: files/access/roles.py.
        permissions = [
            ("previewer", "Previewer: list and preview"),
            ("viewer", "Viewer: download too"),
            ("editor", "Editor: change, too"),
            ("manager", "Manager: share, too"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["parent", "name_key"],
                condition=models.Q(live=True),
                name="entry_name_unique_while_live",
            )
        ]
        indexes = [
            models.Index(fields=["parent", "live", "type", "name_key", "id"], name="entry_by_name"),
            models.Index(fields=["parent", "live", "type", "size", "id"], name="entry_by_size"),
            models.Index(
                fields=["parent", "live", "type", "modified_at", "id"], name="entry_by_modified"
            ),
            models.Index(fields=["space", "live", "trashed_at", "id"], name="entry_trash"),
            models.Index(fields=["path"], name="entry_subtree"),
            models.Index(fields=["space", "live", "search_key", "id"], name="entry_search"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_folder(self) -> bool:
        return self.type == Entry.Type.FOLDER
