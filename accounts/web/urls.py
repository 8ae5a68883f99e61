"""At the root of the site. Of allauth's pages those that are wanted here, under our addresses."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount import views as linked
from django.urls import URLPattern, path, register_converter
from django.views.decorators.cache import never_cache

from accounts.web import linked as linked_account
from accounts.web import mail, settings, views
from accounts.web.converters import AuthenticatorKey, Base36

register_converter(AuthenticatorKey, "authenticator")
register_converter(Base36, "base36")

SIGNING_IN = [
    path("login", views.SignInView.as_view(), name="login"),
    path("login", views.SignInView.as_view(), name="account_login"),
    path("login/second-step", mfa.authenticate, name="mfa_authenticate"),
    path("login/passkey", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path("login/inactive", account.account_inactive, name="account_inactive"),
    path("login/cancelled", linked.login_cancelled, name="socialaccount_login_cancelled"),
    path("login/<str:provider_id>", linked_account.begin, name="openid_connect_login"),
    path(
        "login/<str:provider_id>/callback", linked_account.come_back, name="openid_connect_callback"
    ),
    path("logout", views.SignOutView.as_view(), name="logout"),
    path("logout", views.SignOutView.as_view(), name="account_logout"),
]
PASSWORDS = [
    path("password/reset", mail.ask_for_password, name="account_reset_password"),
    path("password/reset/sent", account.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/done",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path(
        "password/reset/<base36:uidb36>-<str:key>",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
]
SETTINGS = [
    path("settings", settings.page, name="settings"),
    path("settings/mail", mail.addresses, name="account_email"),
    path(
        "settings/mail/confirm",
        mail.confirm_address,
        name="account_email_verification_sent",
    ),
    path("settings/confirm", account.reauthenticate, name="account_reauthenticate"),
    path("settings/confirm/code", mfa.reauthenticate, name="mfa_reauthenticate"),
    path(
        "settings/confirm/passkey",
        passkeys.reauthenticate_webauthn,
        name="mfa_reauthenticate_webauthn",
    ),
    path("settings/second-step", mfa.index, name="mfa_index"),
    path("settings/second-step/app", views.activate_app, name="mfa_activate_totp"),
    path("settings/second-step/app/remove", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path(
        "settings/second-step/codes",
        recovery_codes.view_recovery_codes,
        name="mfa_view_recovery_codes",
    ),
    path(
        "settings/second-step/codes/new",
        recovery_codes.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        "settings/second-step/codes/download",
        recovery_codes.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    path("settings/passkeys", passkeys.list_webauthn, name="mfa_list_webauthn"),
    path("settings/passkeys/add", passkeys.add_webauthn, name="mfa_add_webauthn"),
    path(
        "settings/passkeys/<authenticator:pk>/remove",
        passkeys.remove_webauthn,
        name="mfa_remove_webauthn",
    ),
    path(
        "settings/passkeys/<authenticator:pk>/edit",
        passkeys.edit_webauthn,
        name="mfa_edit_webauthn",
    ),
    path("settings/linked", linked.connections, name="socialaccount_connections"),
]


def _never_cached(pages: list[URLPattern]) -> list[URLPattern]:
    """What is on them is for one person and one moment: secrets, addresses, who is signed in."""
    for page in pages:
        page.callback = never_cache(page.callback)
    return pages


urlpatterns = [
    *_never_cached(SIGNING_IN + PASSWORDS + SETTINGS),
    path("theme", views.choose_theme, name="theme"),
]
