"""Spaces: a root of files with its own quota and change feed. Epochs: what stops tickets."""

from django.conf import settings
from django.db import models

from rapidserve.db import UUIDModel


class Space(UUIDModel):
    """`root` is the id of the folder entry everything else hangs below.

    `used_bytes` counts the logical size of every committed version, `stored_bytes` the chunks
    they consist of, each once; `reserved_bytes` what open uploads have announced. They change only
    together with the rows they count. `live` is False once it was deleted: nobody sees it any more,
    and its rows are going.
    """

    class Kind(models.TextChoices):
        PERSONAL = "personal"
        TEAM = "team"

    name = models.CharField(max_length=255)
    name_key = models.CharField(max_length=1024)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    root = models.UUIDField(unique=True)
    quota_bytes = models.BigIntegerField(null=True, blank=True)
    used_bytes = models.BigIntegerField(default=0)
    stored_bytes = models.BigIntegerField(default=0)
    reserved_bytes = models.BigIntegerField(default=0)
    live = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=models.Q(kind="personal"), name="space_one_personal"
            ),
            # A lost answer and a second try must not make two.
            models.UniqueConstraint(
                fields=["owner", "name_key"],
                condition=models.Q(kind="team", live=True),
                name="space_team_name_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Epoch(models.Model):
    """A number that goes up when something is withdrawn from its subject.

    `id` is the subject's: a space, a user, an API token or an upload. A ticket carries the values
    it was issued under; a higher one here makes the delivery plane ask again before it serves.
    """

    id = models.UUIDField(primary_key=True, editable=False, db_column="_id")
    value = models.BigIntegerField(default=1)
    changed_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.id}: {self.value}"
