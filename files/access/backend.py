"""Django's own question, `user.has_perm("files.viewer", entry)`, answered as everywhere else.

In place of guardian's backend, which would count expired grants and overlook folders above.
"""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from accounts.models import User
from files.access.actor import Actor
from files.access.policy import permissions
from files.access.roles import GRANTED, PERMISSIONS, Role
from files.models import Entry


class EntryBackend(BaseBackend):
    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Whether the person may do all that the role allows, with a role there or above."""
        app_label, _, codename = perm.partition(".")
        if not isinstance(obj, Entry) or not isinstance(user_obj, User):
            return False
        if app_label != "files" or codename not in GRANTED:
            return False
        return PERMISSIONS[Role(codename)] <= permissions(Actor(user_obj), obj)
