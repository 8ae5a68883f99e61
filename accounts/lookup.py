"""Finding people and tokens, as far as the one who asks may see them. Pages are keyset pages:
each starts after the last row of the one before, so rows that come and go are never shown twice.
"""

from uuid import UUID

from django.contrib.auth.models import Group
from django.db.models import Q

from accounts.models import ApiToken, SignIn, User, name_key
from rapidserve.errors import NotFound

MIN_SEARCH_LENGTH = 2
_AFTER_ALL = "\U0010ffff"


def find_people(*, prefix: str, after: str | None, limit: int) -> list[User]:
    """Active people whose user name or display name begins with `prefix`, whatever the case, by
    user name. `after` is the `username_key` of the last one seen. Prefixes below two characters
    find nobody: they would list everybody, one letter at a time.
    """
    key = name_key(prefix.strip())
    if len(key) < MIN_SEARCH_LENGTH:
        return []
    # Ranges, not LIKE: they use the index on both databases, and % means nothing special.
    by_name = Q(username_key__gte=key, username_key__lt=key + _AFTER_ALL)
    by_display = Q(display_key__gte=key, display_key__lt=key + _AFTER_ALL)
    people = User.objects.filter(by_name | by_display, is_active=True)
    if after is not None:
        people = people.filter(username_key__gt=after)
    return list(people.order_by("username_key")[:limit])


def find_groups(*, prefix: str, after: str | None, limit: int) -> list[Group]:
    """Groups whose name begins with `prefix`, by name; as `find_people`."""
    if len(prefix) < MIN_SEARCH_LENGTH:
        return []
    groups = Group.objects.filter(name__gte=prefix, name__lt=prefix + _AFTER_ALL)
    if after is not None:
        groups = groups.filter(name__gt=after)
    return list(groups.order_by("name")[:limit])


def person(user_id: UUID | None) -> User:
    """With this id, deactivated or not. Raises NotFound."""
    user = None if user_id is None else User.objects.filter(id=user_id).first()
    if user is None:
        raise NotFound("There is nobody with this id.")
    return user


def tokens_of(user: User, *, after: UUID | None, limit: int) -> list[ApiToken]:
    """The person's own tokens, newest first (ids are time-ordered)."""
    rows = ApiToken.objects.filter(user=user)
    if after is not None:
        rows = rows.filter(id__lt=after)
    return list(rows.order_by("-id")[:limit])


def sign_ins_of(user: User, *, after: UUID | None, limit: int) -> list[SignIn]:
    """Where the person is signed in, newest first."""
    rows = SignIn.objects.filter(user=user)
    if after is not None:
        rows = rows.filter(id__lt=after)
    return list(rows.order_by("-id")[:limit])


def sign_in_for(user: User, sign_in_id: UUID) -> SignIn:
    """The person's own. Raises NotFound, also for somebody else's."""
    row = SignIn.objects.filter(user=user, id=sign_in_id).first()
    if row is None:
        raise NotFound
    return row


def token_for(user: User, token_id: UUID) -> ApiToken:
    """The person's own token. Raises NotFound, also for somebody else's."""
    token = ApiToken.objects.filter(user=user, id=token_id).first()
    if token is None:
        raise NotFound
    return token
