"""/api/files/{id}/access: who has which role on an entry, and why; giving and taking back."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from drf_spectacular.utils import (
    OpenApiParameter,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import scopes
from accounts.api.serializers import UserSerializer
from accounts.authentication import MayUseFiles, require_scope
from accounts.models import User
from files.access import listing
from files.access.actor import Actor
from files.access.audience import (
    PEOPLE_AT_MOST,
    Reason,
    audience,
    reasons,
    reasons_for,
    visible_sources,
)
from files.access.lookup import entry_for
from files.access.policy import permissions
from files.access.roles import PERMISSIONS, RANK, TOLD, Permission, Role
from files.actions import sharing
from files.api.entries import ENTRY_ID
from files.api.requests import actor_of, id_in, is_asked
from files.api.serializers import PERMITTED, ROLES, EntrySerializer
from files.models import Entry
from rapidserve.api.fields import ChoiceField, TimestampField, parse_id
from rapidserve.api.pagination import PAGE_PARAMETERS, page_of, page_serializer, read_page
from rapidserve.api.schema import errors
from rapidserve.api.serializers import StrictSerializer
from rapidserve.db import current_time
from rapidserve.errors import NotFound

SUBJECT = OpenApiParameter(
    "subject", str, OpenApiParameter.PATH, description="`user:ID` or `group:ID`."
)
DRY_RUN = OpenApiParameter(
    "dry_run", bool, description="1: change nothing, and say who would gain and who would lose."
)


class Why(StrEnum):
    """Why somebody can, or can't, see an entry."""

    OWNER = "owner"
    GRANTED = "granted"
    EXPIRED = "expired"  # all that was granted
    NOTHING_GRANTED = "nothing_granted"
    DEACTIVATED = "deactivated"


class RoleSerializer(StrictSerializer):
    role = ChoiceField(choices=ROLES, code="role_invalid")
    expires_at = TimestampField(required=False, allow_null=True)


class SubjectSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["user", "group"])
    id = serializers.CharField()
    name = serializers.CharField()


class SourceSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(allow_null=True)


class GrantSerializer(serializers.Serializer[Any]):
    """A reason; `context` has the entry asked about, and the folders above that may be named."""

    subject = SubjectSerializer()
    role = serializers.ChoiceField(choices=ROLES)
    expires_at = serializers.DateTimeField(allow_null=True)
    expired = serializers.SerializerMethodField()
    inherited_from = serializers.SerializerMethodField()

    def get_expired(self, reason: Reason) -> bool:
        return not reason.counts(current_time())

    @extend_schema_field(SourceSerializer(allow_null=True))
    def get_inherited_from(self, reason: Reason) -> dict[str, Any] | None:
        if reason.source == self.context["entry"].id:
            return None
        source = self.context["sources"].get(reason.source)
        return {"id": source.id, "name": source.name} if source else {"id": None, "name": None}


class PersonAccessSerializer(serializers.Serializer[Any]):
    user = UserSerializer()
    role = serializers.ChoiceField(choices=ROLES)
    reasons = GrantSerializer(many=True)


class AccessListSerializer(serializers.Serializer[Any]):
    results = GrantSerializer(many=True)
    people = PersonAccessSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class ExplainedSerializer(serializers.Serializer[Any]):
    """`why`: the last word on it. Reasons that don't count (expired) are listed as well."""

    user = UserSerializer()
    role = serializers.ChoiceField(choices=ROLES, allow_null=True)
    permissions = serializers.ListField(child=serializers.ChoiceField(choices=PERMITTED))
    reasons = GrantSerializer(many=True)
    why = serializers.ChoiceField(choices=[*Why])


class ShiftSerializer(serializers.Serializer[Any]):
    user = UserSerializer()
    before = serializers.ChoiceField(choices=ROLES, allow_null=True)
    after = serializers.ChoiceField(choices=ROLES, allow_null=True)


class ForeseenSerializer(serializers.Serializer[Any]):
    """`gains`: those who may do more afterwards than before; `loses`: those who may do less."""

    gains = ShiftSerializer(many=True)
    loses = ShiftSerializer(many=True)


def _either(name: str, *kinds: type[serializers.Serializer[Any]]) -> PolymorphicProxySerializer:
    """For the documentation: one of these, by what was asked."""
    return PolymorphicProxySerializer(
        component_name=name, serializers=list(kinds), resource_type_field_name=None
    )


class AccessView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="list_access",
        parameters=[
            ENTRY_ID,
            OpenApiParameter("user", str, description="Explain what just this person may do."),
            *PAGE_PARAMETERS,
        ],
        responses={
            200: _either("Access", AccessListSerializer, ExplainedSerializer),
            **errors(400, 401, 403, 404, 422),
        },
    )
    def get(self, request: Request, entry_id: str) -> Response:
        """Who has which role here, and from where. For those who may share; what you may do
        yourself you can ask with `user`, which answers as `Explained`.
        """
        actor = actor_of(request)
        asked = id_in(request, "user")
        own = asked == actor.id
        entry = entry_for(actor, parse_id(entry_id), Permission.VIEW if own else Permission.SHARE)
        given = reasons(entry)
        context = {"entry": entry, "sources": visible_sources(actor, entry, given)}
        if asked:
            return Response(_explained(asked, entry, given, context))
        shown, more = read_page(
            request.query_params,
            f"access.{entry.id}",
            lambda after, limit: list(enumerate(given))[after[0] if after else 0 :][:limit],
            lambda numbered: [numbered[0] + 1],
        )
        people = audience(given)[:PEOPLE_AT_MOST]
        answer = page_of(_lines([reason for _, reason in shown], context), more)
        return Response(
            answer | {"people": PersonAccessSerializer(people, many=True, context=context).data}
        )


class GrantView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="give_role",
        parameters=[ENTRY_ID, SUBJECT, DRY_RUN],
        request=RoleSerializer,
        responses={
            200: _either("GrantOrForeseen", GrantSerializer, ForeseenSerializer),
            **errors(400, 401, 403, 404, 409, 415, 422, 503),
        },
    )
    def put(self, request: Request, entry_id: str, subject: str) -> Response:
        """Give a person or group a role here and below, in place of the one they had here."""
        parsed, who = parse_id(entry_id), _subject(subject)
        asked = RoleSerializer.checked(request.data)
        require_scope(request, scopes.FILES_READ)  # whoever may not read lets nobody else read
        actor, role, end = actor_of(request), Role(asked["role"]), asked.get("expires_at")
        if is_asked(request, "dry_run"):
            return _foreseen(
                sharing.foresee(
                    actor=actor, entry_id=parsed, subject=who, role=role, expires_at=end
                )
            )
        given = sharing.give_role(
            actor=actor,
            entry_id=parsed,
            subject=who,
            role=role,
            expires_at=end,
        )
        entry = Entry(id=parsed)
        return Response(GrantSerializer(given, context={"entry": entry, "sources": {}}).data)

    @extend_schema(
        operation_id="withdraw_role",
        parameters=[ENTRY_ID, SUBJECT, DRY_RUN],
        responses={204: None, 200: ForeseenSerializer, **errors(401, 403, 404, 409, 422, 503)},
    )
    def delete(self, request: Request, entry_id: str, subject: str) -> Response:
        """Take back what was given here. Everybody may give up a role of their own."""
        parsed, who, actor = parse_id(entry_id), _subject(subject), actor_of(request)
        if is_asked(request, "dry_run"):
            return _foreseen(sharing.foresee(actor=actor, entry_id=parsed, subject=who, role=None))
        sharing.withdraw_role(actor=actor, entry_id=parsed, subject=who)
        return Response(status=204)


class SharedView(APIView):
    permission_classes = (MayUseFiles,)

    @extend_schema(
        operation_id="list_shared",
        parameters=PAGE_PARAMETERS,
        responses={200: page_serializer(EntrySerializer), **errors(400, 401, 403, 422)},
    )
    def get(self, request: Request) -> Response:
        """What others have shared with you by itself, by name. Spaces are at `/api/spaces`."""
        actor = actor_of(request)
        shown, more = read_page(
            request.query_params,
            "shared",
            lambda after, limit: listing.shared(
                actor, (after[0], parse_id(after[1])) if after else None, limit
            ),
            lambda entry: [entry.name_key, str(entry.id)],
        )
        results = EntrySerializer(shown, many=True, context={"actor": actor}).data
        return Response(page_of(results, more))


def _subject(text: str) -> tuple[str, str]:
    """NotFound for what names nobody: `user:` and `group:` do."""
    kind, colon, subject_id = text.partition(":")
    if not colon or kind not in {"user", "group"}:
        raise NotFound
    return kind, str(parse_id(subject_id)) if kind == "user" else subject_id


def _lines(given: Sequence[Reason], context: dict[str, Any]) -> Any:
    return GrantSerializer(given, many=True, context=context).data


def _explained(
    user_id: UUID, entry: Entry, given: Sequence[Reason], context: dict[str, Any]
) -> dict[str, Any]:
    user = User.objects.filter(id=user_id).first()
    if user is None:
        raise NotFound
    theirs = reasons_for(user, given)
    held = permissions(Actor(user), entry)
    return {
        "user": UserSerializer(user).data,
        "role": next((role for role in Role if PERMISSIONS[role] == held), None),
        "permissions": [each for each in TOLD if each in held],
        "reasons": _lines(theirs, context),
        "why": _why(user, theirs),
    }


def _why(user: User, theirs: Sequence[Reason]) -> Why:
    now = current_time()
    if not user.is_active:
        return Why.DEACTIVATED
    if any(reason.role == Role.OWNER for reason in theirs):
        return Why.OWNER
    if any(reason.counts(now) for reason in theirs):
        return Why.GRANTED
    return Why.EXPIRED if theirs else Why.NOTHING_GRANTED


def _foreseen(shifts: Sequence[sharing.Shift]) -> Response:
    def is_gain(shift: sharing.Shift) -> bool:
        if shift.before is None or shift.after is None:
            return shift.before is None
        return RANK[shift.after] > RANK[shift.before]

    gains = [shift for shift in shifts if is_gain(shift)]
    loses = [shift for shift in shifts if not is_gain(shift)]
    return Response(ForeseenSerializer({"gains": gains, "loses": loses}).data)
