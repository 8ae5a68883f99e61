"""Sweepers: each finds rows whose time has come. A run that is lost is made up for by the next."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from huey import crontab

from accounts.actions import forget_sessions
from files.actions import links, spaces, trash, uploads
from files.content.collect import collect
from files.models import Epoch, Upload
from rapidserve.jobs import queue

PAGE = 500


@queue.periodic_task(crontab(minute="*/10"))
def expire_uploads() -> None:
    """End uploads without activity, and finish what a crash left half ended."""
    overdue = Upload.objects.filter(state=Upload.State.OPEN, expires_at__lt=timezone.now())
    for upload in overdue[:PAGE]:
        uploads.expire(upload)
    ended = Upload.objects.filter(state=Upload.State.EXPIRED).exclude(version=None)
    for upload in ended[:PAGE]:
        uploads.drop_pending_version(upload)
    uploads.forget_ended(timezone.now() - timedelta(seconds=settings.UPLOAD_IDLE_SECONDS))


@queue.periodic_task(crontab(minute="17", hour="*/6"))
def collect_garbage() -> None:
    collect()


@queue.periodic_task(crontab(minute="7", hour="*"))
def empty_trash() -> None:
    trash.purge_expired()
    spaces.clear_deleted()


@queue.periodic_task(crontab(minute="47", hour="3"))
def forget_who_was_here() -> None:
    links.forget_visits()
    forget_sessions()


@queue.periodic_task(crontab(minute="37", hour="*/6"))
def forget_old_epochs() -> None:
    """Tickets older than the longest lifetime are refused for their age alone."""
    longest = max(
        settings.CONTENT_URL_SECONDS, settings.DOWNLOAD_URL_SECONDS, settings.UPLOAD_URL_SECONDS
    )
    Epoch.objects.filter(changed_at__lt=timezone.now() - 2 * timedelta(seconds=longest)).delete()
