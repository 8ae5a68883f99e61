"""How passwords are hashed: Argon2id, with a bound on the memory it takes all together."""

import threading
from typing import Final

from django.contrib.auth.hashers import Argon2PasswordHasher

AT_ONCE: Final = 2
"""Passwords hashed at the same time in one process; the next ones wait some 20 ms each."""

_turns = threading.BoundedSemaphore(AT_ONCE)


class BoundedArgon2Hasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, 2 passes and 1 lane: the minimum of OWASP's password storage sheet.

    Django's own setting takes 100 MiB for each sign-in. Sixteen at once, from anybody who finds the
    sign-in page, would take more memory than all the rest of the server.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _turns:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _turns:
            return super().verify(password, encoded)
