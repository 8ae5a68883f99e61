"""What can be done with people and tokens. Each function is one transaction.

Other apps listen to the signals; they are sent inside the transaction, so that a listener's
failure undoes the change it belongs to.
"""

import dataclasses
import datetime as dt
import unicodedata
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import Permission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.dispatch import Signal

from accounts import policy, sessions, throttle, tokens
from accounts import scopes as known_scopes
from accounts.models import MAX_NAME_LENGTH, ApiToken, SignIn, User, name_key
from accounts.organisation import OrganisationRole
from rapidserve.db import current_time, run_atomic, update_if
from rapidserve.errors import Conflict, Invalid, NotAuthenticated, NotFound, PermissionDenied

# user, role: the person who is new.
user_created = Signal()
# user, before, after, by: somebody has another role in the organisation now.
role_changed = Signal()
# subject_id: UUID of the token or the user whose right to anything has just ended.
credential_withdrawn = Signal()
# action, user, by, details: something happened to a person that the audit log must tell.
happened = Signal()

MAX_PASSWORD_LENGTH = 1024
MAX_TOKEN_NAME_LENGTH = 100
TOKEN_LIFETIME = dt.timedelta(days=90)

_USERNAME = RegexValidator(r"^[\w.@+-]+\Z")


@dataclasses.dataclass(frozen=True, slots=True)
class NewToken:
    """A token at the only moment its text is known."""

    row: ApiToken
    text: str


def create_user(
    *,
    username: str,
    password: str,
    display_name: str = "",
    role: OrganisationRole = OrganisationRole.MEMBER,
) -> User:
    """Raises Invalid (username_invalid, display_name_invalid, password_invalid) or
    Conflict (name_taken).
    """
    return add_user(user=_new_user(username, password, display_name), role=role)


def create_owner(*, username: str, password: str, display_name: str = "") -> User:
    """A person who may do everything in the administration. Errors as create_user: an existing
    person is never turned into an owner by it.
    """
    user = _new_user(username, password, display_name)
    user.is_superuser = True
    return add_user(user=user)


def add_user(
    *, user: User, role: OrganisationRole = OrganisationRole.MEMBER, by: User | None = None
) -> User:
    """Save a person who isn't saved yet and announce it. Raises Conflict (name_taken), and
    PermissionDenied when `by` may not make such a person."""
    user.is_staff = policy.opens_administration(role, is_owner=user.is_superuser)

    def add() -> User:
        _refuse_unmanageable(by, user.id, role)
        if User.objects.filter(username_key=name_key(user.username)).exists():
            raise Conflict("Somebody already has this name.", code="name_taken", field="username")
        user.save(force_insert=True)
        policy.memberships().create(user_id=user.id, group_id=policy.group_keys()[role])
        user_created.send(sender=User, user=user, role=role)
        _tell("user_created", user, by, staff=user.is_staff, role=role)
        return user

    return run_atomic(add)


def set_password(
    *, user: User, password: str | None, but: UUID | None = None, by: User | None = None
) -> None:
    """None: nobody signs in by one. Ends the person's sessions; API tokens go on. Raises Invalid
    (password_invalid), and PermissionDenied when it is somebody's whom `by` may not manage.

    Of them `but` is to go on, which its caller has to tell of the new password.
    """
    if password is not None:
        check_password(password, user)
    user.set_password(password)

    def change() -> None:
        _refuse_of_others(by, user.id)
        user.save(update_fields=["password"])
        _tell("password_set", user, by)

    run_atomic(change)
    end_sessions(user=user, but=but, by=by)


def deactivate_user(*, user: User, by: User | None = None) -> None:
    """Nothing the person holds (password, session, token) works from now on. Twice is once.
    Raises PermissionDenied when `by` may not, Conflict (last_owner).
    """

    def deactivate() -> None:
        _refuse_unmanageable(by, user.id)
        _refuse_last_owner(user)
        User.objects.filter(id=user.id).update(is_active=False)
        credential_withdrawn.send(sender=User, subject_id=user.id)
        _tell("user_deactivated", user, by)

    run_atomic(deactivate)
    user.is_active = False


def reactivate_user(*, user: User, by: User | None = None) -> None:
    """Let a deactivated person in again, with what they had. Twice is once. PermissionDenied."""

    def reactivate() -> None:
        _refuse_unmanageable(by, user.id)
        User.objects.filter(id=user.id).update(is_active=True)
        _tell("user_reactivated", user, by)

    run_atomic(reactivate)
    user.is_active = True


def set_organisation_role(*, user: User, role: OrganisationRole, by: User | None = None) -> None:
    """Make somebody an admin, auditor, member or guest, in place of what they were. Twice is once.

    What the old role allowed ends at once. Raises PermissionDenied when `by` may not.
    """

    def change() -> bool:
        before = policy.role_of(user.id)
        _refuse_unmanageable(by, user.id, role)
        held = policy.memberships().filter(user_id=user.id)
        keys = policy.group_keys()
        is_owner = User.objects.filter(id=user.id, is_superuser=True).exists()
        is_staff = policy.opens_administration(role, is_owner=is_owner)
        if before == role and held.filter(group_id=keys[role]).exists():
            return user.is_staff
        # Moved, not taken and given: nobody is ever without a role, nor has two.
        if not update_if(held.filter(group_id=keys[before]), group_id=keys[role]):
            policy.memberships().create(user_id=user.id, group_id=keys[role])
        User.objects.filter(id=user.id).update(is_staff=is_staff)
        role_changed.send(sender=User, user=user, before=before, after=role, by=by)
        _tell("role_set", user, by, before=before, after=role)
        return is_staff

    user.is_staff = run_atomic(change)


def set_owner(*, user: User, is_owner: bool, by: User | None = None) -> None:
    """Let somebody do everything in the administration, or no longer. Only owners may.

    Raises PermissionDenied, Conflict (last_owner).
    """

    def change() -> bool:
        _refuse_all_but_owners(by, "Only owners make owners.")
        if not is_owner:
            _refuse_last_owner(user)
        is_staff = policy.opens_administration(policy.role_of(user.id), is_owner=is_owner)
        User.objects.filter(id=user.id).update(is_superuser=is_owner, is_staff=is_staff)
        _tell("owner_set", user, by, owner=is_owner)
        return is_staff

    user.is_staff = run_atomic(change)
    user.is_superuser = is_owner


def set_display_name(*, user: User, display_name: str, by: User | None = None) -> None:
    """Raises PermissionDenied when `by` may not."""

    def change() -> None:
        _refuse_unmanageable(by, user.id)
        before = User.objects.values_list("display_name", flat=True).get(id=user.id)
        user.display_name = display_name
        user.save(update_fields=["display_name"])
        _tell("display_name_set", user, by, before=before, after=display_name)

    run_atomic(change)


def set_permissions(
    *, user: User, permissions: Collection[Permission], by: User | None = None
) -> None:
    """What somebody is allowed beside their role and groups, in place of what was. Twice is once.

    Only owners may. Raises PermissionDenied.
    """

    def change() -> None:
        _refuse_all_but_owners(by, "Only owners give permissions.")
        before, after = set(user.user_permissions.all()), set(permissions)
        if before == after:
            return
        user.user_permissions.set(after)
        _tell(
            "permissions_set",
            user,
            by,
            given=names_of(after - before),
            taken=names_of(before - after),
        )

    run_atomic(change)


def names_of(permissions: Collection[Permission]) -> list[str]:
    """As `app.codename`."""
    return sorted(f"{each.content_type.app_label}.{each.codename}" for each in permissions)


def note_sign_in(*, user: User) -> None:
    """That somebody is in, after all steps that were asked of them."""
    run_atomic(lambda: _tell("signed_in", user, user))


def note_change(action: str, *, user: User, **details: Any) -> None:
    """That somebody changed how they sign in."""
    run_atomic(lambda: _tell(action, user, user, **details))


def note_failure(action: str, *, user: User | None) -> None:
    """That somebody unknown tried to be this person, and was not let in. None: nobody known here,
    which is told as well, or the time an answer takes would tell who is."""
    run_atomic(lambda: _tell(action, user, None))


def authenticated(*, username: str, password: str, address: str) -> User:
    """The person with this name, or address of mail, and this password. Raises NotAuthenticated
    (credentials_invalid), the same and after the same work for an unknown name, a wrong password
    and a deactivated person, or TooManyRequests.
    """
    # Counted by what was typed: one count for a person's name and address would tell that they
    # belong together.
    username_key = name_key(username.strip())
    throttle.check(username_key=username_key, address=address)
    username = _username_of(username.strip())
    # What is too long is nobody's, and takes as long: else it would tell who is known here.
    user = authenticate(username=username, password=password[:MAX_PASSWORD_LENGTH])
    if not isinstance(user, User) or len(password) > MAX_PASSWORD_LENGTH:
        throttle.record_failure(username_key=username_key, address=address)
        note_failure(
            "sign_in_failed", user=User.objects.filter(username_key=name_key(username)).first()
        )
        raise NotAuthenticated("The name or the password is wrong.", code="credentials_invalid")
    throttle.record_success(username_key=username_key, address=address)
    return user


def add_address(*, address: EmailAddress, by: User | None = None) -> None:
    """Save one that is known to be the person's; the first is where mail goes. PermissionDenied."""

    def add() -> None:
        _refuse_unmanageable(by, address.user_id)
        address.verified = True
        address.primary = not EmailAddress.objects.filter(user=address.user, primary=True).exists()
        address.save(force_insert=True)
        _tell("address_added", address.user, by, address=address.email)

    run_atomic(add)


def take_away(credential: EmailAddress | Authenticator | SocialAccount, *, by: User) -> None:
    """Somebody can't sign in by it any more. Of a second step its recovery codes go as well, when
    no other is left. PermissionDenied."""
    told = {
        EmailAddress: "address_removed",
        Authenticator: "second_step_removed",
        SocialAccount: "account_unlinked",
    }[type(credential)]

    def take() -> None:
        name, user = str(credential), credential.user
        _refuse_unmanageable(by, user.id)
        credential.delete()
        steps = Authenticator.objects.filter(user=user)
        if not steps.exclude(type=Authenticator.Type.RECOVERY_CODES).exists():
            steps.delete()
        _tell(told, user, by, which=name)

    run_atomic(take)


def _username_of(typed: str) -> str:
    """A user name may look like an address: then it is meant. Asks the same whoever is known."""
    if "@" not in typed:
        return typed
    is_name = User.objects.filter(username_key=name_key(typed)).exists()
    address = EmailAddress.objects.filter(email=typed.lower(), verified=True)
    known = address.select_related("user").first()
    return known.user.username if known and not is_name else typed


def make_token(
    *,
    user: User,
    name: str,
    scopes: Sequence[str] = known_scopes.ALL,
    lifetime: dt.timedelta | None = TOKEN_LIFETIME,
) -> NewToken:
    """`lifetime` None: until it is revoked. Raises Invalid (name_invalid, scope_invalid)."""
    if not 1 <= len(name) <= MAX_TOKEN_NAME_LENGTH or not is_plain(name):
        raise Invalid(
            f"A token's name is 1 to {MAX_TOKEN_NAME_LENGTH} visible characters.",
            code="name_invalid",
            field="name",
        )
    if not scopes or not set(scopes) <= set(known_scopes.ALL):
        raise Invalid(
            f"The scopes are {', '.join(known_scopes.ALL)}.", code="scope_invalid", field="scopes"
        )
    text = tokens.new_token()
    now = current_time()
    row = ApiToken(
        user=user,
        digest=tokens.digest(text),
        name=name,
        scopes=[scope for scope in known_scopes.ALL if scope in scopes],
        created_at=now,
        expires_at=now + lifetime if lifetime else None,
    )

    def make() -> NewToken:
        # Programs that sign in every day would pile up rows that open nothing.
        user.tokens.filter(expires_at__lte=now).delete()
        row.save(force_insert=True)
        _tell("token_made", user, user, token=str(row.id), scopes=row.scopes)
        return NewToken(row, text)

    return run_atomic(make)


def revoke_token(*, token: ApiToken, by: User | None = None) -> None:
    """The token, and every URL signed for it, stops working. Raises NotFound when it is gone,
    PermissionDenied when it is somebody's whom `by` may not manage.
    """

    def revoke() -> None:
        _refuse_of_others(by, token.user_id)
        deleted, _ = ApiToken.objects.filter(id=token.id).delete()
        if not deleted:
            raise NotFound
        credential_withdrawn.send(sender=ApiToken, subject_id=token.id)
        _tell("token_revoked", token.user, by, token=str(token.id))

    run_atomic(revoke)


def end_session(*, sign_in: SignIn, by: User | None = None) -> None:
    """Its cookie is worth nothing any more, and every URL signed for it stops working. Errors as of
    `revoke_token`."""

    def end() -> None:
        _refuse_of_others(by, sign_in.user_id)
        if not SignIn.objects.filter(id=sign_in.id).delete()[0]:
            raise NotFound
        sessions.forget(sign_in)
        credential_withdrawn.send(sender=SignIn, subject_id=sign_in.id)
        _tell("signed_out", sign_in.user, by)

    run_atomic(end)


def end_sessions(*, user: User, but: UUID | None = None, by: User | None = None) -> None:
    """All of a person's, save one."""
    for sign_in in user.sign_ins.all():
        if sign_in.id == but:
            continue
        with suppress(NotFound):
            end_session(sign_in=sign_in, by=by)


def forget_sessions() -> None:
    """Rows of sessions that have expired by themselves, also of those that never got in."""
    sessions.clear_expired()
    idle = current_time() - dt.timedelta(seconds=settings.SESSION_COOKIE_AGE)
    for sign_in in SignIn.objects.filter(last_used_at__lt=idle)[:500]:
        with suppress(NotFound):
            end_session(sign_in=sign_in)


def check_username(username: str) -> str:
    """The name as it is stored (NFKC). Raises Invalid (username_invalid)."""
    normal = unicodedata.normalize("NFKC", username)
    try:
        _USERNAME(normal)
    except ValidationError:
        normal = ""
    if not 1 <= len(normal) <= MAX_NAME_LENGTH:
        raise Invalid(
            f"A name is 1 to {MAX_NAME_LENGTH} letters, digits and @ . + - _",
            code="username_invalid",
            field="username",
        )
    return normal


def fit_display_name(wanted: str) -> str:
    """What another system calls somebody, as far as it can be a display name; else nothing."""
    name = wanted.strip()[:MAX_NAME_LENGTH].strip()
    return name if is_plain(name) else ""


def check_password(password: str, user: User) -> None:
    """Raises Invalid (password_invalid) with what would make it good enough."""
    try:
        password.encode()
    except UnicodeEncodeError:
        raise _bad_password("A password can't hold broken characters.") from None
    if len(password) > MAX_PASSWORD_LENGTH:
        raise _bad_password(f"A password can't be longer than {MAX_PASSWORD_LENGTH} characters.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise _bad_password(" ".join(error.messages)) from None


def _refuse_unmanageable(
    by: User | None, user_id: UUID, role: OrganisationRole | None = None
) -> None:
    """`by` as the database has them now: they may have lost their own role a moment ago. None is
    somebody at the command line."""
    if by is None:
        return
    asker = User.objects.filter(id=by.id).first()
    if asker is None or not policy.may_manage(asker, user_id, role):
        raise PermissionDenied("Only an owner may do that.")


def _refuse_all_but_owners(by: User | None, message: str) -> None:
    """As `_refuse_unmanageable`."""
    if by is not None and not User.objects.filter(id=by.id, is_superuser=True, is_active=True):
        raise PermissionDenied(message)


def _refuse_of_others(by: User | None, user_id: UUID) -> None:
    """What is one's own is one's own to end."""
    if by is None or by.id != user_id:
        _refuse_unmanageable(by, user_id)


def is_last_owner(user: User) -> bool:
    """Whether nobody else could make another owner."""
    owners = User.objects.filter(is_superuser=True, is_active=True)
    return owners.filter(id=user.id).exists() and not owners.exclude(id=user.id).exists()


def _refuse_last_owner(user: User) -> None:
    """Two who go at once meet at the audit log's head."""
    if is_last_owner(user):
        raise Conflict("This is the last owner.", code="last_owner")


def _tell(action: str, user: User | None, by: User | None, **details: object) -> None:
    """Of a person, and who did it: None for nobody who is known. In the caller's transaction."""
    happened.send(sender=User, action=action, user=user, by=by, details=details)


def _bad_password(message: str) -> Invalid:
    return Invalid(message, code="password_invalid", field="password")


def _new_user(username: str, password: str, display_name: str) -> User:
    """Hashes the password before any transaction: that takes long on purpose, and a write
    transaction makes everybody else wait.
    """
    username = check_username(username)
    display_name = display_name.strip() or username
    if len(display_name) > MAX_NAME_LENGTH or not is_plain(display_name):
        raise Invalid(
            f"A display name is up to {MAX_NAME_LENGTH} visible characters.",
            code="display_name_invalid",
            field="display_name",
        )
    user = User(username=username, display_name=display_name)
    check_password(password, user)
    user.set_password(password)
    return user


def is_plain(text: str) -> bool:
    """No control characters, lone surrogates or signs that turn the writing direction, with which
    one name could be made to look like another. Joiners are letters' business and stay.
    """
    return not any(
        unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and char not in "\u200c\u200d"
        for char in text
    )
