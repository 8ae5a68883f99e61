"""Mail is sent by the worker: a slow mail server must not tell, by the time an answer takes, whose
address is known here.
"""

import logging
import sqlite3
from smtplib import SMTPException

from django.core.mail import EmailMessage
from redis.exceptions import RedisError

from rapidserve.jobs import queue

log = logging.getLogger(__name__)


@queue.task(retries=5, retry_delay=60)
def deliver(subject: str, text: str, sender: str, to: list[str]) -> None:
    """When the mail server is away, again for five minutes; then it is lost, and asked for anew."""
    EmailMessage(subject, text, sender, to).send()


def send(message: EmailMessage) -> None:
    """Hand a mail to the worker. When the queue is away it is sent at once."""
    mail = str(message.subject), str(message.body), message.from_email, message.to
    try:
        deliver(*mail)
    except (sqlite3.Error, RedisError):
        log.exception("The queue can't be written to; the mail is sent at once.")
        _deliver_now(mail)


def _deliver_now(mail: tuple[str, str, str, list[str]]) -> None:
    try:
        deliver.call_local(*mail)
    except (OSError, SMTPException):
        log.exception("A mail could not be sent.")
