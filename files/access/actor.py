"""Who acts: a person, and the credential they came with."""

from dataclasses import dataclass
from uuid import UUID

from accounts.models import User


@dataclass(frozen=True, slots=True)
class Actor:
    """`credential` is the API token's id, None for a session. Withdrawing it stops its tickets."""

    user: User
    credential: UUID | None = None

    @property
    def id(self) -> UUID:
        return self.user.id
