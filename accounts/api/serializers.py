"""Bodies of the account endpoints: what they take (strict) and what they answer."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts import actions, policy, scopes
from accounts.models import ApiToken, SignIn, User
from accounts.organisation import OrganisationRole
from rapidserve.api.fields import ChoiceField, StrictCharField, StrictIntegerField, StrictListField
from rapidserve.api.serializers import StrictSerializer

MAX_USERNAME_LENGTH = 1024  # before normalising, which may shorten it
MAX_CODE_LENGTH = 40
TEN_YEARS = 10 * 365 * 86_400


class SignInSerializer(StrictSerializer):
    username = StrictCharField(max_length=MAX_USERNAME_LENGTH, code="username_invalid")
    password = StrictCharField(max_length=actions.MAX_PASSWORD_LENGTH, code="password_invalid")
    name = StrictCharField(
        max_length=actions.MAX_TOKEN_NAME_LENGTH,
        code="name_invalid",
        help_text="What the token is for, to tell it from others in the list.",
    )
    scopes = StrictListField(
        child=ChoiceField(choices=scopes.ALL, code="scope_invalid"),
        allow_empty=False,
        code="scope_invalid",
        required=False,
        help_text="What the token may be used for. Without it: everything its user may do.",
    )
    # The base keeps error codes under this name, as a class only.
    code = StrictCharField(  # type: ignore[assignment]
        max_length=MAX_CODE_LENGTH,
        code="code_invalid",
        required=False,
        help_text="Of an authenticator app, or a recovery code, of whoever has a second step.",
    )
    expires_in = StrictIntegerField(
        min_value=60,
        max_value=TEN_YEARS,
        allow_null=True,
        required=False,
        code="expires_in_invalid",
        help_text="Seconds until the token ends. Without it: 90 days. null: never.",
    )


class UserSerializer(serializers.Serializer[User]):
    """A person, as others see him."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField(source="get_full_name")


class GroupSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="pk")
    name = serializers.CharField()


class MeSerializer(UserSerializer):
    """A person, as he sees himself."""

    is_staff = serializers.BooleanField(help_text="May open the administration pages.")
    organisation_role = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    @extend_schema_field(serializers.ChoiceField(choices=[*OrganisationRole]))
    def get_organisation_role(self, user: User) -> str:
        return policy.role_of(user.id)


class TokenSerializer(serializers.Serializer[ApiToken]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=scopes.ALL))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To within a minute.")


class SignInRowSerializer(serializers.Serializer[Any]):
    """A session; `context["current"]` is the id of the one that asks, if one does."""

    id = serializers.UUIDField()
    agent = serializers.CharField(help_text="What the browser calls itself.")
    address = serializers.CharField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(help_text="To within a minute.")
    current = serializers.SerializerMethodField()

    def get_current(self, row: SignIn) -> bool:
        return bool(row.id == self.context["current"])


class NewTokenSerializer(serializers.Serializer[Any]):
    """From an `actions.NewToken`."""

    token = serializers.CharField(source="text", help_text="Shown this once.")
    id = serializers.UUIDField(source="row.id")
    name = serializers.CharField(source="row.name")
    scopes = serializers.ListField(
        source="row.scopes", child=serializers.ChoiceField(choices=scopes.ALL)
    )
    expires_at = serializers.DateTimeField(source="row.expires_at", allow_null=True)
    user = UserSerializer(source="row.user")
