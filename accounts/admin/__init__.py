"""What Django's administration shows of people. Changes go through `accounts.actions`."""

from accounts.admin import credentials  # noqa: F401 - it registers itself
from accounts.admin.people import CarefulChangeList, UserAdmin

__all__ = ["CarefulChangeList", "UserAdmin"]
