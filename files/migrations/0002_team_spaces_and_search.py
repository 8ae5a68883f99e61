"""Team spaces, what a search compares, and what each space stores as a number of its own."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from files.names import name_key, search_key

PAGE = 1000


def pages(rows):
    """In order of id: however many there are, only one page is held."""
    after = uuid.UUID(int=0)
    while page := list(rows.filter(id__gt=after).order_by("id")[:PAGE]):
        yield page
        after = page[-1].id


def fill_keys(apps, schema_editor):
    Entry = apps.get_model("files", "Entry")
    for page in pages(Entry.objects.only("name")):
        for entry in page:
            entry.search_key = search_key(entry.name)
        Entry.objects.bulk_update(page, ["search_key"])


def fill_spaces(apps, schema_editor):
    Space, Extent = apps.get_model("files", "Space"), apps.get_model("files", "Extent")
    for space in Space.objects.order_by("id"):
        extents = Extent.objects.filter(space_id=space.id, version__state="committed")
        chunks = extents.values("chunk_id").annotate(size=models.Max("chunk__size"))
        space.stored_bytes = chunks.aggregate(total=models.Sum("size"))["total"] or 0
        space.name_key = name_key(space.name)
        space.save(update_fields=["stored_bytes", "name_key"])


class Migration(migrations.Migration):
    dependencies = [
        ("files", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="entry",
            name="search_key",
            field=models.CharField(default="", max_length=2048),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="space",
            name="live",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="space",
            name="name_key",
            field=models.CharField(default="", max_length=1024),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="space",
            name="stored_bytes",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="space",
            name="kind",
            field=models.CharField(
                choices=[("personal", "Personal"), ("team", "Team")], max_length=16
            ),
        ),
        migrations.RunPython(fill_keys, migrations.RunPython.noop),
        migrations.RunPython(fill_spaces, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="extent",
            name="chunk",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="extents",
                to="files.chunk",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["space", "live", "search_key", "id"], name="entry_search"),
        ),
        migrations.AddIndex(
            model_name="extent",
            index=models.Index(fields=["chunk", "space", "version"], name="extent_by_chunk"),
        ),
        migrations.AddConstraint(
            model_name="space",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "team"), ("live", True)),
                fields=("owner", "name_key"),
                name="space_team_name_unique",
            ),
        ),
    ]
