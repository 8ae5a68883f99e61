"""Chunks and where their copies are. The state machine is drawn in files/content/collect.py."""

import secrets

from django.db import models

from rapidserve.db import UUIDModel


def random_key() -> str:
    """A chunk's name on its nodes. Random: a late PUT or DELETE never hits another object."""
    return secrets.token_hex(16)


class Chunk(UUIDModel):
    class State(models.TextChoices):
        PENDING = "pending"  # announced; perhaps sent, not proven
        LIVE = "live"  # proven: at least one verified replica
        CONDEMNED = "condemned"  # a collector looks whether anything refers to it
        DOOMED = "doomed"  # irreversible: the object is being deleted

    key = models.CharField(max_length=32, unique=True, default=random_key)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.PENDING)
    node = models.CharField(max_length=32)  # where its uploader was told to put it
    token = models.UUIDField(null=True)  # the collector's claim while condemned
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["sha256", "state"], name="chunk_by_hash")]

    def __str__(self) -> str:
        return self.key


class Replica(UUIDModel):
    """A verified copy of a chunk on a node. `damaged_at`: a reader found it missing or damaged;
    such a copy is no reason to tell anybody that his bytes are here."""

    class VerifiedHow(models.TextChoices):
        HASHED = "hashed"  # this server hashed the bytes
        STORE = "store"  # the store compared them with a signed checksum

    chunk = models.ForeignKey(
        Chunk, on_delete=models.CASCADE, related_name="replicas", db_index=False
    )
    node = models.CharField(max_length=32)
    verified_at = models.DateTimeField()
    verified_how = models.CharField(max_length=16, choices=VerifiedHow.choices)
    damaged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chunk", "node"], name="replica_one_per_node")
        ]

    def __str__(self) -> str:
        return f"{self.chunk_id} on {self.node}"


class Node(UUIDModel):
    """A node that was set up here. What it *is* (path, weight) stays in RAPIDSERVE_NODES.

    `integrity_mode`: what a bucket's endpoint was found to enforce; "" for a directory, whose bytes
    this server hashes itself. `admits_pages`: it was seen to let browsers send from our pages.
    """

    name = models.CharField(max_length=32, unique=True)
    integrity_mode = models.CharField(max_length=16, blank=True, default="")
    admits_pages = models.BooleanField(default=False)
    probed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
