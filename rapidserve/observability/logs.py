"""One line per record, with the request's id and without secrets."""

import logging
import re
import time

from rapidserve.observability.requests import current_request_id

# Whoever reads a log must not be able to fetch files with what stands in it.
_SECRETS = (
    (re.compile(r"(/d/[^/\s]+/)[^/?\s\"']+"), r"\1[hidden]"),
    (re.compile(r"(?i)(\bauthorization\b\W{1,5})(?:\w+\s+)?[^\s,;\"']+"), r"\1[hidden]"),
    (re.compile(r"(?i)(\bbearer\s+)[^\s,;\"']+"), r"\1[hidden]"),
    (re.compile(r"\b(rs_|lg_)[A-Za-z0-9_-]{8,}"), r"\1[hidden]"),
)
# A name with a line break in it must not forge a second record.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, 0x85, 0x2028, 0x2029)}


class LineFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.123Z ERROR django.request 4f1c… message`; UTC, "-" outside a request.

    A traceback follows on lines of its own, indented, so that it can't be taken for records.
    """

    def format(self, record: logging.LogRecord) -> str:
        request_id = getattr(record, "request_id", "") or current_request_id.get() or "-"
        message = record.getMessage().translate(_CONTROL)
        head = f"{_time(record)} {record.levelname} {record.name} {request_id} {message}"
        return without_secrets("\n".join([head, *self._trace(record)]))

    def _trace(self, record: logging.LogRecord) -> list[str]:
        parts = []
        if record.exc_info:
            parts.append(self.formatException(record.exc_info))
        if record.stack_info:
            parts.append(self.formatStack(record.stack_info))
        return [f"    {line}" for part in parts for line in part.splitlines()]


def without_secrets(text: str) -> str:
    """The text with signed URLs, bearer tokens and Authorization values blanked out."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _time(record: logging.LogRecord) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{whole}.{int(record.msecs):03d}Z"
