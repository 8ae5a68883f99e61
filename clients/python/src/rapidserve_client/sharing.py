"""`rapidserve share` and `link`: who may do what with an entry, and public links to it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, time

from rapidserve_client.answers import Entry, Grant, Link
from rapidserve_client.errors import NotFound, UsageError
from rapidserve_client.names import name_key, printable
from rapidserve_client.remote import RemotePath, Tree


def print_access(tree: Tree, path: str, *, as_json: bool) -> None:
    """Who has which role on what is at a path, and from where."""
    found = list(tree.server.access(_entry(tree, path).id))
    if as_json:
        print(json.dumps([_grant_facts(grant) for grant in found], indent=2))
        return
    for grant in found:
        until = f" until {grant.expires_at}" if grant.expires_at else ""
        source = f" (from {printable(grant.source or 'a folder above')})" if grant.inherited else ""
        print(f"{grant.role:<10} {grant.kind:<6} {printable(grant.name)}{until}{source}")


def give(tree: Tree, path: str, name: str, role: str, until: str | None) -> None:
    tree.server.give(_entry(tree, path).id, _subject(tree, name), role, end_of(until))


def take_back(tree: Tree, path: str, name: str) -> None:
    tree.server.take_back(_entry(tree, path).id, _subject(tree, name))


def print_links(tree: Tree, path: str, *, as_json: bool) -> None:
    found = list(tree.server.links(_entry(tree, path).id))
    if as_json:
        print(json.dumps([_link_facts(link) for link in found], indent=2))
        return
    for link in found:
        print(f"{link.id}  {link.role:<8}  {link.url or '(made under another key)'}")


def make_link(
    tree: Tree, path: str, role: str, limits: dict[str, object], *, as_json: bool
) -> None:
    """Prints the address, and nothing else. `limits`: as in the protocol, None for none."""
    set_limits = {name: value for name, value in limits.items() if value is not None}
    link = tree.server.make_link(_entry(tree, path).id, role, set_limits)
    print(json.dumps(_link_facts(link), indent=2) if as_json else link.url)


def end_of(day: str | None) -> str | None:
    """The last moment of a day such as 2026-12-31, in UTC, as the protocol writes it."""
    if day is None:
        return None
    try:
        parsed = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"“{day}” is not a day such as 2026-12-31.") from None
    return f"{datetime.combine(parsed.date(), time(23, 59, 59)).isoformat()}Z"


def _entry(tree: Tree, path: str) -> Entry:
    parsed = RemotePath.parse(path)
    return tree.find(parsed)


def _subject(tree: Tree, name: str) -> str:
    """`user:ID` of who has this user name, or else `group:ID`."""
    for found in tree.server.people(name):
        if name_key(found.name) == name_key(name):
            return f"user:{found.id}"
    for found in tree.server.groups(name):
        if found.name == name:
            return f"group:{found.id}"
    raise NotFound(f"There is nobody called “{name}” on the server.")


def _grant_facts(grant: Grant) -> dict[str, object]:
    return {
        "type": grant.kind,
        "id": grant.id,
        "name": grant.name,
        "role": grant.role,
        "expires_at": grant.expires_at,
        "inherited": grant.inherited,
    }


def _link_facts(link: Link) -> dict[str, object]:
    return {"id": link.id, "url": link.url, "role": link.role}


def refuse_together(given: Sequence[tuple[str, object]]) -> None:
    """UsageError when more than one of these options was given."""
    named = [name for name, value in given if value]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} can't be used together.")
