"""To the identity provider and back (OpenID Connect); and what to say when it is away."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.socialaccount.providers.openid_connect import views
from django.http import HttpRequest, HttpResponseBase
from requests import RequestException

from rapidserve.errors import Unavailable

log = logging.getLogger(__name__)
View = Callable[..., HttpResponseBase]


def _reachable(view: View) -> View:
    @wraps(view)
    def reach(request: HttpRequest, provider_id: str, **options: Any) -> HttpResponseBase:
        try:
            return view(request, provider_id, **options)
        except (RequestException, KeyError, ValueError) as error:  # away, or no such provider
            log.warning("The identity provider does not answer as it should.", exc_info=True)
            raise Unavailable("The identity provider does not answer as it should.") from error

    return reach


begin = _reachable(views.login)
come_back = _reachable(views.callback)
