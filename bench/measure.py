"""One measurement, and all of them: in rounds, every server's turn beside the others'."""

import mmap
import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial

import psutil

from bench import load
from bench.load import Task
from bench.peers import Peer


@dataclass(frozen=True, slots=True)
class Load:
    """`amount`: how much of the case's unit the tasks move together."""

    tasks: Sequence[Task]
    amount: float


@dataclass(frozen=True, slots=True)
class Case:
    """`prepare` gives the load; what it does before and after is not measured. Entered anew for
    every measurement; leaving it checks what arrived, and clears up.
    """

    key: str
    title: str
    unit: str
    connections: int
    prepare: Callable[[Peer], AbstractContextManager[Load]]


@dataclass(frozen=True, slots=True)
class Measured:
    """Speed in units a second, CPU in seconds for each unit."""

    speed: float
    server_cpu: float
    client_cpu: float


@dataclass(slots=True)
class Series:
    """What one server did in one case: a value a round, and its largest memory in bytes."""

    rounds: list[Measured] = field(default_factory=list)
    pss: int = 0

    @property
    def speed(self) -> float:
        return statistics.median(one.speed for one in self.rounds)

    @property
    def slowest(self) -> float:
        return min(one.speed for one in self.rounds)

    @property
    def fastest(self) -> float:
        return max(one.speed for one in self.rounds)

    @property
    def server_cpu(self) -> float:
        return statistics.median(one.server_cpu for one in self.rounds)

    @property
    def client_cpu(self) -> float:
        return statistics.median(one.client_cpu for one in self.rounds)

    def ratio_to(self, base: "Series") -> float:
        """The median of the ratios round by round: a machine that slows down slows both."""
        return statistics.median(
            mine.speed / its.speed for mine, its in zip(self.rounds, base.rounds, strict=True)
        )


Results = dict[str, dict[str, Series]]
"""By the case's key and the server's name."""


def measure_all(
    cases: Sequence[Case], peers: Sequence[Peer], rounds: int, say: Callable[[str], None]
) -> Results:
    """One round to warm up, in which memory is measured (looking costs time), then `rounds`."""
    results: Results = {case.key: {peer.name: Series() for peer in peers} for case in cases}
    for number in range(rounds + 1):
        say(f"round {number} of {rounds}" if number else "warming up")
        for case, peer in turns(cases, peers, number):
            series = results[case.key][peer.name]
            if number:
                series.rounds.append(measure(case, peer))
            else:
                series.pss = measure_memory(case, peer)
    return results


def turns(cases: Sequence[Case], peers: Sequence[Peer], number: int) -> Iterator[tuple[Case, Peer]]:
    """A round: case by case, every server. Who begins changes, so that nobody always goes after
    the same one.
    """
    first = number % len(peers)
    for case in cases:
        for peer in (*peers[first:], *peers[:first]):
            yield case, peer


def warm_memory(size: int) -> None:
    """Have `size` bytes of free memory that is really there, whoever takes it next.

    A virtual machine gives free memory back to its host. Who takes it again waits for the host,
    a second or two for each GB: more than storing it takes, and all of it by chance.
    """
    most = psutil.virtual_memory().available // 2
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
    mmap.mmap(-1, min(size, most), flags=flags).close()


def measure(case: Case, peer: Peer) -> Measured:
    with case.prepare(peer) as work:
        os.sync()  # what others left to be written is not this one's burden
        before = peer.tree.cpu_seconds()
        outcome = load.run(peer.port, work.tasks, case.connections)
        cpu = peer.tree.cpu_seconds() - before
        return Measured(
            speed=work.amount / outcome.seconds,
            server_cpu=cpu / work.amount,
            client_cpu=outcome.client_cpu / work.amount,
        )


def measure_memory(case: Case, peer: Peer) -> int:
    """The largest PSS of the whole tree in bytes, looked at twenty times a second."""
    seen = [peer.tree.pss_bytes()]
    with case.prepare(peer) as work:
        load.run(
            peer.port,
            work.tasks,
            case.connections,
            watch=partial(_look, peer, seen),
        )
    return max(seen)


def _look(peer: Peer, seen: list[int]) -> None:
    seen.append(peer.tree.pss_bytes())
