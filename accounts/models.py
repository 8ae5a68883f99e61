"""People, their API tokens, and the counters that slow down guessing."""

import unicodedata
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from rapidserve.db import UUIDModel

MAX_NAME_LENGTH = 150
# Folding case can triple a character (U+0390).
MAX_KEY_LENGTH = 3 * MAX_NAME_LENGTH


def name_key(name: str) -> str:
    """What makes two names the same: `Bob`, `bob` and a full-width `ｂｏｂ` are one person."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded)


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        """How Django's sign-in finds a person: whatever the case they type."""
        return self.get(username_key=name_key(username or ""))

    def create_superuser(self, **_: Any) -> "User":
        """Django's own `createsuperuser` would make a person that nothing else is told of."""
        raise ValidationError("Use `manage.py create_owner NAME` instead.")


class User(UUIDModel, AbstractBaseUser, PermissionsMixin):
    """Who is asking. Made and changed by `accounts.actions`; never deleted, only deactivated,
    since files and versions name their author. There is no e-mail address to leak.
    """

    username = models.CharField(max_length=MAX_NAME_LENGTH, unique=True)
    username_key = models.CharField(max_length=MAX_KEY_LENGTH, unique=True, editable=False)
    display_name = models.CharField(max_length=MAX_NAME_LENGTH, blank=True)
    display_key = models.CharField(max_length=MAX_KEY_LENGTH, db_index=True, editable=False)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May open the administration pages.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        # What roles in the organisation allow beside the pages of the administration.
        permissions: ClassVar = [
            ("find_people", "Find people and groups"),
            ("share_files", "Share, with a role that allows it"),
        ]

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """The keys follow the names, whoever changes them."""
        self.username_key = name_key(self.username)
        self.display_key = name_key(self.display_name)
        fields = kwargs.get("update_fields")
        if fields is not None and "display_name" in fields:
            kwargs["update_fields"] = {*fields, "display_key"}
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        return self.display_name or self.username

    @property
    def initials(self) -> str:
        """Two letters for the avatar: of the first and the last name, or of the only one."""
        words = self.get_full_name().split()
        letters = words[0][0] + words[-1][0] if len(words) > 1 else "".join(words)[:2]
        return letters.upper()

    def get_short_name(self) -> str:
        return self.get_full_name()


class ApiToken(UUIDModel):
    """A program's credential. Revoking it deletes the row."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    name = models.CharField(max_length=100)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


# In this order: most browsers claim to be several of those that follow.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


class SignIn(UUIDModel):
    """A session of somebody's browser (accounts/sessions.py). Ending it deletes the row."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    address = models.CharField(max_length=64, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.browser

    @property
    def browser(self) -> str:
        """What the browser is, in the words of people; its own when they are of no known one."""
        names = [name for mark, name in _BROWSERS if mark in self.agent][:1]
        systems = [name for mark, name in _SYSTEMS if mark in self.agent][:1]
        return " on ".join([*names, *systems]) or self.agent or "A browser"


class LoginFailure(UUIDModel):
    """How often signing in has failed for one subject (see accounts.throttle). `subject` is a
    digest: people type passwords into the name field, and those must not lie in the database.
    """

    subject = models.CharField(max_length=64, unique=True)
    failures = models.PositiveIntegerField(default=0)
    forgotten_at = models.DateTimeField(db_index=True)
    blocked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.failures} failures"
