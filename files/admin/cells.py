"""What stands in the columns: sizes as people read them, and links from row to row."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Model
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

NONE = "—"


def size(value: int | None) -> str:
    return NONE if value is None else filesizeformat(value)


def exact_size(value: int | None) -> str:
    """For a page of one row: what is read at a glance, and the number itself."""
    return NONE if value is None else f"{filesizeformat(value)} ({value:,} bytes)"


def to_row(model: type[Model], row_id: UUID | None, text: Any) -> SafeString | str:
    """A link to the page of a row. It takes the id, so that the row need not be read."""
    if row_id is None:
        return NONE
    return format_html(
        '<a href="{}">{}</a>', reverse(f"admin:{_name(model)}_change", args=[row_id]), text
    )


def to_list(model: type[Model], text: str, **query: Any) -> SafeString:
    """A link to the rows of a model that a filter leaves."""
    address = f"{reverse(f'admin:{_name(model)}_changelist')}?{urlencode(query)}"
    return format_html('<a href="{}">{}</a>', address, text)


def short(digest: str) -> SafeString | str:
    """The beginning of a hash or key, the whole of it on pointing there."""
    return format_html('<code title="{}">{}…</code>', digest, digest[:12]) if digest else NONE


def _name(model: type[Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"  # noqa: SLF001 - Django's own name for it
