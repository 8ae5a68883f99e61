"""What one may do with an entry, and the roles that bundle it. Pure."""

from collections.abc import Iterable
from enum import StrEnum


class Permission(StrEnum):
    VIEW = "view"  # see that it exists, list it, see its previews
    DOWNLOAD = "download"  # read its content
    EDIT = "edit"  # create, change, move, trash
    ADD = "add"  # put new files in, and see nothing: whoever may edit may do that too
    SHARE = "share"  # give others roles, make links
    OWN = "own"


class Role(StrEnum):
    """From the least to the most: each may do what those before it may."""

    PREVIEWER = "previewer"
    VIEWER = "viewer"
    EDITOR = "editor"
    MANAGER = "manager"
    OWNER = "owner"


_ADDED: dict[Role, Permission] = {
    Role.PREVIEWER: Permission.VIEW,
    Role.VIEWER: Permission.DOWNLOAD,
    Role.EDITOR: Permission.EDIT,
    Role.MANAGER: Permission.SHARE,
    Role.OWNER: Permission.OWN,
}
LINK_PERMISSIONS: dict[str, frozenset[Permission]] = {
    "view": frozenset({Permission.VIEW}),
    "download": frozenset({Permission.VIEW, Permission.DOWNLOAD}),
    "upload": frozenset({Permission.ADD}),
}
"""By the role of a public link, whatever more its maker may do."""
RANK: dict[Role, int] = {role: rank for rank, role in enumerate(Role)}
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    role: frozenset(_ADDED[each] for each in Role if RANK[each] <= RANK[role]) for role in Role
}
TOLD = tuple(permission for permission in Permission if permission != Permission.ADD)
"""Those that stand in answers."""
GRANTED = (Role.PREVIEWER, Role.VIEWER, Role.EDITOR, Role.MANAGER)
"""What can be granted on an entry. A space has one owner; it is handed over, not granted."""


def greatest(roles: Iterable[Role]) -> Role | None:
    """Grants add up: nothing takes away what another one gives."""
    return max(roles, key=RANK.__getitem__, default=None)
