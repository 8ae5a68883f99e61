"""To the identity provider and back (OpenID Connect); and what to say when it is away."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

from allauth.socialaccount import app_settings
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.crypto import salted_hmac
from requests import RequestException

from accounts import claims
from accounts.web.origins import page_origin
from rapidserve.env import is_loopback
from rapidserve.errors import Unavailable

log = logging.getLogger(__name__)
View = Callable[..., HttpResponseBase]
DIGEST: Final = "sha256:"


class IdentityProvider(OpenIDConnectProvider):
    """Where somebody is sent. What is asked there is ours to say, not that of whoever made the
    link: allauth would let its query replace the scope, and even where codes are sent."""

    def get_oauth2_adapter(self, request: HttpRequest) -> "Conversation":
        return Conversation(request, self.app.provider_id)

    def extract_uid(self, data: dict[str, Any]) -> str:
        """What somebody is known again by. allauth's column is shorter than a `sub` may be."""
        subject: str = super().extract_uid(data)  # type: ignore[no-untyped-call]
        if len(subject) <= app_settings.UID_MAX_LENGTH and not subject.startswith(DIGEST):
            return subject
        return DIGEST + sha256(subject.encode()).hexdigest()

    def redirect(
        self,
        request: HttpRequest,
        process: str,
        next_url: str | None = None,
        data: Any = None,
        **_: Any,
    ) -> HttpResponse:
        state = get_adapter().generate_state_param({})
        answer: HttpResponse = super().redirect(
            request,
            process,
            next_url,
            data,
            auth_params={"nonce": _nonce_of(state)},
            state_id=state,
        )
        return answer


class Conversation(OpenIDConnectOAuth2Adapter):
    """What is said between the provider and us, which is believed after `claims.believe` alone."""

    def get_provider(self) -> IdentityProvider:
        return IdentityProvider(self.request, app=super().get_provider().app)  # type: ignore[no-untyped-call] # theirs

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        """Where people are, whatever `Host` the request was sent with."""
        del app
        path = reverse("openid_connect_callback", kwargs={"provider_id": self.provider_id})
        return page_origin(request) + path

    @property
    def openid_config(self) -> dict[str, Any]:
        with _understood():
            config: dict[str, Any] = super().openid_config
        return config

    @property
    def access_token_url(self) -> str:  # type: ignore[override] # a property of theirs, too
        return _protected(super().access_token_url)

    @property
    def profile_url(self) -> str:
        return _protected(super().profile_url)

    def get_access_token_data(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        with _understood():
            answer = super().get_access_token_data(*arguments, **options)
            if not isinstance(answer, dict) or not isinstance(answer["access_token"], str):
                raise TypeError("the answer of the token endpoint is no object with a token")
        return answer

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        """Used at once and then forgotten: how long it would last is nobody's question."""
        return SocialToken(token=data["access_token"])

    def complete_login(
        self, request: HttpRequest, app: Any, token: SocialToken, **options: Any
    ) -> SocialLogin:
        with _understood():
            id_token = self._decode_id_token(app, options["response"]["id_token"])
            userinfo = self._fetch_user_info(token.token)
            # That it is this browser's, and was never answered before, has been looked at.
            nonce = _nonce_of(request.GET["state"])
            believed = claims.believe(id_token, userinfo, nonce=nonce)
        known = {"userinfo": believed.as_userinfo()}
        login: SocialLogin = self.get_provider().sociallogin_from_response(request, known)
        return login


def _nonce_of(state: str) -> str:
    """Goes through the provider into the ID token: one that was made for another browser, or for an
    earlier question, doesn't have it."""
    return salted_hmac("accounts.web.linked nonce", state).hexdigest()


def _protected(address: Any) -> str:
    """What comes from there is believed without looking at its signature, which Core 3.1.3.7 allows
    as long as nobody on the way can have changed it."""
    parts = urlsplit(str(address))
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError("the identity provider names an address without TLS")
    return str(address)


@contextmanager
def _understood() -> Iterator[None]:
    """Whatever else than an answer the provider sends is a sign-in refused."""
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        log.warning("The identity provider does not answer as it should: %.200s", error)
        raise OAuth2Error("That was no answer.") from error


def _reachable(view: View) -> View:
    @wraps(view)
    def reach(request: HttpRequest, provider_id: str) -> HttpResponseBase:
        try:
            return view(request, provider_id)
        except SocialApp.DoesNotExist:
            raise Http404 from None
        except (
            RequestException,
            OAuth2Error,
            KeyError,
            ValueError,
        ) as error:  # away, or no such provider
            log.warning("The identity provider does not answer as it should.", exc_info=True)
            raise Unavailable("The identity provider does not answer as it should.") from error

    return reach


@_reachable
def begin(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    return _view(OAuth2LoginView, request, provider_id)


@_reachable
def come_back(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    return _view(OAuth2CallbackView, request, provider_id)


def _view(kind: Any, request: HttpRequest, provider_id: str) -> HttpResponseBase:
    answer: HttpResponseBase = kind.adapter_view(Conversation(request, provider_id))(request)
    return answer
