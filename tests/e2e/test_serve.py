"""`manage.py serve` as an operator meets it: starting, refusing, being killed, stopping."""

import os
import signal
import socket
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.e2e.conftest import OWNER, PASSWORD, eventually, launch, run_manage, run_serve
from tests.engines.databases import lose_database
from tests.engines.ports import free_port
from tests.engines.undo import ON_MONGODB

pytestmark = pytest.mark.e2e


def assert_refused(result, *words):
    """Exit code 1 and one line that says why; never a traceback."""
    lines = result.stderr.strip().splitlines()
    assert result.returncode == 1, result.stdout + result.stderr
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("rapidserve: ")
    for word in words:
        assert word in lines[0]


class TestStarting:
    def test_it_is_ready_and_alive(self, server):
        live = httpx2.get(f"{server.url}/health/live")
        ready = httpx2.get(f"{server.url}/health/ready")

        assert live.json() == {"status": "live"}
        assert ready.json() == {
            "status": "ready",
            "parts": {"database": "ok", "nodes": "ok", "epochs": "ok"},
        }

    def test_the_ready_line_names_the_address(self, server):
        assert f"RapidServe is ready at http://127.0.0.1:{server.port}\n" in server.output()

    def test_the_first_start_makes_a_private_home_and_says_where_the_keys_are(self, server):
        keys = [server.home / "keys" / name for name in ("secret_key", "master_keys")]

        assert server.home.stat().st_mode & 0o777 == 0o700
        assert [key.stat().st_mode & 0o777 for key in keys] == [0o600, 0o600]
        assert all(str(key) in server.output() for key in keys)

    def test_the_owner_gets_in_with_the_password_given(self, server):
        body = {"username": OWNER, "password": PASSWORD, "name": "test"}

        answer = httpx2.post(f"{server.url}/api/auth/token", json=body)

        assert answer.status_code == 201
        assert PASSWORD not in server.output()

    def test_without_a_password_one_is_made_and_shown_once(self, start_server):
        first = start_server(RAPIDSERVE_OWNER="", RAPIDSERVE_OWNER_PASSWORD="")
        [line] = [line for line in first.output().splitlines() if "Its password" in line]
        password = line.split()[-1]
        body = {"username": "owner", "password": password, "name": "test"}
        entered = httpx2.post(f"{first.url}/api/auth/token", json=body).status_code
        first.stop()

        second = start_server(RAPIDSERVE_OWNER="", RAPIDSERVE_OWNER_PASSWORD="")

        assert entered == 201
        assert "Its password" not in second.output()
        assert httpx2.post(f"{second.url}/api/auth/token", json=body).status_code == 201

    def test_there_is_a_slim_supervisor_a_web_server_with_workers_and_a_job_worker(self, server):
        assert "rapidserve.supervisor" in psutil.Process(server.pid).cmdline()
        assert len(server.workers()) == 2
        assert len(server.tree()) == 5
        assert server.job_worker().is_running()

    def test_the_idle_tree_fits_its_memory_budget(self, start_server):
        sizes = start_server().pss()

        assert sizes["total"] < 230 * 2**20, sizes


class TestRefusing:
    def test_a_taken_port(self, tmp_path):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = str(other.getsockname()[1])

            result = run_serve(tmp_path / "home", RAPIDSERVE_PORT=port)

        assert_refused(result, port, "taken")

    def test_a_port_of_another_rapidserve(self, server, tmp_path):
        result = run_serve(tmp_path / "home", RAPIDSERVE_PORT=str(server.port))

        assert_refused(result, str(server.port), "taken")

    def test_a_second_serve_on_the_same_home(self, server):
        result = run_serve(server.home)

        assert_refused(result, "Another", str(server.home))
        assert server.is_ready()

    def test_a_home_that_is_a_file(self, tmp_path):
        (tmp_path / "home").write_text("")

        assert_refused(run_serve(tmp_path / "home"), "home")

    def test_a_home_that_cannot_be_written(self):
        # Even root can't write there, so this holds wherever the tests run.
        assert_refused(run_serve(Path("/proc/rapidserve")), "/proc/rapidserve")

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("RAPIDSERVE_PORT", "abc"),
            ("RAPIDSERVE_PORT", "70000"),
            ("RAPIDSERVE_WORKERS", "0"),
            ("RAPIDSERVE_BIND", "localhost"),
            ("RAPIDSERVE_NODES", "main=ftp://somewhere"),
            ("RAPIDSERVE_NODES", "nonsense"),
            ("RAPIDSERVE_PUBLIC_URL", "files.example.org"),
            ("RAPIDSERVE_OIDC_ISSUER", "http://id.example.org"),
            ("RAPIDSERVE_MASTER_KEYS", "k1:tooshort"),
            ("RAPIDSERVE_DATABASE_URL", "sqlite:///"),
        ],
    )
    def test_a_setting_that_cannot_be_meant(self, tmp_path, variable, value):
        result = run_serve(tmp_path / "home", **{variable: value})

        assert_refused(result, variable)

    def test_an_owner_password_that_is_too_weak(self, tmp_path):
        result = run_serve(tmp_path / "home", RAPIDSERVE_OWNER_PASSWORD="short")

        assert_refused(result, "password")

    @pytest.mark.parametrize("name", ["secret_key", "master_keys"])
    def test_a_lost_key_and_makes_no_new_one(self, start_server, name):
        server = start_server()
        server.stop()
        key = server.home / "keys" / name
        kept = key.read_bytes()
        key.unlink()

        result = run_serve(server.home)

        assert_refused(result, str(key))
        assert not key.exists()
        key.write_bytes(kept)
        assert start_server().is_ready()

    def test_a_node_whose_marker_is_gone(self, start_server):
        server = start_server()
        server.stop()
        for marker in (server.home / "chunks").glob("*.json"):
            marker.unlink()

        assert_refused(run_serve(server.home), "main")
        check = run_manage(server.home, "check")
        assert check.returncode == 1
        assert "files.E004" in check.stderr
        assert "Traceback" not in check.stderr

    def test_a_node_with_chunks_that_the_database_does_not_know(self, start_server):
        server = start_server()
        server.stop()
        chunk = server.home / "chunks" / "objects" / "ab" / ("abcd" + "0" * 28)
        chunk.parent.mkdir(parents=True, exist_ok=True)
        chunk.write_bytes(b"somebody's")
        lose_database(server.home)

        assert_refused(run_serve(server.home), "chunks")
        assert chunk.read_bytes() == b"somebody's"

    @pytest.mark.skipif(ON_MONGODB, reason="about SQLite's file")
    def test_a_database_that_is_none(self, start_server):
        server = start_server()
        server.stop()
        lose_database(server.home)
        (server.home / "rapidserve.sqlite3").write_bytes(b"not a database" * 1000)

        assert_refused(run_serve(server.home), "database")


class TestStopping:
    @pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_everything_with_exit_code_0(self, start_server, signum):
        server = start_server()

        server.process.send_signal(signum)

        assert server.process.wait(60) == 0
        server.must_be_gone()
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", server.port))

    def test_an_idle_connection_does_not_hold_it_up_for_ever(self, start_server):
        server = start_server()
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"POST /api/auth/token HTTP/1.1\r\nHost: localhost\r\n")

            assert server.stop() == 0

    def test_a_second_signal_does_not_wait(self, start_server):
        server = start_server()
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(
                b"POST /api/auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
            )

            def told_again_it_ends():
                server.process.send_signal(signal.SIGTERM)
                return server.process.poll() is not None

            eventually(told_again_it_ends, "it ends")

        assert server.process.returncode == 0
        assert "told to stop twice" in server.output()
        server.must_be_gone()


class TestKilling:
    def test_when_the_supervisor_is_killed_everything_goes_and_a_new_serve_starts(
        self, start_server
    ):
        server = start_server()

        os.kill(server.pid, signal.SIGKILL)
        server.process.wait(60)

        server.must_be_gone()
        assert start_server(RAPIDSERVE_PORT=str(server.port)).is_ready()

    def test_a_killed_web_server_takes_its_workers_along_and_comes_back(self, start_server):
        server = start_server()
        old = [server.web(), *server.workers()]

        old[0].kill()

        eventually(lambda: not any(process.is_running() for process in old), "the old ones go")
        eventually(server.is_ready, "it answers again")
        assert server.web() not in old

    def test_a_killed_worker_comes_back(self, start_server):
        server = start_server()
        killed, *others = server.workers()

        killed.kill()

        eventually(lambda: len(set(server.workers()) - {killed}) == 2, "there are two again")
        eventually(server.is_ready, "it answers again")
        assert set(others) <= set(server.workers())

    def test_when_all_workers_are_killed_it_answers_again(self, start_server):
        server = start_server()
        old = server.workers()

        for worker in old:
            worker.kill()

        eventually(lambda: len(set(server.workers()) - set(old)) == 2, "there are two new ones")
        eventually(server.is_ready, "it answers again")

    def test_a_killed_job_worker_comes_back(self, start_server):
        server = start_server()
        killed = server.job_worker()

        killed.kill()

        eventually(lambda: not killed.is_running(), "the old one goes")
        assert server.job_worker() != killed
        assert server.is_ready()

    def test_a_serve_killed_while_it_prepares_can_be_started_again(self, tmp_path, start_server):
        home = tmp_path / "home"
        early = launch(home)
        eventually((home / "keys" / "secret_key").exists, "the first key is made")
        early.kill()

        assert start_server(home).is_ready()


class TestHealth:
    def test_a_lost_node_is_named_and_nothing_else_is_said(self, start_server):
        server = start_server()
        [marker] = (server.home / "chunks").glob("*.json")
        marker.rename(marker.with_suffix(".away"))

        def refusal():  # each worker looks for itself, at most once a second
            answer = httpx2.get(f"{server.url}/health/ready")
            return None if answer.status_code == 200 else answer

        answer = eventually(refusal, "it is not ready")

        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "not_ready"
        assert answer.json()["error"]["parts"]["nodes"] == "failing: main"
        assert answer.json()["error"]["parts"]["database"] == "ok"
        assert str(server.home) not in answer.text

        marker.with_suffix(".away").rename(marker)
        eventually(server.is_ready, "it is ready again")

    def test_a_port_given_is_the_port_used(self, start_server):
        port = free_port()

        server = start_server(RAPIDSERVE_PORT=str(port))

        assert httpx2.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
        assert server.port == port
