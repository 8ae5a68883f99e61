"""Signing in and out, without JavaScript."""

from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpResponse

from accounts.web.forms import SignInForm


class SignInView(auth_views.LoginView):
    """Afterwards to `next`, when that is on this host, else to the files."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        if isinstance(form, SignInForm) and form.wait is not None:
            response.status_code = 429
            response["Retry-After"] = str(form.wait)
        return response


class SignOutView(auth_views.LogoutView):
    """By POST only: a picture on another site must not be able to sign people out."""
