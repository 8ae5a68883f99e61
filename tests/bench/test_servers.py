"""The bench with real servers, at a size that takes seconds. What is as fast as what is no test."""

import os

import pytest

from bench import machine, peers
from bench.cases import QUICK, Cases
from bench.measure import measure
from bench.rapidserve import RapidServe

pytestmark = pytest.mark.e2e


@pytest.fixture
def started():
    """Peers given to it are stopped with the test."""
    running = []

    def start(peer):
        running.append(peer)
        return peer

    yield start
    for peer in running:
        peer.tree.stop()


def stored_bytes(home):
    return sum(path.stat().st_size for path in home.rglob("objects/**/*") if path.is_file())


def test_rapidserve_answers_as_it_should_and_nothing_that_was_uploaded_stays(started, tmp_path):
    server = started(RapidServe("sealed", tmp_path / "home", sealed=True))
    cases = Cases(QUICK)
    cases.put_standing(server)
    before = stored_bytes(tmp_path)

    # Refused is raised when any answer is not as it should be.
    figures = {case.key: measure(case, server) for case in cases.all()}

    assert len(figures) == 12
    assert all(one.speed > 0 for one in figures.values())
    assert before > QUICK.total
    assert stored_bytes(tmp_path) == before


def test_nginx_answers_as_it_should(started, tmp_path):
    try:
        binary = machine.find_nginx()
    except machine.Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    server = started(peers.nginx(binary, tmp_path))
    cases = Cases(QUICK)
    cases.put_standing(server)

    figures = {case.key: measure(case, server) for case in cases.all()}

    assert len(figures) == 12
    assert all(one.speed > 0 for one in figures.values())


def test_a_server_to_compare_with_that_is_missing_is_asked_for_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(machine, "NGINX_PATH", str(tmp_path))

    with pytest.raises(machine.Missing, match="apt install nginx-light"):
        machine.find_nginx()
    with pytest.raises(machine.Missing, match="make bench"):
        machine.find_copyparty(tmp_path / "python")
