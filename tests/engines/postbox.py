"""A real mail server on loopback (aiosmtpd) that keeps what it is sent, and the worker's part."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from rapidserve import jobs
from tests.engines.ports import free_port


@dataclass
class Postbox:
    port: int
    received: list[tuple[list[str], Message]] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        content = message_from_bytes(envelope.content, policy=default)
        self.received.append((list(envelope.rcpt_tos), content))
        return "250 Kept"

    def to(self, address: str) -> list[str]:
        """Texts of the mails to an address, after the worker has done what waits for it."""
        work_off()
        return [
            f"{mail['Subject']}\n{mail.get_content()}".replace("\r\n", "\n")  # type: ignore[attr-defined]
            for to, mail in self.received
            if address in to
        ]


def work_off() -> None:
    while task := jobs.queue.dequeue():
        jobs.queue.execute(task)


@contextmanager
def postbox() -> Iterator[Postbox]:
    box = Postbox(free_port())
    server = Controller(box, hostname="127.0.0.1", port=box.port)
    server.start()
    try:
        yield box
    finally:
        server.stop()
