"""Mail is sent by the worker: a slow mail server must not tell, by the time an answer takes, whose
address is known here.
"""

import logging
import sqlite3
from smtplib import SMTPException
from typing import Any

from allauth.account.forms import ResetPasswordForm
from django.core.mail import EmailMessage
from redis.exceptions import RedisError

from rapidserve.jobs import queue

log = logging.getLogger(__name__)


@queue.task(retries=5, retry_delay=60)
def deliver(subject: str, text: str, sender: str, to: list[str]) -> None:
    """When the mail server is away, again for five minutes; then it is lost, and asked for anew."""
    EmailMessage(subject, text, sender, to).send()


@queue.task()
def find_who_forgot(address: str) -> None:
    """Mail a link for a new password to whoever has this address, if anybody. Looked up and written
    here, not where it is asked for: that takes longer for an address that is known."""
    form = ResetPasswordForm({"email": address})
    if form.is_valid():
        form.save(request=None)  # type: ignore[arg-type] # nobody asks here


def send(message: EmailMessage) -> None:
    """Hand a mail to the worker."""
    _hand_over(deliver, str(message.subject), str(message.body), message.from_email, message.to)


def mail_new_password(address: str) -> None:
    """Hand an address that somebody typed to the worker."""
    _hand_over(find_who_forgot, address)


def _hand_over(task: Any, *arguments: Any) -> None:
    """When the queue is away it is done at once."""
    try:
        task(*arguments)
    except (sqlite3.Error, RedisError):
        log.exception("The queue can't be written to; the mail is sent at once.")
        _do_now(task, *arguments)


def _do_now(task: Any, *arguments: Any) -> None:
    try:
        task.call_local(*arguments)
    except (OSError, SMTPException):
        log.exception("A mail could not be sent.")
