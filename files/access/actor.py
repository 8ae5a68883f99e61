"""Who acts: a person, and the credential they came with."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import User


@dataclass(frozen=True, slots=True)
class Actor:
    """`credential` is the API token's id, None for a session. Withdrawing it stops its tickets;
    none of them outlives `until`, when the token expires by itself. `administers`: acts for the
    administration, in any space; only its pages say so, of people they have checked. `fresh`: asks
    for something that outlasts the moment, so that rights are never answered from memory."""

    user: User
    credential: UUID | None = None
    until: datetime | None = None
    administers: bool = False
    fresh: bool = False

    @property
    def id(self) -> UUID:
        return self.user.id
