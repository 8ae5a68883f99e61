"""Bodies of the files API: what it takes (strict) and what it answers."""

import re
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import UserSerializer
from accounts.models import User
from files.access.actor import Actor
from files.access.policy import Sight, role_in, sights
from files.access.roles import TOLD, Permission, Role
from files.api.fields import (
    ChunksField,
    HashField,
    IndexField,
    NameField,
    SizeField,
    SpaceKindField,
)
from files.content.writer import PAGE
from files.journal.feed import REMOVED
from files.models import Change, Entry, Space, Upload, Version
from rapidserve.api.fields import (
    ChoiceField,
    StrictCharField,
    StrictListField,
    TimestampField,
    UUIDField,
)
from rapidserve.api.schema import ErrorDetailSerializer
from rapidserve.api.serializers import StrictSerializer

MAX_TYPE_LENGTH = 255
CHANGES = [*Change.Type.choices, (REMOVED, REMOVED)]
PERMITTED = [(permission.value, permission.value) for permission in TOLD]
ROLES = [(role.value, role.value) for role in Role]
_CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+([ \t]*;[\x20-\x7e]*)?")


class ContentTypeField(StrictCharField):
    """`type/subtype` with optional parameters (RFC 9110), as a file's owner states it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            code="content_type_invalid", max_length=MAX_TYPE_LENGTH, allow_blank=True, **kwargs
        )

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if value and not _CONTENT_TYPE.fullmatch(value):
            self.fail("invalid")
        return value


class RegisterSerializer(StrictSerializer):
    parent = UUIDField()  # type: ignore[assignment] # DRF takes it off the class
    name = NameField()
    size = SizeField()
    chunks = ChunksField()
    content_type = ContentTypeField(required=False)
    modified_at = TimestampField(required=False, allow_null=True)
    on_conflict = ChoiceField(
        choices=Upload.OnConflict.values, code="on_conflict_invalid", required=False
    )
    if_match = UUIDField(
        required=False, allow_null=True, help_text="The version this one is based on."
    )


class MoreChunksSerializer(StrictSerializer):
    start = IndexField()
    chunks = ChunksField()


class StoredRequestSerializer(StrictSerializer):
    indexes = StrictListField(child=IndexField(), max_length=PAGE)


class PackedFileSerializer(StrictSerializer):
    name = NameField()
    path = NameField(required=False, help_text="Folders below the parent, as in `a/b`.")
    size = SizeField()
    sha256 = HashField()
    content_type = ContentTypeField(required=False)
    modified_at = TimestampField(required=False, allow_null=True)


class PackSerializer(StrictSerializer):
    """The head of a pack."""

    parent = UUIDField()  # type: ignore[assignment] # DRF takes it off the class
    on_conflict = ChoiceField(
        choices=Upload.OnConflict.values, code="on_conflict_invalid", required=False
    )
    files = StrictListField(child=PackedFileSerializer())


class SlotSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    sha256 = serializers.CharField()
    size = serializers.IntegerField()
    state = serializers.ChoiceField(choices=["have", "upload"])
    method = serializers.CharField(allow_null=True)
    url = serializers.CharField(allow_null=True)
    headers = serializers.DictField(child=serializers.CharField(), allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


class UploadSerializer(serializers.Serializer[Any]):
    upload_id = serializers.UUIDField()
    file_id = serializers.UUIDField()
    chunk_size = serializers.IntegerField()
    size = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    chunks = SlotSerializer(many=True)


class UploadPageSerializer(UploadSerializer):
    next = serializers.IntegerField(allow_null=True)


class StoredSerializer(serializers.Serializer[Any]):
    proven = serializers.ListField(child=serializers.IntegerField())
    missing = serializers.ListField(child=serializers.IntegerField())


class FolderSerializer(StrictSerializer):
    parent = UUIDField()  # type: ignore[assignment] # DRF takes it off the class
    name = NameField()
    type = ChoiceField(choices=["folder"])


class ChangeEntrySerializer(StrictSerializer):
    name = NameField(required=False)
    parent = UUIDField(required=False)  # type: ignore[assignment] # DRF takes it off the class


class CopySerializer(StrictSerializer):
    parent = UUIDField()  # type: ignore[assignment] # DRF takes it off the class
    name = NameField(required=False)


def _seen(context: Any) -> dict[UUID, Sight]:
    """How the context's actor sees the entries of an answer, as far as that was asked."""
    seen: dict[UUID, Sight] = context.setdefault("sights", {})
    return seen


def _told_of(person: User, context: Any) -> Any:
    """Visitors of a public link are not told who works here."""
    actor: Actor | None = context.get("actor")
    if actor and actor.through:
        return None
    told = context.setdefault("people", {})  # a page names the same few again and again
    if person.id not in told:
        told[person.id] = UserSerializer(person).data
    return told[person.id]


class EntryListSerializer(serializers.ListSerializer[Any]):
    """A page of entries, whose rights are asked for together."""

    def to_representation(self, data: Any) -> list[Any]:
        entries = list(data)
        _seen(self.context).update(sights(self.context["actor"], entries))
        return super().to_representation(entries)


class EntrySerializer(serializers.Serializer[Any]):
    """An entry as `context["actor"]` sees it."""

    class Meta:
        list_serializer_class = EntryListSerializer

    id = serializers.UUIDField()
    type = serializers.ChoiceField(choices=Entry.Type.choices)
    name = serializers.CharField()
    parent = serializers.SerializerMethodField(  # type: ignore[assignment] # DRF takes it off the class
        help_text="null: the top of a space, or a folder that you may not see."
    )
    space = serializers.UUIDField(source="space_id")
    size = serializers.IntegerField(allow_null=True)
    content_type = serializers.SerializerMethodField()
    content_hash = serializers.SerializerMethodField()
    version = serializers.UUIDField(source="current_version_id", allow_null=True)
    revision = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    modified_at = serializers.DateTimeField()
    modified_by = serializers.SerializerMethodField()
    permissions = serializers.SerializerMethodField()

    def get_content_type(self, entry: Entry) -> str | None:
        return entry.content_type or None

    def get_content_hash(self, entry: Entry) -> str | None:
        return entry.content_hash or None

    @extend_schema_field(UserSerializer(allow_null=True))
    def get_modified_by(self, entry: Entry) -> Any:
        return _told_of(entry.modified_by, self.context)

    def get_parent(self, entry: Entry) -> UUID | None:
        return self._sight(entry).parent

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(choices=PERMITTED)))
    def get_permissions(self, entry: Entry) -> list[Permission]:
        held = self._sight(entry).permissions
        return [permission for permission in TOLD if permission in held]

    def _sight(self, entry: Entry) -> Sight:
        seen = _seen(self.context)
        if entry.id not in seen:
            seen |= sights(self.context["actor"], [entry])
        return seen[entry.id]


class PackResultSerializer(serializers.Serializer[Any]):
    """The entry that was made, or what is wrong with the file."""

    index = serializers.IntegerField()
    file = EntrySerializer(required=False)
    error = ErrorDetailSerializer(required=False)


class PackResultsSerializer(serializers.Serializer[Any]):
    results = PackResultSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class TrashedEntrySerializer(EntrySerializer):
    trashed_at = serializers.DateTimeField()


class VersionSerializer(serializers.Serializer[Any]):
    """A version; `context["current"]` is the id of the file's current one."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    size = serializers.IntegerField()
    content_hash = serializers.CharField()
    content_type = serializers.CharField()
    created_at = serializers.DateTimeField()
    created_by = serializers.SerializerMethodField()
    current = serializers.SerializerMethodField()

    @extend_schema_field(UserSerializer(allow_null=True))
    def get_created_by(self, version: Version) -> Any:
        return _told_of(version.created_by, self.context)

    def get_current(self, version: Version) -> bool:
        return bool(version.id == self.context["current"])


class StatsSerializer(serializers.Serializer[Any]):
    size = serializers.IntegerField()
    uploaded_bytes = serializers.IntegerField()
    deduplicated_bytes = serializers.IntegerField()


class CompletedSerializer(serializers.Serializer[Any]):
    file = EntrySerializer()
    version = VersionSerializer()
    stats = StatsSerializer()


class ManifestChunkSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    sha256 = serializers.CharField()
    size = serializers.IntegerField()
    url = serializers.CharField()


class ManifestSerializer(serializers.Serializer[Any]):
    file_id = serializers.UUIDField()
    version_id = serializers.UUIDField()
    name = serializers.CharField()
    size = serializers.IntegerField()
    content_type = serializers.CharField()
    content_hash = serializers.CharField()
    chunk_size = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    chunks = ManifestChunkSerializer(many=True)
    next = serializers.IntegerField(allow_null=True)


class NewSpaceSerializer(StrictSerializer):
    name = NameField()
    kind = SpaceKindField()


class RenameSpaceSerializer(StrictSerializer):
    name = NameField()


class SpaceSerializer(serializers.Serializer[Any]):
    """A space as `context["actor"]` sees it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Space.Kind.values)
    root = serializers.UUIDField()  # type: ignore[assignment] # DRF takes it off the class
    role = serializers.SerializerMethodField()
    quota_bytes = serializers.IntegerField(allow_null=True)
    used_bytes = serializers.IntegerField()
    stored_bytes = serializers.IntegerField()

    def get_role(self, space: Space) -> Role | None:
        return role_in(self.context["actor"], space)


class ChangeSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    type = serializers.ChoiceField(choices=CHANGES)
    entry = serializers.UUIDField()
    entry_type = serializers.ChoiceField(choices=Entry.Type.choices)
    parent = serializers.UUIDField(allow_null=True)  # type: ignore[assignment] # DRF takes it off the class
    name = serializers.CharField()
    actor = UserSerializer(allow_null=True)
    at = serializers.DateTimeField()


class ChangesSerializer(serializers.Serializer[Any]):
    results = ChangeSerializer(many=True)
    cursor = serializers.CharField()
    has_more = serializers.BooleanField()
