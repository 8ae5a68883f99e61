"""The rows that make up an installation, as lines, and lines as rows.

A line has a row's fields by name; times are cut to milliseconds, which is what both databases keep,
so that the same rows give the same lines on either.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db.models import DateField, Model, QuerySet

from accounts.models import SignIn, User
from accounts.organisation import is_role
from accounts.policy import group_keys
from files.exchange.manifest import PAGE, ExchangeError, Line
from files.models import Chunk, Extent, Import, Node, Replica, Space, Upload, Version
from rapidserve.db import run_atomic

OURS = ("accounts", "files")
# How people sign in, beside their password, and what tells two rows apart.
CREDENTIALS: dict[type[Model], tuple[str, ...]] = {
    EmailAddress: ("user_id", "email"),
    Authenticator: ("user_id", "type", "created_at"),
    SocialAccount: ("provider", "uid"),
}
KEPT_CHUNKS = (Chunk.State.LIVE, Chunk.State.CONDEMNED)


class Kind(Protocol):
    """One file of rows. `pages` reads this installation's; `load` inserts those of a page that are
    not there yet, in a transaction: an import that was broken off goes on where it was.
    """

    label: str
    fields: list[str]

    def pages(self) -> Iterator[list[Line]]: ...

    def load(self, page: list[Line]) -> None: ...


def kinds(*, contents: bool) -> list[Kind]:
    """What is moved. With `contents` the chunks are put on other nodes, so that where they were is
    left out; otherwise the nodes stay what they are, and their rows come along.
    """
    # Sessions stay: people sign in again.
    skipped: set[type[Model]] = {Import, SignIn} | ({Node, Replica} if contents else set())
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    rows: list[Kind] = [
        Rows(model, left_out={"node"} if contents and model is Chunk else set())
        for model in models
        if model not in skipped
    ]
    credentials = [Credentials(model, known_by) for model, known_by in CREDENTIALS.items()]
    return [Groups(), *rows, *credentials, Rights()]


def label_of(model: type[Model]) -> str:
    """The name of a model's file of rows."""
    return model._meta.label_lower  # noqa: SLF001 - Django's documented API for models


class Rows:
    """The rows of one model of ours. `left_out` are fields that the importing side decides."""

    def __init__(self, model: type[Model], *, left_out: set[str]) -> None:
        self.model = model
        self.label = label_of(model)
        self._stored = model._default_manager  # noqa: SLF001 - documented likewise
        self._fields = [
            field
            for field in model._meta.concrete_fields  # noqa: SLF001 - likewise
            if field.attname not in left_out
        ]
        self.fields = [field.attname for field in self._fields]

    def pages(self) -> Iterator[list[Line]]:
        keep = _keepers().get(self.model, list)
        for page in _pages(self._stored.all()):
            if lines := [self._line(row) for row in keep(page)]:
                yield lines

    def load(self, page: list[Line]) -> None:
        run_atomic(lambda: self.insert(self.missing(self.rows(page))))

    def rows(self, page: list[Line]) -> list[Model]:
        try:
            return [self._row(line) for line in page]
        except (ValidationError, KeyError, AttributeError) as error:
            raise ExchangeError(f"The export has a row of {self.label} that is none.") from error

    def missing(self, rows: list[Model]) -> list[Model]:
        """Those that are not there yet."""
        there = self._stored.in_bulk([row.pk for row in rows])
        return [row for row in rows if row.pk not in there]

    def insert(self, rows: list[Model]) -> None:
        """In the caller's transaction. Django puts today's date into some fields of what is new."""
        stamped = {
            field.name: [getattr(row, field.attname) for row in rows]
            for field in self._fields
            if isinstance(field, DateField) and (field.auto_now_add or field.auto_now)
        }
        self._stored.bulk_create(rows)
        for name, values in stamped.items():
            for row, value in zip(rows, values, strict=True):
                setattr(row, name, value)
        if stamped and rows:
            self._stored.bulk_update(rows, list(stamped))

    def _line(self, row: Model) -> Line:
        return {
            field.attname: _told(field.related_model, getattr(row, field.attname))
            for field in self._fields
        }

    def _row(self, line: Line) -> Model:
        return self.model(
            **{field.attname: self._value(field, line[field.attname]) for field in self._fields}
        )

    def _value(self, field: Any, told: Any) -> Any:
        if field.related_model is Permission:
            return _permission(*told.split(".")).pk
        if field.related_model is Group:
            return _group(told).pk
        return field.to_python(told)


class Credentials(Rows):
    """Rows of a library, numbered as a database likes: they are known by what they are of."""

    def __init__(self, model: type[Model], known_by: tuple[str, ...]) -> None:
        super().__init__(model, left_out={"id"})
        self._known_by = known_by

    def missing(self, rows: list[Model]) -> list[Model]:
        def is_there(row: Model) -> bool:
            known = {name: getattr(row, name) for name in self._known_by}
            return bool(self._stored.filter(**known).exists())

        return [row for row in rows if not is_there(row)]


class Groups:
    """Groups, with their permissions by name: a database numbers those as it likes. Those of the
    roles in the organisation are in every installation, made by `migrate`.
    """

    label = "auth.group"
    fields = ["name", "permissions"]

    def pages(self) -> Iterator[list[Line]]:
        groups = [group for group in Group.objects.order_by("name") if not is_role(group.name)]
        yield [
            {"name": group.name, "permissions": _names(group.permissions.all())} for group in groups
        ]

    def load(self, page: list[Line]) -> None:
        def put() -> None:
            for line in page:
                if is_role(line["name"]):  # of before there were roles: its members are none
                    raise ExchangeError("The export was made by another version of RapidServe.")
                group, _ = Group.objects.get_or_create(name=line["name"])
                group.permissions.set(_permissions(line["permissions"]))

        run_atomic(put)


class Rights:
    """Who is in which group, and who has which permission of their own."""

    label = "accounts.user.rights"
    fields = ["id", "groups", "permissions"]

    def pages(self) -> Iterator[list[Line]]:
        for page in _pages(User.objects.all()):
            lines = [
                {
                    "id": str(user.id),
                    "groups": sorted(group.name for group in user.groups.all()),
                    "permissions": _names(user.user_permissions.all()),
                }
                for user in page
            ]
            if given := [line for line in lines if line["groups"] or line["permissions"]]:
                yield given

    def load(self, page: list[Line]) -> None:
        def put() -> None:
            users = User.objects.in_bulk([UUID(line["id"]) for line in page])
            for line in page:
                user = users[UUID(line["id"])]
                _join(user, [_group(name) for name in line["groups"]])
                user.user_permissions.set(_permissions(line["permissions"]))

        run_atomic(put)


def _join(user: User, groups: list[Group]) -> None:
    """Without anybody being told: nothing changes for those who were members all along. A role in
    the organisation takes the place of what `migrate` gave while an import was broken off: a guest
    would be a member as well.
    """
    members, wanted = User.groups.through, {group.pk for group in groups}
    held = members.objects.filter(user_id=user.id)
    roles = set(group_keys().values())
    if not roles.isdisjoint(wanted):
        held.filter(group_id__in=list(roles - wanted)).delete()
    there = set(held.values_list("group_id", flat=True))
    members.objects.bulk_create(
        members(user_id=user.id, group_id=key) for key in wanted if key not in there
    )


def left_out() -> dict[str, int]:
    """What an export leaves behind, and how much of it there is."""
    return {"uploads that are not finished": Upload.objects.filter(state=Upload.State.OPEN).count()}


def _pages(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """In order of the key, a page at a time: no query is open while the caller works."""
    # By the name of a field that refers to another row, it would be joined to that row.
    key = rows.model._meta.pk.attname  # noqa: SLF001 - documented
    rows = rows.order_by(key)
    page = list(rows[:PAGE])
    while page:
        yield page
        page = list(rows.filter(pk__gt=page[-1].pk)[:PAGE])


def _keepers() -> dict[type[Model], Callable[[list[Any]], Sequence[Any]]]:
    """Per model, which rows of a page are exported, and as what. All that belongs to uploads under
    way stays behind: who sends is told so, and sends again.
    """
    return {
        Space: _without_reservations,
        Upload: lambda page: [row for row in page if row.state == Upload.State.COMPLETED],
        Version: lambda page: [row for row in page if row.state == Version.State.COMMITTED],
        Extent: _of_committed_versions,
        Chunk: _needed,
        Replica: _of_needed_chunks,
    }


def _without_reservations(page: list[Space]) -> list[Space]:
    for space in page:
        space.reserved_bytes = 0
    return page


def _of_committed_versions(page: list[Extent]) -> list[Extent]:
    committed = _committed(extent.version_id for extent in page)
    return [extent for extent in page if extent.version_id in committed]


def _needed(page: list[Chunk]) -> list[Chunk]:
    """Without garbage. A claim on a chunk that a file needs is one that a dead collector left."""
    kept = [chunk for chunk in page if chunk.state in KEPT_CHUNKS]
    needed = _needed_ids(chunk.id for chunk in kept)
    for chunk in kept:
        chunk.state, chunk.token = Chunk.State.LIVE, None
    return [chunk for chunk in kept if chunk.id in needed]


def _of_needed_chunks(page: list[Replica]) -> list[Replica]:
    chunks = Chunk.objects.filter(id__in={row.chunk_id for row in page}, state__in=KEPT_CHUNKS)
    needed = _needed_ids(chunks.values_list("id", flat=True))
    return [row for row in page if row.chunk_id in needed]


def _needed_ids(chunk_ids: Iterable[UUID]) -> set[UUID]:
    """Those that a committed version refers to."""
    rows = Extent.objects.filter(chunk_id__in=list(chunk_ids)).values_list("chunk_id", "version_id")
    pairs = set(rows.distinct())
    committed = _committed(version_id for _, version_id in pairs)
    return {chunk_id for chunk_id, version_id in pairs if version_id in committed}


def _committed(version_ids: Iterable[UUID]) -> set[UUID]:
    ids = sorted(set(version_ids))
    found: set[UUID] = set()
    for start in range(0, len(ids), PAGE):
        versions = Version.objects.filter(
            id__in=ids[start : start + PAGE], state=Version.State.COMMITTED
        )
        found |= set(versions.values_list("id", flat=True))
    return found


def _told(kind: Any, value: Any) -> Any:
    """A field's value; what a database numbers as it likes is told by name."""
    if kind is Permission:
        return _names(Permission.objects.filter(pk=value))[0]
    if kind is Group:
        return Group.objects.get(pk=value).name
    return _plain(value)


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    return value


def _names(permissions: QuerySet[Permission]) -> list[str]:
    return sorted(
        f"{each.content_type.app_label}.{each.content_type.model}.{each.codename}"
        for each in permissions.select_related("content_type")
    )


def _permissions(names: list[str]) -> list[Permission]:
    return [_permission(*name.split(".")) for name in names]


def _group(name: str) -> Group:
    found = Group.objects.filter(name=name).first()
    if found is None:
        raise ExchangeError(f"The export has no group {name!r}.")
    return found


def _permission(app_label: str, model: str, codename: str) -> Permission:
    found = Permission.objects.filter(
        content_type__app_label=app_label, content_type__model=model, codename=codename
    ).first()
    if found is None:
        raise ExchangeError(f"There is no permission {app_label}.{codename} here.")
    return found
