"""Chunks, their copies, and the nodes these lie on."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.admin import CarefulChangeList
from files.admin.cells import NONE, exact_size, short, size, to_list, to_row
from files.admin.shown import Shown, by_id, chosen
from files.admin.system import figures
from files.content.topology import NodeReport, survey
from files.models import Chunk, Extent, Node, Replica


class NodeFilter(admin.SimpleListFilter):
    """By the names in the table of nodes: asking the chunks which they name would read them all."""

    title = "node"
    parameter_name = "node"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del request, model_admin
        return [
            (name, name) for name in Node.objects.order_by("name").values_list("name", flat=True)
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        return queryset.filter(node=self.value()) if self.value() else queryset


class _CountedPage(CarefulChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = _counted(list(self.result_list))


def _counted(chunks: list[Any]) -> list[Any]:
    """With how many copies each has and whether anything refers to it: asked for the rows of a page
    alone. Joined and grouped, all chunks would be read."""
    ids = [chunk.id for chunk in chunks]
    replicas = Replica.objects.filter(chunk_id__in=ids).order_by().values_list("chunk_id")
    copies = dict(replicas.annotate(count=Count("id")))
    extents = Extent.objects.filter(chunk_id__in=ids).order_by()
    used = set(extents.values_list("chunk_id", flat=True).distinct())
    for chunk in chunks:
        chunk.copy_count = copies.get(chunk.id, 0)
        chunk.used = chunk.id in used
    return chunks


@admin.register(Chunk)
class ChunkAdmin(Shown):
    list_display = (
        "short_key",
        "state",
        "amount",
        "digest",
        "node",
        "copies",
        "is_used",
        "created_at",
    )
    list_filter = ("state", NodeFilter)
    search_help_text = "Id, key or SHA-256."
    fields = (
        "id",
        "key",
        "state",
        "amount_exactly",
        "sha256",
        "node",
        "copies",
        "is_used",
        "created_at",
        "replicas",
        "extents",
    )
    readonly_fields = fields

    def found_by(self, term: str) -> Q:
        return by_id(term) | Q(key=term.lower()) | Q(sha256=term.lower())

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[CarefulChangeList]:
        del request
        return _CountedPage

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        chunk = super().get_object(request, object_id, from_field)
        return _counted([chunk])[0] if chunk else None

    @admin.display(description="key")
    def short_key(self, chunk: Chunk) -> SafeString | str:
        return short(chunk.key)

    @admin.display(description="size")
    def amount(self, chunk: Chunk) -> str:
        return size(chunk.size)

    @admin.display(description="size")
    def amount_exactly(self, chunk: Chunk) -> str:
        return exact_size(chunk.size)

    @admin.display(description="SHA-256")
    def digest(self, chunk: Chunk) -> SafeString | str:
        return short(chunk.sha256)

    def copies(self, chunk: Any) -> int:
        return int(chunk.copy_count)

    @admin.display(description="referred to", boolean=True)
    def is_used(self, chunk: Any) -> bool:
        return bool(chunk.used)

    def replicas(self, chunk: Chunk) -> SafeString:
        return to_list(Replica, "Show its copies", chunk=chunk.id)

    def extents(self, chunk: Chunk) -> SafeString:
        return to_list(Extent, "Show what refers to it", chunk=chunk.id)


@admin.register(Replica)
class ReplicaAdmin(Shown):
    list_display = ("chunk_link", "node", "verified_at", "verified_how", "damaged_at")
    list_filter = (
        ("damaged_at", admin.EmptyFieldListFilter),
        NodeFilter,
        chosen("chunk", Chunk, "chunk"),
    )
    list_select_related = ("chunk",)
    search_help_text = "Id of a copy, or id or key of a chunk."
    fields = ("id", "chunk_link", "node", "verified_at", "verified_how", "damaged_at")
    readonly_fields = fields

    def found_by(self, term: str) -> Q:
        return by_id(term) | by_id(term, "chunk") | Q(chunk__key=term.lower())

    @admin.display(description="chunk")
    def chunk_link(self, replica: Replica) -> SafeString | str:
        return to_row(Chunk, replica.chunk_id, replica.chunk.key)


@admin.register(Node)
class NodeAdmin(Shown):
    """What a node is (where, how much of it, sealed or not) is said in RAPIDSERVE_NODES. Its path
    is not shown: the pages are for people who need no shell.
    """

    list_display = ("name", "state", "free", "chunk_count", "chunk_bytes", "created_at")
    ordering = ("name",)
    search_help_text = "Part of a name, or an id."
    fields = (
        "name",
        "state",
        "free",
        "weight",
        "domain",
        "seals",
        "integrity_mode",
        "admits_pages",
        "probed_at",
        "chunk_count",
        "chunk_bytes",
        "created_at",
        "chunks",
        "replicas",
    )
    readonly_fields = fields

    def found_by(self, term: str) -> Q:
        return by_id(term) | Q(name__contains=term.lower())

    def state(self, node: Node) -> str:
        report = _report(node)
        return report.state if report else "not in RAPIDSERVE_NODES"

    @admin.display(description="free")
    def free(self, node: Node) -> str:
        report = _report(node)
        if report is None or report.free is None:
            return NONE
        return f"{size(report.free)} of {size(report.total)}"

    def weight(self, node: Node) -> str:
        report = _report(node)
        return f"{report.weight:g}" if report else NONE

    def domain(self, node: Node) -> str:
        report = _report(node)
        return report.domain if report else NONE

    @admin.display(description="seals new chunks", boolean=True)
    def seals(self, node: Node) -> bool | None:
        report = _report(node)
        return report.seals if report else None

    @admin.display(description="copies on it")
    def chunk_count(self, node: Node) -> int:
        return figures().on_node(node.name).count

    @admin.display(description="bytes on it")
    def chunk_bytes(self, node: Node) -> str:
        return size(figures().on_node(node.name).size)

    def chunks(self, node: Node) -> SafeString:
        return to_list(Chunk, "Show those first sent to it", node=node.name)

    def replicas(self, node: Node) -> SafeString:
        return to_list(Replica, "Show the copies on it", node=node.name)


def _report(node: Node) -> NodeReport | None:
    return survey().get(node.name)
