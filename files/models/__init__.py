"""The metadata. Every primary key is a UUID in `_id`; see docs/design.md for why."""

from files.models.audit import AuditHead, AuditLine
from files.models.changes import Change, JournalHead
from files.models.chunks import Chunk, Node, Replica
from files.models.entries import Entry
from files.models.grants import GroupGrant, UserGrant
from files.models.imports import Import
from files.models.links import Link, Visit
from files.models.spaces import Epoch, Space
from files.models.uploads import Upload
from files.models.versions import Extent, Version

__all__ = [
    "AuditHead",
    "AuditLine",
    "Change",
    "Chunk",
    "Entry",
    "Epoch",
    "Extent",
    "GroupGrant",
    "Import",
    "JournalHead",
    "Link",
    "Node",
    "Replica",
    "Space",
    "Upload",
    "UserGrant",
    "Version",
    "Visit",
]
