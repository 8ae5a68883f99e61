"""Administration of how people sign in: addresses of mail, second steps, accounts elsewhere.

Whoever can change these can become that person, so only owners may; auditors and admins look.
"""

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts import actions
from accounts.admin.site import LookedAt, asker

for model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(model)


class CredentialAdmin(LookedAt):
    """To see, and to take away from somebody who lost it. Nothing of it is ever changed."""

    list_select_related = ("user",)
    ordering = ("-pk",)
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del obj
        return request.user.is_active and asker(request).is_superuser

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        actions.take_away(obj, by=asker(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_model(request, row)


@admin.register(Authenticator)
class AuthenticatorAdmin(CredentialAdmin):
    """For whoever lost their telephone: with the second step away, the password is enough."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("user__username_key",)
    search_help_text = "Part of a person's user name."
    fields = readonly_fields = ("user", "type", "created_at", "last_used_at")


@admin.register(SocialAccount)
class LinkedAccountAdmin(CredentialAdmin):
    list_display = ("user", "provider", "uid", "date_joined", "last_login")
    search_fields = ("user__username_key", "uid")
    search_help_text = "Part of a person's user name, or of what the provider calls them."
    fields = readonly_fields = ("user", "provider", "uid", "date_joined", "last_login")


class AddressForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs only
    class Meta:
        model = EmailAddress
        fields = ("user", "email")

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        if EmailAddress.objects.filter(email=email).exists():
            raise ValidationError("Somebody already has this address.")
        return email


@admin.register(EmailAddress)
class AddressAdmin(CredentialAdmin):
    """One that is entered here counts as proven: see that it is theirs."""

    form = AddressForm
    list_display = ("email", "user", "primary")
    search_fields = ("email", "user__username_key")
    search_help_text = "Part of an address, or of a person's user name."
    autocomplete_fields: ClassVar = ["user"]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del obj
        return self.has_delete_permission(request)

    def save_model(self, request: HttpRequest, obj: EmailAddress, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        del form, change
        actions.add_address(address=obj, by=asker(request))
