"""The import that filled this installation, or is about to."""

from uuid import UUID

from django.db import models

from rapidserve.db import UUIDModel


class Import(UUIDModel):
    """At most one row: only an empty installation is imported into. Until `finished_at` is set the
    installation is not served: part of its rows may be missing.
    """

    ONLY = UUID(int=1)

    digest = models.CharField(max_length=64)  # of the export's manifest
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.digest
