"""The client believes no answer that it has not checked."""

import socket
import threading

import pytest

from bench.load import Connection, Exchange, Expected, Refused, Request, run
from bench.processes import free_port

FETCH = Request("GET", "/chunk")


@pytest.fixture
def answering():
    """Starts servers that give one raw answer to whatever is asked, on connections kept open."""
    listeners = []

    def start(answer, *, times=10**9):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=serve, args=(listener, answer, times), daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for listener in listeners:
        listener.close()


def serve(listener, answer, times):
    """`times` answers on a connection, then it is closed."""
    while True:
        try:
            accepted, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=answer_all, args=(accepted, answer, times), daemon=True).start()


def answer_all(accepted, answer, times):
    with accepted:
        for _ in range(times):
            if not accepted.recv(65536):
                return
            accepted.sendall(answer)


def answer(status, body, *headers):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_every_task_is_done_once_whatever_the_number_of_connections(answering):
    port = answering(answer("200 OK", b"x" * 100))
    seen = []

    outcome = run(
        port,
        [Exchange(FETCH, Expected(200, 100))] * 50,
        connections=3,
        watch=lambda: seen.append("looked"),
    )

    assert outcome.seconds > 0
    assert seen


def test_another_status_than_the_expected_one_voids_the_measurement(answering):
    port = answering(answer("403 Forbidden", b"x" * 100))

    with pytest.raises(Refused, match=r"GET /chunk: answered 403, not 200"):
        run(port, [Exchange(FETCH, Expected(200, 100))], connections=1)


def test_another_length_than_the_expected_one_voids_the_measurement(answering):
    port = answering(answer("200 OK", b"x" * 99))

    with pytest.raises(Refused, match="99 bytes, not 100"):
        run(port, [Exchange(FETCH, Expected(200, 100))], connections=1)


def test_a_body_that_ends_early_voids_the_measurement(answering):
    port = answering(answer("200 OK", b"x" * 3_000_000)[:-10], times=1)

    with pytest.raises(Refused, match="10 bytes short"):
        run(port, [Exchange(FETCH, Expected(200, 3_000_000))], connections=1)


def test_an_answer_of_unknown_length_voids_the_measurement(answering):
    port = answering(b"HTTP/1.1 200 OK\r\n\r\nsome")

    with pytest.raises(Refused, match="without a Content-Length"):
        run(port, [Exchange(FETCH, Expected(200))], connections=1)


def test_a_server_that_is_not_there_voids_the_measurement():
    with pytest.raises(Refused, match="connections could be made"):
        run(free_port(), [Exchange(FETCH, Expected(200))], connections=2)


def test_a_connection_that_the_server_ends_is_made_anew(answering):
    port = answering(answer("200 OK", b"x", "Connection: close"), times=1)

    run(port, [Exchange(FETCH, Expected(200, 1))] * 3, connections=1)


def test_a_body_that_is_asked_for_is_kept_and_headers_keep_their_case(answering):
    body = bytes(range(256)) * 10_000
    connection = Connection(answering(answer("302 Found", body, "Location: /d/AbC")))

    found = connection.ask(FETCH, Expected(302))

    connection.close()
    assert found.body == body
    assert found.header(b"location") == "/d/AbC"
    assert found.header(b"etag") is None


def test_what_was_answered_instead_is_told(answering):
    connection = Connection(answering(answer("403 Forbidden", b'{"code": "token_invalid"}')))

    with pytest.raises(Refused, match="token_invalid"):
        connection.ask(FETCH, Expected(200))

    connection.close()
