"""How many measurements become one figure."""

from contextlib import contextmanager

import pytest

from bench import load
from bench.load import Outcome
from bench.measure import Case, Load, Measured, Series, measure_all, turns


class FakeTree:
    def __init__(self):
        self.cpu = 0.0

    def cpu_seconds(self):
        self.cpu += 0.5
        return self.cpu

    def pss_bytes(self):
        return 7_000_000


class FakePeer:
    def __init__(self, name, port):
        self.name = name
        self.port = port
        self.tree = FakeTree()


@contextmanager
def two_gigabytes(_peer):
    yield Load([], 2.0)


CASE = Case("up-8", "Up", "GB", 8, two_gigabytes)


@pytest.fixture
def seconds(monkeypatch):
    """How long the loads take, by port, one after the other."""
    planned = {}

    def run(port, _tasks, _connections, watch=None):
        if watch:
            watch()
        return Outcome(planned[port].pop(0), client_cpu=0.1)

    monkeypatch.setattr(load, "run", run)
    return planned


def series(*speeds):
    return Series([Measured(speed, 0, 0) for speed in speeds])


def test_every_server_takes_its_turn_in_every_case_before_the_next_case_begins():
    order = [(case, peer) for case, peer in turns(["down", "up"], ["nginx", "ours"], 0)]

    assert order == [("down", "nginx"), ("down", "ours"), ("up", "nginx"), ("up", "ours")]


def test_another_server_begins_in_every_round():
    firsts = [next(turns(["down"], ["a", "b", "c"], number))[1] for number in range(4)]

    assert firsts == ["a", "b", "c", "a"]


def test_a_ratio_is_taken_within_each_round_so_that_a_slow_machine_cancels_out():
    nginx, ours = series(10, 1, 10), series(5, 0.5, 5)

    assert ours.ratio_to(nginx) == 0.5


def test_one_lucky_round_does_not_move_the_median():
    assert series(1, 100, 2).speed == 2
    assert (series(1, 100, 2).slowest, series(1, 100, 2).fastest) == (1, 100)


def test_the_round_that_warms_up_gives_the_memory_and_no_speed(seconds):
    seconds[1] = [1000, 4, 1, 2]

    results = measure_all([CASE], [FakePeer("nginx", 1)], 3, lambda _: None)

    measured = results["up-8"]["nginx"]
    assert [one.speed for one in measured.rounds] == [0.5, 2.0, 1.0]
    assert measured.pss == 7_000_000
    assert measured.server_cpu == 0.25
    assert measured.client_cpu == 0.05
