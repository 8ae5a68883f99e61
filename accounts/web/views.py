"""Signing in and out, and the look of the pages, without JavaScript."""

from typing import Any

from allauth.account.utils import perform_login
from allauth.mfa.totp import views as totp
from django.conf import settings
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import AuthenticationForm
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.web.forms import SignInForm
from rapidserve import appearance
from rapidserve.errors import Invalid


class SignInView(auth_views.LoginView):
    """By password; then the second step of whoever has one. Afterwards to `next`, when that is on
    this host, else to the files."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **options: Any) -> dict[str, Any]:
        offers = {
            "mail": settings.SMTP_URL,
            "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else None,
        }
        return super().get_context_data(**options) | offers

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        answer: HttpResponse = perform_login(
            self.request,
            form.get_user(),
            email_verification="none",
            redirect_url=self.get_success_url(),
        )
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        if isinstance(form, SignInForm) and form.wait is not None:
            response.status_code = 429
            response["Retry-After"] = str(form.wait)
        return response


class SignOutView(auth_views.LogoutView):
    """By POST only: a picture on another site must not be able to sign people out."""


def activate_app(request: HttpRequest) -> HttpResponseBase:
    """Allauth's page; of two browsers that set up an app at once the second is told what is so."""
    try:
        answer: HttpResponseBase = totp.activate_totp(request)
    except IntegrityError:
        return redirect("mfa_index")
    return answer


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark, or what the system says, in this browser; then back to `next`."""
    theme, address = request.POST.get("theme"), request.POST.get("next", "/")
    if theme not in appearance.THEMES:
        raise Invalid("There is no such theme.", code="theme_invalid", field="theme")
    if not url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}):
        address = "/"
    response = redirect(address)
    appearance.remember(response, "theme", theme)
    return response
