"""Everything that can go wrong, in words for the person who typed the command.

ClientError             exit code
├── UsageError               2    the command can't mean anything
├── Refused                  1    the server said no; carries its `code`
│   ├── NotSignedIn          3
│   └── NotFound             4
├── Transient                     may pass: tried again by `patience`
│   ├── Unreachable          5    no connection
│   │   └── NeverReached     5    nor was there one before
│   ├── Broken               1    a connection that ended in the middle of an answer
│   └── Busy                 1    429 and 5xx
├── BadAnswer                1    an answer that is not of this protocol
├── Damaged                  1    bytes that are not what was announced
├── Unsafe                   1    a name or address that must not be used
├── LocalTrouble             1    files and disks of this machine
└── Interrupted            130
"""

import os
from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(ClientError):
    exit_code = 2


class Refused(ClientError):
    """`facts` are the fields beside `code` in the server's error."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int = 0,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.facts = facts or {}


class NotSignedIn(Refused):
    exit_code = 3


class NotFound(Refused):
    exit_code = 4


class Transient(ClientError):
    """`retry_after`: seconds the server asks to wait; 0 when it said nothing."""

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(Transient):
    exit_code = 5


class NeverReached(Unreachable):
    pass


class Broken(Transient):
    pass


class Busy(Transient):
    pass


class BadAnswer(ClientError):
    pass


class Damaged(ClientError):
    pass


class Unsafe(ClientError):
    pass


class LocalTrouble(ClientError):
    @classmethod
    def of(cls, error: OSError) -> "LocalTrouble":
        """The system's own words, without the errno and the path that `str` puts around them."""
        return cls(f"{os.strerror(error.errno) if error.errno else error}.")


class Interrupted(ClientError):
    exit_code = 130
