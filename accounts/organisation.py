"""The four roles in the organisation, and what each allows. Pure: all of it is said here, once.

Each role is a Django group of its name, kept in step with this after every `migrate`. Owners
(superusers) stand above: they may do everything, whatever their role. What somebody may do with
one file is another matter (files/access/roles.py).
"""

from enum import StrEnum
from itertools import product
from typing import Final


class OrganisationRole(StrEnum):
    ADMIN = "admin"
    AUDITOR = "auditor"
    MEMBER = "member"
    GUEST = "guest"


class Ability(StrEnum):
    """What the pages and the API ask for beyond the roles on entries. Django permissions."""

    FIND_PEOPLE = "accounts.find_people"
    MAKE_SPACES = "files.add_space"
    SHARE = "accounts.share_files"
    MAKE_LINKS = "files.add_link"


STAFF: Final = frozenset({OrganisationRole.ADMIN, OrganisationRole.AUDITOR})
"""Those who may open the administration."""
EVERYBODY: Final = frozenset(OrganisationRole) - {OrganisationRole.GUEST}
"""Whom something reaches that is shared with the group `member`."""

_FILES: Final = (
    "auditline change chunk entry extent groupgrant link node replica space upload usergrant"
    " version visit"
)
_CREDENTIALS: Final = "account.emailaddress mfa.authenticator socialaccount.socialaccount "
"""How people sign in. Whoever changes these can become that person: only owners do."""
_SHOWN: Final = (
    "auth.group accounts.user accounts.apitoken accounts.signin "
    + _CREDENTIALS
    + " ".join(f"files.{model}" for model in _FILES.split())
)
"""Every model that the administration has pages for."""


def _all(acts: str, models: str) -> frozenset[str]:
    return frozenset(
        "{0}.{2}_{1}".format(*model.split("."), act)
        for model, act in product(models.split(), acts.split())
    )


_MEMBER = frozenset(Ability)
_AUDITOR = _MEMBER | _all("view", _SHOWN)
_ADMIN = (
    _AUDITOR
    | _all("add change", "accounts.user auth.group")
    | _all("delete", "auth.group accounts.apitoken accounts.signin")
    | _all("change", "files.entry files.groupgrant files.link files.space files.upload")
    | _all("change", "files.usergrant")
)
PERMISSIONS: Final[dict[OrganisationRole, frozenset[str]]] = {
    OrganisationRole.ADMIN: _ADMIN,
    OrganisationRole.AUDITOR: _AUDITOR,
    OrganisationRole.MEMBER: frozenset(map(str, _MEMBER)),
    OrganisationRole.GUEST: frozenset(),
}
"""As `app.codename`. What only owners may do (making owners and admins) is in none of them."""


def is_role(name: str) -> bool:
    """Whether a group of this name is one of the four."""
    return name in set(OrganisationRole)
