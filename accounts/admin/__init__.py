"""What Django's administration shows of people. Changes go through `accounts.actions`."""

from accounts.admin import credentials, groups, sign_ins  # noqa: F401 - they register themselves
from accounts.admin.people import UserAdmin
from accounts.admin.site import CarefulAdmin, CarefulChangeList, LookedAt

__all__ = ["CarefulAdmin", "CarefulChangeList", "LookedAt", "UserAdmin"]
