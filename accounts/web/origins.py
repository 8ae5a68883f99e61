"""Where pages of this server are, as browsers name it: never by a `Host` that anybody may send."""

from urllib.parse import urlsplit

from allauth.core import context
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from fido2.webauthn import AuthenticationResponse, RegistrationResponse


def page_origin(request: HttpRequest) -> str:
    """Scheme, host and port of the page that sent this: the public address, unless it came to
    another name that we go by. Which port it says it came to is the sender's word alone."""
    name = urlsplit(f"//{request.get_host()}").hostname
    here = (origin for origin in settings.PAGE_ORIGINS if urlsplit(origin).hostname == name)
    return next(here, settings.PAGE_ORIGINS[0])


def refuse_other_pages(answer: AuthenticationResponse | RegistrationResponse) -> None:
    """A passkey signs which page it was asked by. Browsers let those of sub-domains and of other
    ports ask, too, which may be somebody else's."""
    ours = page_origin(context.request)
    if answer.response.client_data.origin != ours:
        raise ValidationError(f"Passkeys are used at {ours} only.")
