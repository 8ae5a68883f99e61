from typing import Any

from django.db import migrations

ROLES = ("admin", "auditor", "member", "guest")


def set_aside(apps: Any, schema_editor: Any) -> None:
    """Groups that were called like the roles before there were any keep their members and what
    they were given, under another name: nobody becomes an admin by an old group."""
    del schema_editor
    groups = apps.get_model("auth", "Group").objects
    for group in groups.filter(name__in=ROLES):
        name, number = f"{group.name} (group)", 1
        while groups.filter(name=name).exists():
            number += 1
            name = f"{group.name} (group {number})"
        groups.filter(pk=group.pk).update(name=name)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_sign_ins")]
    operations = [
        migrations.AlterModelOptions(
            name="user",
            options={
                "permissions": [
                    ("find_people", "Find people and groups"),
                    ("share_files", "Share, with a role that allows it"),
                ]
            },
        ),
        migrations.RunPython(set_aside, migrations.RunPython.noop),
    ]
