"""Who acts: a person, and the credential they came with."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import User
from files.access.roles import Permission


@dataclass(frozen=True, slots=True)
class ThroughLink:
    """A visit by a public link: which it is, where the link leads, and what its role allows."""

    link: UUID
    visit: UUID
    entry: UUID
    permissions: frozenset[Permission]


@dataclass(frozen=True, slots=True)
class Actor:
    """`credential` is the id of the API token or of the session. Withdrawing it stops its tickets;
    none of them outlives `until`, when the token expires by itself. `administers`: acts for the
    administration, in any space; only its pages say so, of people they have checked. `fresh`: asks
    for something that outlasts the moment, so that rights are never answered from memory.
    `through`: somebody unknown, who acts in the name of `user` by a link he made. The visit is the
    credential then."""

    user: User
    credential: UUID | None = None
    until: datetime | None = None
    administers: bool = False
    fresh: bool = False
    through: ThroughLink | None = None

    @property
    def id(self) -> UUID:
        return self.user.id
