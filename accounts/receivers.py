"""What happens beside Django's signing in and out, and what allauth's pages change."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from allauth.account import signals as account
from allauth.mfa import signals as second_step
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as linked
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.actions import end_session, note_change, note_sign_in
from accounts.models import SignIn, User
from accounts.sessions import KEY, begin
from rapidserve.errors import NotFound


@receiver(user_logged_in)
def note_session(request: HttpRequest, user: User, **_: Any) -> None:
    begin(request, user)


@receiver(user_logged_out)
def end_its_session(request: HttpRequest, user: User | None, **_: Any) -> None:
    known = request.session.get(KEY)
    row = SignIn.objects.filter(id=UUID(known)).first() if known else None
    if row is not None:
        with suppress(NotFound):  # somebody ended it from elsewhere, just now
            end_session(sign_in=row, by=user)


@receiver(account.user_logged_in)
def tell_of_it(user: User, **_: Any) -> None:
    note_sign_in(user=user)


@receiver(account.email_confirmed)
def tell_of_an_address(email_address: Any, **_: Any) -> None:
    note_change("address_added", user=email_address.user, address=email_address.email)


@receiver(account.email_removed)
def tell_that_an_address_is_gone(user: User, email_address: Any, **_: Any) -> None:
    note_change("address_removed", user=user, address=email_address.email)


@receiver(second_step.authenticator_added)
def tell_of_a_second_step(user: User, authenticator: Authenticator, **_: Any) -> None:
    note_change("second_step_added", user=user, kind=authenticator.type)


@receiver(second_step.authenticator_removed)
def tell_that_a_second_step_is_gone(user: User, authenticator: Authenticator, **_: Any) -> None:
    note_change("second_step_removed", user=user, kind=authenticator.type)


@receiver(second_step.authenticator_reset)
def tell_of_new_codes(user: User, authenticator: Authenticator, **_: Any) -> None:
    note_change("second_step_renewed", user=user, kind=authenticator.type)


@receiver(linked.social_account_added)
def tell_of_a_linked_account(sociallogin: Any, **_: Any) -> None:
    account_there = sociallogin.account
    note_change("account_linked", user=account_there.user, provider=account_there.provider)


@receiver(linked.social_account_removed)
def tell_that_an_account_is_not_linked(socialaccount: Any, **_: Any) -> None:
    note_change("account_unlinked", user=socialaccount.user, provider=socialaccount.provider)
