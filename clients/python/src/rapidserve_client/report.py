"""What became of each file, and the exit code that follows from it."""

import json
import threading
from dataclasses import dataclass, field

from rapidserve_client.errors import ClientError, Interrupted, NotSignedIn, Unreachable
from rapidserve_client.names import printable
from rapidserve_client.patience import Halt
from rapidserve_client.progress import Display, amount

FATAL = (NotSignedIn, Unreachable, Interrupted)
"""What the next file would meet as well: the command ends at once."""


@dataclass
class Report:
    """Counts files. `verb` is what success is called: `sent`, `fetched`. Threads may share it."""

    verb: str
    display: Display
    halt: Halt
    prints_lines: bool = False
    done: int = 0
    unchanged: int = 0
    moved_bytes: int = 0
    failures: list[tuple[str, ClientError]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def succeeded(self, label: str, moved_bytes: int) -> None:
        """`moved_bytes`: those that went over the network for it."""
        with self._lock:
            self.done += 1
            self.moved_bytes += moved_bytes
            if self.prints_lines:
                print(f"{self.verb} {printable(label)}", flush=True)

    def was_there(self) -> None:
        with self._lock:
            self.unchanged += 1

    def skipped(self, label: str, why: str) -> None:
        self.display.say(f"skipped {printable(label)}: it is {why}")

    def failed(self, label: str, error: ClientError) -> None:
        """Say so and go on; raises it again, and stops every thread, when that is pointless."""
        if isinstance(error, FATAL):
            self.halt.set()
            raise error
        with self._lock:
            self.failures.append((label, error))
        self.display.say(f"failed {printable(label)}: {printable(error.message)}")

    def summary(self) -> str:
        parts = [f"{self.done} {self.verb} ({amount(self.moved_bytes)})"]
        if self.unchanged:
            parts.append(f"{self.unchanged} already there")
        if self.failures:
            parts.append(f"{len(self.failures)} failed")
        return ", ".join(parts)

    def as_json(self) -> str:
        return json.dumps(
            {
                self.verb: self.done,
                "unchanged": self.unchanged,
                "bytes": self.moved_bytes,
                "failed": [
                    {"path": label, "message": error.message} for label, error in self.failures
                ],
            }
        )

    @property
    def exit_code(self) -> int:
        """That of the failures when they are all of one kind, and everything failed; else 1."""
        codes = {error.exit_code for _, error in self.failures}
        if not codes:
            return 0
        return codes.pop() if len(codes) == 1 and not (self.done or self.unchanged) else 1
