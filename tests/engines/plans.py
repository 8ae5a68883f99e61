"""How the database answers a query: which indexes it uses, what it reads whole, what it sorts.

The same questions to SQLite (EXPLAIN QUERY PLAN) and to MongoDB (explain).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.engines.undo import ON_MONGODB

READS = {"aggregate", "update", "delete"}  # all that the backend sends
# What a driver adds to a command, and explain does not take.
ENVELOPE = {"lsid", "$db", "txnNumber", "startTransaction", "autocommit", "$clusterTime"}
ENVELOPE |= {"$readPreference", "readConcern", "writeConcern", "ordered"}
# A lookup by the key needs no index of another name.
# Plans that lost, what tells the same a second time, and the question itself.
NO_PLANS = {"rejectedPlans", "executionStages", "command"}
BY_KEY = {"IDHACK", "EXPRESS_IDHACK", "CLUSTERED_IXSCAN"}


@dataclass
class Plan:
    """Of one query on one table. `scans`: what is read whole; `joins`: other tables it asks for
    each row; `rows`: how many it found (MongoDB only)."""

    table: str
    query: str
    indexes: list[str] = field(default_factory=list)
    scans: list[str] = field(default_factory=list)
    sorts: bool = False
    joins: list[str] = field(default_factory=list)
    rows: int = 0
    is_limited: bool = False


def plans_of(read: Callable[[], object], *tables: str) -> list[Plan]:
    """A plan for each query that `read` makes, on these tables only if there are any."""
    plans = list(_on_mongodb(read) if ON_MONGODB else _on_sqlite(read))
    chosen = [plan for plan in plans if not tables or plan.table in tables]
    assert chosen, f"no query on {tables}"
    return chosen


def _on_sqlite(read: Callable[[], object]) -> Iterator[Plan]:
    with CaptureQueriesContext(connection) as seen:
        read()
    for each in seen.captured_queries:
        sql = each["sql"]
        table = re.search(r'(?:FROM|UPDATE) "(\w+)"', sql)
        if table is None or sql.startswith("INSERT"):
            continue
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + sql.replace("%", "%%"))
            steps = [str(row[3]) for row in cursor.fetchall()]
        yield Plan(
            table[1],
            sql,
            indexes=[name for step in steps for name in re.findall(r"^SEARCH.* INDEX (\w+)", step)],
            scans=[step for step in steps if re.match(r"SCAN (?!CONSTANT|\d)", step)],
            sorts=any("TEMP B-TREE FOR ORDER BY" in step for step in steps),
            is_limited="LIMIT" in sql,
        )


def _on_mongodb(read: Callable[[], object]) -> Iterator[Plan]:
    from tests.engines.commands import watched  # noqa: PLC0415 - listens from its import on

    commands: list[dict[str, Any]] = []

    def note(event: Any) -> None:
        if event.command_name in READS:
            commands.append(dict(event.command))

    with watched(note):
        read()
    for command in commands:
        yield from _plans_of_command(command)


def _plans_of_command(command: dict[str, Any]) -> Iterator[Plan]:
    name = next(iter(command))
    table = command[name]
    asked = {key: value for key, value in command.items() if key not in ENVELOPE}
    for part in _parts(name, asked):
        answer = connection.database.command("explain", part, verbosity="executionStats")
        plan = Plan(table, str(part))
        plan.joins = [
            stage["$lookup"]["from"] for stage in part.get("pipeline", []) if "$lookup" in stage
        ]
        plan.is_limited = any("$limit" in stage for stage in part.get("pipeline", []))
        _read_stages(answer, plan)
        yield plan


def _parts(name: str, command: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """explain takes one update or delete at a time."""
    several = {"update": "updates", "delete": "deletes"}.get(name)
    if several is None:
        yield command
        return
    for each in command[several]:
        yield command | {several: [each]}


def _read_stages(answer: Any, plan: Plan) -> None:
    """Through all of an answer, whose shape differs from one version and command to another."""
    for node in _nodes(answer):
        stage = node.get("stage")
        if stage == "COLLSCAN":
            plan.scans.append(stage)
        if stage in BY_KEY:
            plan.indexes.append("_id_")
        if "indexName" in node:
            plan.indexes.append(node["indexName"])
        plan.sorts = plan.sorts or stage == "SORT" or "$sort" in node
        plan.rows += node.get("executionStats", {}).get("nReturned", 0)


def _nodes(answer: Any) -> Iterator[dict[str, Any]]:
    """Every document in it that tells of the plan."""
    if isinstance(answer, dict):
        yield answer
    for key, value in answer.items() if isinstance(answer, dict) else enumerate(answer):
        if isinstance(value, dict | list) and key not in NO_PLANS:
            yield from _nodes(value)
