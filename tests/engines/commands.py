"""What this process sends to mongod: pymongo tells every command to whoever listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pymongo import monitoring

Hearer = Callable[[monitoring.CommandStartedEvent], None]

hearers: list[Hearer] = []


class _Commands(monitoring.CommandListener):
    def started(self, event: monitoring.CommandStartedEvent) -> None:
        for hear in hearers:
            hear(event)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


monitoring.register(_Commands())  # clients know the listeners there were when they were made


@contextmanager
def watched(hear: Hearer) -> Iterator[None]:
    """Have `hear` called, in the sending thread, before each command."""
    hearers.append(hear)
    try:
        yield
    finally:
        hearers.remove(hear)
