"""Hostile HTTP, byte by byte: every answer is the one error shape or the HTTP layer's own 4xx."""

import json
import socket

import httpx2
import pytest

pytestmark = pytest.mark.e2e

HOST = b"Host: localhost\r\n"


@pytest.fixture
def send(server):
    """Sends bytes as they are and gives back status, headers and body of the answer."""

    def exchange(data, *, half_close=False):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            answer = connection.makefile("rb")
            status_line = answer.readline()
            if not status_line:
                raise ConnectionResetError
            status = int(status_line.split()[1])
            headers = {}
            while line := answer.readline().strip():
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            return status, headers, answer.read(int(headers.get("content-length", 0)))

    before = len(server.output())
    yield exchange
    assert server.is_ready()
    assert "Traceback" not in server.output()[before:]


def assert_error(answer, status, code):
    """The one error shape, and nothing that should not be in it."""
    assert answer[0] == status, answer
    assert answer[1]["content-type"] == "application/json"
    error = json.loads(answer[2])["error"]
    assert error["code"] == code
    assert {"code", "message", "field", "hint", "request_id"} <= set(error)
    assert error["request_id"] == answer[1]["x-request-id"]


def head(method, path, *lines):
    return b"".join(
        [f"{method} {path} HTTP/1.1\r\n".encode(), HOST, *[line + b"\r\n" for line in lines]]
    )


@pytest.mark.parametrize("path", ["/api/files/x", "/d/chunk/x", "/api/upload/chunk/register"])
@pytest.mark.parametrize("host", [b"evil", b"localhost.evil", b"localhost@evil", b"", b"\xff"])
def test_a_host_that_is_not_served_is_400(send, path, host):
    answer = send(f"GET {path} HTTP/1.1\r\n".encode() + b"Host: " + host + b"\r\n\r\n")

    assert_error(answer, 400, "host_invalid")


def test_two_hosts_are_400(send):
    answer = send(b"GET /api/files/x HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n")

    assert_error(answer, 400, "host_invalid")


def test_a_page_for_a_host_that_is_not_served_is_400(server):
    assert httpx2.get(f"{server.url}/login", headers={"Host": "evil"}).status_code == 400


def test_health_answers_under_any_name(send):
    assert send(b"GET /health/live HTTP/1.1\r\nHost: 10.0.0.7\r\n\r\n")[0] == 200


@pytest.mark.parametrize("size", [33_000, 65_536])
def test_large_headers_are_400_or_431(send, size):
    answer = send(head("GET", "/api/files/x", b"X-Large: " + b"a" * size) + b"\r\n")

    assert_error(answer, 400, "headers_too_large")


def test_enormous_headers_are_400_or_431(send):
    """Which one depends on how much of them the HTTP layer had read when it gave up."""
    try:
        status = send(head("GET", "/", b"X-Large: " + b"a" * 500_000) + b"\r\n")[0]
    except ConnectionError:
        status = 431  # it hung up while we were still sending, so its answer was lost

    assert status in {400, 431}


def test_very_many_headers_are_refused_by_the_http_layer(send):
    many = [f"X-{number}: a".encode() for number in range(200)]
    assert send(head("GET", "/", *many) + b"\r\n")[0] == 431


def test_two_lengths_that_differ_are_400(send):
    lengths = (b"Content-Length: 2", b"Content-Length: 3")

    assert send(head("POST", "/api/auth/token", *lengths) + b"\r\n{} ")[0] == 400


@pytest.mark.parametrize("lengths", [(b"Content-Length: 2",), ()])
def test_transfer_encoding_is_400_with_and_without_a_length(send, lengths):
    lines = (*lengths, b"Transfer-Encoding: chunked")

    answer = send(head("POST", "/api/auth/token", *lines) + b"\r\n2\r\n{}\r\n0\r\n\r\n")

    assert_error(answer, 400, "length_required")


@pytest.mark.parametrize("method", ["TRACE", "FOO", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/api/files/x", "/d/chunk/x"])
def test_unknown_methods_are_405_and_say_what_is_allowed(send, method, path):
    answer = send(head(method, path) + b"\r\n")

    assert_error(answer, 405, "method_not_allowed")
    assert answer[1]["allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


def test_connect_is_405(send):
    status, headers, _ = send(b"CONNECT evil:80 HTTP/1.1\r\nHost: evil:80\r\n\r\n")

    assert (status, headers["allow"]) == (405, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")


def test_health_is_for_looking_only(send):
    answer = send(head("POST", "/health/ready", b"Content-Length: 0") + b"\r\n")

    assert_error(answer, 405, "method_not_allowed")
    assert answer[1]["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/api/files/%00", "/%00", "/static/%00.css", "/d/chunk/a%00b"])
def test_a_nul_in_a_path_is_404(send, path):
    assert_error(send(head("GET", path) + b"\r\n"), 404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/%ff",
        "/api/%ff%fe",
        "/api/files/%ed%a0%80",
        "/%zz%a",
        "/api/files/é?q=é",
        "/api/files/..%2f..%2fetc%2fpasswd",
        "/../../etc/passwd",
        "/static/../../etc/passwd",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "//evil.example/",
        "/" + "a" * 60_000,
        "/api/files/" + "a" * 60_000,
        "/api/files/x?q=" + "%ff" * 10_000,
    ],
)
def test_paths_that_make_no_sense_are_a_4xx(send, path):
    status, _, body = send(head("GET", path) + b"\r\n")

    assert 400 <= status < 500
    assert b"root:" not in body


def test_a_path_beyond_64_kib_is_414(send):
    assert send(head("GET", "/" + "a" * 70_000) + b"\r\n")[0] == 414


@pytest.mark.parametrize("path", ["/api/auth/token", "/login"])
def test_a_body_that_ends_early_is_400_and_not_acted_upon(send, path):
    lines = (b"Content-Type: application/json", b"Content-Length: 100")

    answer = send(head("POST", path, *lines) + b"\r\n{}", half_close=True)

    assert_error(answer, 400, "body_incomplete")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/upload/chunk/register", "too_many_chunks"),
        ("/api/upload/0190c1c0-0000-7000-8000-000000000000/chunks", "too_many_chunks"),
        ("/api/auth/token", "body_too_large"),
        ("/api/upload/0190c1c0-0000-7000-8000-000000000000/complete", "body_too_large"),
        ("/login", "body_too_large"),
        ("/api/upload/pack/", "body_too_large"),
    ],
)
@pytest.mark.parametrize("size", [4 * 2**20 + 1, 20 * 2**20])
def test_a_body_over_the_limit_is_413_and_the_answer_arrives(server, path, code, size):
    answer = httpx2.post(f"{server.url}{path}", content=b" " * size, timeout=60)

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == code


def test_a_pack_may_be_larger_than_other_bodies_by_its_head(server):
    answer = httpx2.post(f"{server.url}/api/upload/pack", content=b" " * 5 * 2**20, timeout=60)

    assert answer.status_code == 401  # it was read, and nobody had signed in


def test_a_body_announced_larger_than_anything_is_413_before_it_was_sent(send):
    answer = send(
        head("POST", "/api/auth/token", b"Content-Length: 999999999999") + b"\r\n",
        half_close=True,
    )

    assert_error(answer, 413, "body_too_large")


def test_a_refused_body_is_read_so_that_the_answer_arrives(server):
    answer = httpx2.put(
        f"{server.url}/d/upload/x",
        content=b"x" * 4 * 2**20,
        headers={"Host": "evil"},
        timeout=60,
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "host_invalid"


def test_clients_that_dawdle_over_their_bodies_do_not_hold_up_pages(server):
    dawdlers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(64)]
    try:
        for dawdler in dawdlers:
            dawdler.sendall(head("POST", "/login", b"Content-Length: 1000") + b"\r\nhalf")

        assert httpx2.get(f"{server.url}/login", timeout=30).status_code == 200
    finally:
        for dawdler in dawdlers:
            dawdler.close()


def test_clients_that_do_not_read_their_answers_do_not_hold_up_pages(server):
    request = head("GET", "/api/schema/") + b"\r\n"
    deaf = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(64)]
    try:
        for connection in deaf:
            connection.sendall(request)

        assert httpx2.get(f"{server.url}/login", timeout=30).status_code == 200
    finally:
        for connection in deaf:
            connection.close()


def test_a_callers_request_id_is_kept_and_a_strange_one_replaced(server):
    def echoed(offered):
        answer = httpx2.get(f"{server.url}/api/auth/me", headers={"X-Request-ID": offered})
        assert answer.headers.get_list("x-request-id") == [answer.json()["error"]["request_id"]]
        return answer.headers["x-request-id"]

    assert echoed("mine-1.2_3") == "mine-1.2_3"
    assert echoed("not fit") != "not fit"


def test_a_header_with_an_underscore_does_not_pass_for_one_with_a_dash(server):
    answer = httpx2.get(f"{server.url}/api/auth/me", headers={"X_Request_ID": "forged"})

    assert answer.headers["x-request-id"] != "forged"
