"""An installation with something to show: people, a team's space, a film project, a full trash.

Made over the API but for what it can't tell: who changed something and when is written into the
database. Large files repeat one chunk, so that gigabytes cost a few megabytes and a few seconds.
"""

import contextlib
import hashlib
import os
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import httpx2

from tests.crash.client import Program
from tests.e2e.conftest import Server, run_manage
from tests.e2e.visitor import CHUNK

MEGABYTE, GIGABYTE = 2**20, 2**30
QUOTA = 64 * GIGABYTE
LONG = "Interview with the harbour master, second camera, take 3 before the rain – do not use.mov"
ODD_NAMES = (
    "x" * 120 + ".txt",  # nowhere to break
    "تقرير نهائي عن الميناء.pdf",
    "גרסה אחרונה (2).docx",
    "東京 ロケ地の写真と許可証.zip",
    "👩‍🚀 crew.png",
    "<b>not bold & “quoted”.html",
)


@dataclass(frozen=True)
class Demo:
    """Ids of folders: of the film project, one with names that need care, an empty one, one of many
    entries, and one to put more into. `team`: of a space, whose top is `team_root`; `full_team`: of
    one that is not empty. `links`: addresses of public links.
    """

    film: str
    odd: str
    empty: str
    many: str
    rushes: str
    team: str
    team_root: str
    full_team: str
    links: dict[str, str]


@dataclass(frozen=True)
class File:
    """`at`: days ago, and the time of that day."""

    name: str
    size: int
    at: tuple[int, time]
    by: str = "alice"
    versions: int = 1


FOLDERS = (
    ("Field recordings", 12, (0, time(9, 41)), "mara"),
    ("Contracts 2026", 48, (1, time(17, 5)), "alice"),
    ("Ōsaka shoot", 104, (7, time(11, 30)), "kenji"),
)
FILES = (
    File("harbour-dawn.heic", int(8.4 * MEGABYTE), (0, time(10, 2))),
    File("interview-cut-07.mp4", int(2.31 * GIGABYTE), (0, time(8, 15)), "mara", versions=7),
    File("Budget Q4 – final (really).xlsx", 312 * 1024, (5, time(16, 40)), "kenji", versions=4),
    File("thesis.pdf", int(14.9 * MEGABYTE), (13, time(12)), versions=3),
    File("notes.md", 4198, (16, time(12)), versions=5),
    File("rain on the roof.flac", int(61.2 * MEGABYTE), (20, time(12)), "kenji"),
    File("rushes.zip", int(1.07 * GIGABYTE), (290, time(12)), "mara"),
    File("sensor-log-2026-11.csv", 641 * MEGABYTE, (22, time(12))),
    File(LONG, int(3.4 * MEGABYTE), (0, time(7, 30)), "kenji"),
)


def furnish(server: Server) -> Demo:
    program = Program(server.url)
    mara = _newcomer(server, "mara")
    _newcomer(server, "kenji")
    studio, team = (
        program.call("POST", "/api/spaces", {"name": name, "kind": "team"})
        for name in ("Studio North", "Field team")
    )
    maker = Maker(program, server)
    projects = maker.folder("Projects", program.root)
    maker.folder("Call sheets", studio["root"])
    demo = Demo(
        film=maker.film(projects),
        odd=maker.odd(projects),
        empty=maker.folder("Ideas for spring", projects),
        many=maker.many(projects),
        rushes=maker.folder("Rushes", projects),
        team=team["id"],
        team_root=team["root"],
        full_team=studio["id"],
        links={},
    )
    maker.trash(projects)
    maker.set_quota()
    _share(program, projects, "mara", {"role": "viewer"})
    _share(program, demo.film, "mara", {"role": "editor"})
    _share(program, demo.film, "kenji", {"role": "viewer", "expires_at": "2031-03-31T23:59:59Z"})
    for name, entry, body in (
        ("folder", demo.film, {"role": "download"}),
        ("secret", demo.film, {"role": "download", "password": "harbour"}),
        ("drop", demo.rushes, {"role": "upload"}),
    ):
        demo.links[name] = program.call("POST", f"/api/files/{entry}/links", body)["url"]
    for name in ("Scores", "Lighthouse keepers – research"):
        body = {"parent": mara.root, "name": name, "type": "folder"}
        made = mara.call("POST", "/api/files", body)["id"]
        _share(mara, made, "alice", {"role": "viewer" if name == "Scores" else "editor"})
    return demo


def _newcomer(server: Server, name: str) -> Program:
    """Another person, signed in."""
    made = run_manage(
        server.home, "create_user", name, "--generate", "--display-name", name.title()
    )
    assert made.returncode == 0, made.stderr
    password = made.stdout.partition("Password: ")[2].strip()
    body = {"username": name, "password": password, "name": "demo"}
    answer = httpx2.post(f"{server.url}/api/auth/token", json=body)
    return Program(server.url, token=answer.json()["token"])


def _share(program: Program, entry: str, name: str, body: dict[str, str]) -> None:
    [person, *_] = program.call("GET", f"/api/users?q={name}")["results"]
    program.call("PUT", f"/api/files/{entry}/access/user:{person['id']}", body)


class Maker:
    """Makes what `furnish` lists."""

    def __init__(self, program: Program, server: Server) -> None:
        self._program = program
        self._database = server.home / "rapidserve.sqlite3"
        self._chunk = os.urandom(CHUNK)
        self._specs = _Specs(self._chunk)

    def folder(self, name: str, parent: str) -> str:
        body = {"parent": parent, "name": name, "type": "folder"}
        made: str = self._program.call("POST", "/api/files", body)["id"]
        return made

    def film(self, parent: str) -> str:
        film = self.folder("Harbour film", parent)
        for name, items, at, by in FOLDERS:
            folder = self.folder(name, film)
            self._program.pack(
                [(f"{number:03}.wav", os.urandom(20)) for number in range(items)], parent=folder
            )
            self._date(folder, at, by)
        for file in FILES:
            for _ in range(file.versions):
                made = self.file(file.name, file.size, film)
            self._date(made, file.at, file.by)
        return film

    def odd(self, parent: str) -> str:
        odd = self.folder("Names from everywhere, and a folder whose own name is long", parent)
        for name in ODD_NAMES:
            self.file(name, 1000 + len(name), odd)
        self.folder("y" * 100, odd)
        return odd

    def many(self, parent: str) -> str:
        many = self.folder("Many", parent)
        names = [f"IMG_{number:04}.jpg" for number in range(120)]
        self._program.pack([(name, os.urandom(90)) for name in names], parent=many)
        return many

    def trash(self, parent: str) -> None:
        for name, size, days in (("old cut.mov", GIGABYTE, 2), ("draft.md", 900, 12)):
            entry = self.file(name, size, parent)
            self._program.call("DELETE", f"/api/files/{entry}")
            moment = _moment((days, time(15, 20)))
            self._write(
                "UPDATE files_entry SET trashed_at = ? WHERE _id = ?", moment, UUID(entry).hex
            )

    def file(self, name: str, size: int, parent: str) -> str:
        """Begins with bytes of its own, so that every call makes a version."""
        first = (os.urandom(16) + self._chunk)[: min(size, CHUNK)]
        rest = [min(CHUNK, size - start) for start in range(CHUNK, size, CHUNK)]
        specs = [_spec(first), *(self._specs[length] for length in rest)]
        upload, slots = self._program.announce(name, size, specs, parent=parent)
        for slot in slots:
            if slot["state"] == "upload":
                index = slot["index"]
                self._program.put(slot, self._chunk[: rest[index - 1]] if index else first)
        return self._program.complete(upload)

    def set_quota(self) -> None:
        space = self._program.call("GET", "/api/spaces")["results"][0]["id"]
        self._write("UPDATE files_space SET quota_bytes = ? WHERE _id = ?", QUOTA, UUID(space).hex)

    def _date(self, entry: str, at: tuple[int, time], by: str) -> None:
        """Say who changed it last, and when."""
        person = "(SELECT _id FROM accounts_user WHERE username = ?)"
        self._write(
            f"UPDATE files_entry SET modified_at = ?, modified_by_id = {person} WHERE _id = ?",  # noqa: S608 - our own words
            _moment(at),
            by,
            UUID(entry).hex,
        )

    def _write(self, statement: str, *values: object) -> None:
        with contextlib.closing(sqlite3.connect(self._database, timeout=60)) as database, database:
            changed = database.execute(statement, values).rowcount
        assert changed == 1, statement


class _Specs(dict[int, dict[str, Any]]):
    """What an upload says of the beginning of one chunk, by its length."""

    def __init__(self, chunk: bytes) -> None:
        self._chunk = chunk

    def __missing__(self, length: int) -> dict[str, Any]:
        self[length] = _spec(self._chunk[:length])
        return self[length]


def _spec(chunk: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(chunk).hexdigest(), "size": len(chunk)}


def _moment(at: tuple[int, time]) -> str:
    """As the database has it: UTC, which is the time zone of the pictures, too."""
    days, clock = at
    day = datetime.now(tz=UTC).date() - timedelta(days=days)
    return f"{datetime.combine(day, clock):%Y-%m-%d %H:%M:%S}"
