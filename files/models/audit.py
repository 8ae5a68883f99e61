"""The audit log: who did what to which entry, from where. One chain for each space, and one for
what belongs to none. Rows are only ever added (files/journal/audit.py)."""

from django.db import models

from rapidserve.db import UUIDModel


class AuditHead(models.Model):
    """The end of a chain: how many lines it has, and the digest of the last."""

    id = models.UUIDField(primary_key=True, editable=False, db_column="_id")
    seq = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.id}: {self.seq}"


class AuditLine(UUIDModel):
    """All ids are plain: a line outlives what it tells of. `chain` is the space's id.

    `actor` is a person's id; `via` says how they came: "session:ID", "token:ID", "link:ID" for a
    visitor who acts in the name of a link's maker, "" for the server itself. `digest` is over all
    other fields and the digest of the line before.
    """

    chain = models.UUIDField()
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    action = models.CharField(max_length=32)
    actor = models.UUIDField(null=True)
    via = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=64, blank=True)
    entry = models.UUIDField(null=True)
    name = models.CharField(max_length=255, blank=True)
    details = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "seq"], name="audit_seq_unique")]
        indexes = [
            models.Index(fields=["entry", "id"], name="audit_by_entry"),
            models.Index(fields=["actor", "id"], name="audit_by_actor"),
            models.Index(fields=["action", "id"], name="audit_by_action"),
        ]

    def __str__(self) -> str:
        return f"{self.seq}: {self.action} {self.name}"
