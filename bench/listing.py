"""How long the first page of a folder of 10,000 entries takes for somebody with mixed rights in it.
Prints milliseconds.

Looks inside, as bench.lookups does: the entries are put into the database directly. Runs on the
installation that the settings name, which must be new: bench.databases starts it.
"""

import json
import statistics
import sys
import time

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - after Django is set up
from django.test import Client  # noqa: E402 - likewise

from accounts.actions import create_user  # noqa: E402 - likewise
from accounts.models import User  # noqa: E402 - likewise
from files.access import rights  # noqa: E402 - likewise
from files.access.actor import Actor  # noqa: E402 - likewise
from files.access.roles import Role  # noqa: E402 - likewise
from files.actions.tree import create_folder  # noqa: E402 - likewise
from files.models import Entry, Space, UserGrant  # noqa: E402 - likewise
from files.names import keys_of  # noqa: E402 - likewise
from rapidserve.db import current_time  # noqa: E402 - likewise

ENTRIES = 10_000
SHOWN = 100
ROUNDS = 15


def main() -> int:
    call_command("migrate", interactive=False, verbosity=0)
    owner, guest = (
        create_user(username=name, password="for the bench only")  # noqa: S106 - lives shortly
        for name in ("owner", "guest")
    )
    folder = _fill(owner, guest)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(guest)
    taken = [_milliseconds(client, folder) for _ in range(ROUNDS + 1)][1:]
    print(json.dumps({"page": statistics.median(taken)}))
    return 0


def _fill(owner: User, guest: User) -> Entry:
    """A folder that the guest may look at; every second entry in it he may edit."""
    space = Space.objects.get(owner=owner)
    folder = create_folder(actor=Actor(owner), parent_id=space.root, name="shared")
    now = current_time()
    entries = Entry.objects.bulk_create(
        Entry(
            space=space,
            parent=folder,
            type=Entry.Type.FILE,
            **keys_of(f"file {number:05}"),
            size=number,
            created_at=now,
            created_by=owner,
            modified_at=now,
            modified_by=owner,
        )
        for number in range(ENTRIES)
    )
    roles = {folder.id: Role.PREVIEWER} | {entry.id: Role.EDITOR for entry in entries[::2]}
    UserGrant.objects.bulk_create(
        UserGrant(
            user=guest,
            content_object_id=entry_id,
            permission_id=rights.permission_for(role),
            granted_at=now,
            granted_by=owner,
        )
        for entry_id, role in roles.items()
    )
    return folder


def _milliseconds(client: Client, folder: Entry) -> float:
    """With nothing remembered of anybody's rights."""
    rights.changed()
    began = time.perf_counter()
    answer = client.get(f"/api/files/{folder.id}/children")
    taken = 1000 * (time.perf_counter() - began)
    rows = answer.json()["results"]
    edited = [row for row in rows if "edit" in row["permissions"]]
    if (len(rows), len(edited)) != (SHOWN, SHOWN // 2):
        sys.exit("bench: this is not the page that was to be measured.")
    return taken


if __name__ == "__main__":
    sys.exit(main())
