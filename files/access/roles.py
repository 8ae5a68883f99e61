"""What one may do with an entry, and the roles that bundle it. Pure."""

from enum import StrEnum


class Permission(StrEnum):
    VIEW = "view"  # see that it exists, list it
    DOWNLOAD = "download"  # read its content
    EDIT = "edit"  # create, change, move, trash
    SHARE = "share"
    OWN = "own"


class Role(StrEnum):
    OWNER = "owner"


PERMISSIONS: dict[Role, frozenset[Permission]] = {Role.OWNER: frozenset(Permission)}
