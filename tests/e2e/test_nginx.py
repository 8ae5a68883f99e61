"""deploy/nginx.conf in Debian's nginx, in front of two web servers."""

import base64
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx2
import pytest

from files.chunkstore.chunk import CHUNK_SIZE
from tests.crash.client import Program
from tests.e2e.conftest import PROJECT, eventually, launch
from tests.engines import s3servers
from tests.engines.certificates import make_certificate
from tests.engines.ports import free_port
from tests.world import sha256

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(NGINX is None, reason="no nginx (Debian: apt install nginx-light)"),
    pytest.mark.skipif(
        s3servers.missing() is not None, reason=f"no S3 server: {s3servers.missing()}"
    ),
]
NAME = "files.example.org"
PUBLIC = f"https://{NAME}"
WEB = (sys.executable, "manage.py", "serve", "--without-worker")


class ToHere(httpx2.HTTPTransport):
    """Leads to nginx on loopback whoever asks for NAME, as a resolver would."""

    def __init__(self, certificate, http, https):
        super().__init__(verify=ssl.create_default_context(cafile=str(certificate)))
        self._ports = {"http": http, "https": https}

    def handle_request(self, request):
        assert request.url.host == NAME
        port = self._ports[request.url.scheme]
        return super().handle_request(
            httpx2.Request(
                request.method,
                request.url.copy_with(host="127.0.0.1", port=port),
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions | {"sni_hostname": NAME},
            )
        )


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with s3servers.ministack(tmp_path_factory.mktemp("ministack")) as address:
        s3servers.make_bucket(address, "chunks")
        yield address


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("nginx-servers")


@pytest.fixture(scope="module")
def servers(home, store):
    """Two on one database, a bucket and two directories, which know of a proxy before them."""
    settings = {
        "RAPIDSERVE_PUBLIC_URL": PUBLIC,
        "RAPIDSERVE_TRUST_PROXY": "true",
        "RAPIDSERVE_DATABASE_URL": f"sqlite:///{home / 'metadata.sqlite3'}",
        "RAPIDSERVE_X_ACCEL": "true",
        "RAPIDSERVE_NODES": f"main=s3://chunks?endpoint={store}&region={s3servers.REGION}&direct=off;"
        f"disk=file://{home / 'disk'}?seal=off;sealed=file://{home / 'sealed'}",
        **s3servers.CREDENTIALS,
        "RAPIDSERVE_SECRET_KEY": os.urandom(32).hex(),
        "RAPIDSERVE_MASTER_KEYS": f"first:{base64.b64encode(os.urandom(32)).decode()}",
    }
    started = []
    try:
        for name in ("web1", "web2"):
            started.append(launch(home / name, WEB, **settings))
            started[-1].wait_until_ready()
        yield started
    finally:
        for server in started:
            server.kill()


@pytest.fixture(scope="module")
def nginx(servers, store, home, tmp_path_factory):
    """A way to it, by name."""
    with running_nginx(servers, store, home / "disk", tmp_path_factory.mktemp("nginx")) as way:
        yield way


@contextmanager
def running_nginx(servers, store, disk, directory):
    make_certificate(directory, NAME)
    http, https = free_port(), free_port()
    text = (PROJECT / "deploy" / "nginx.conf").read_text()
    for told, here in {
        "web1:8000": f"127.0.0.1:{servers[0].port}",
        "web2:8000": f"127.0.0.1:{servers[1].port}",
        "listen 8080;": f"listen 127.0.0.1:{http};",
        "listen 8443 ": f"listen 127.0.0.1:{https} ",
        "/etc/nginx/tls/": f"{directory}/",
        "http://s3:7070": store,
        "Host s3:7070": f"Host {urlsplit(store).netloc}",
        "/srv/chunks": str(disk),
        "/tmp/nginx": f"{directory}/nginx",  # noqa: S108 - what stands in the file
    }.items():
        assert told in text
        text = text.replace(told, here)
    if os.geteuid() == 0:  # its processes would be nobody's, who can't read the directory
        text = f"user root;\n{text}"
    (directory / "nginx.conf").write_text(text)
    command = [NGINX, "-c", str(directory / "nginx.conf"), "-g", "daemon off;"]
    with (directory / "out").open("wb") as output:
        running = subprocess.Popen(command, stderr=output)
    try:
        eventually(lambda: listens(https), f"nginx listens: {directory / 'out'}")
        yield lambda: ToHere(directory / "certificate.pem", http, https)
    finally:
        running.terminate()
        running.wait()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_files_go_through_it_both_ways_and_in_parts(nginx):
    program = Program(PUBLIC, transport=nginx())
    data = os.urandom(2 * CHUNK_SIZE + 10)

    file_id = program.upload("large", data)

    assert all(address.startswith(f"{PUBLIC}/d/") for address in program.addresses)
    assert program.sha256(file_id) == sha256(data)
    part = program.http.get(
        f"/api/files/{file_id}/content",
        headers={"Range": "bytes=4194300-4194309"},
        follow_redirects=True,
    )
    assert (part.status_code, part.content) == (206, data[4194300:4194310])


def test_a_body_of_twenty_megabytes_is_no_matter(nginx):
    program = Program(PUBLIC, transport=nginx())

    assert program.http.post("/api/files", content=b" " * 20_000_000).status_code in {400, 413, 415}


def test_plain_http_leads_to_https(nginx):
    with httpx2.Client(transport=nginx()) as visitor:
        answer = visitor.get(f"http://{NAME}/spaces?x=1")

    assert (answer.status_code, answer.headers["Location"]) == (301, f"{PUBLIC}/spaces?x=1")


def test_cookies_are_secure_and_browsers_stay_with_https(nginx):
    with httpx2.Client(transport=nginx(), follow_redirects=True) as visitor:
        page = visitor.get(PUBLIC)

    assert page.status_code == 200
    assert "max-age" in page.headers["Strict-Transport-Security"]
    assert "Secure" in page.headers["Set-Cookie"]


def test_a_call_that_waits_is_answered(nginx):
    program = Program(PUBLIC, transport=nginx())
    [space, *_] = program.call("GET", "/api/spaces")["results"]
    latest = program.call("GET", f"/api/changes?space={space['id']}&cursor=latest")

    answer = program.call(
        "GET", f"/api/changes?space={space['id']}&cursor={latest['cursor']}&wait=2"
    )

    assert answer["results"] == []


def test_while_one_server_is_gone_the_other_answers(nginx, servers):
    program = Program(PUBLIC, transport=nginx())
    file_id = program.upload("file", b"content")

    servers[0].kill()

    for _ in range(10):
        assert program.sha256(file_id) == sha256(b"content")


class TestChunksThatNginxSends:
    @pytest.fixture
    def chunks(self, nginx):
        """Of a file of twelve: each with its address and its bytes."""
        program = Program(PUBLIC, transport=nginx())
        data = os.urandom(12 * CHUNK_SIZE)
        manifest = program.call("GET", f"/api/download/{program.upload('film', data)}")
        return [
            (chunk["url"], data[at * CHUNK_SIZE : (at + 1) * CHUNK_SIZE])
            for at, chunk in enumerate(manifest["chunks"])
        ]

    @pytest.fixture
    def visitor(self, nginx):
        with httpx2.Client(transport=nginx()) as visitor:
            yield visitor

    @staticmethod
    def led_to(server, url):
        """Where a server leads nginx, "" when it sends the chunk itself."""
        answer = httpx2.get(server.url + urlsplit(url).path, headers={"Host": NAME})
        path = answer.headers.get("X-Accel-Redirect", "")
        assert (answer.content == b"") == bool(path)
        return path

    def test_those_of_buckets_and_of_plain_directories(self, servers, visitor, chunks):
        nodes = Counter()
        for url, data in chunks:
            path = self.led_to(servers[1], url)
            answer = visitor.get(url, headers={"Cookie": "a=b", "Authorization": "Bearer rs_x"})

            nodes[path.split("/")[2] if path else "sealed"] += 1
            assert (answer.status_code, answer.content) == (200, data)
            assert answer.headers.get_list("ETag") == [f'"{sha256(data)}"']
            assert answer.headers.get_list("Content-Type") == ["application/octet-stream"]
            assert answer.headers.get_list("Cache-Control") == ["private, no-cache"]
            assert answer.headers.get_list("X-Content-Type-Options") == ["nosniff"]
            assert answer.headers.get_list("Content-Security-Policy") == [
                "sandbox; default-src 'none'"
            ]
            assert "X-Accel-Redirect" not in answer.headers

        assert set(nodes) == {"main", "disk", "sealed"}

    def test_parts_and_what_the_reader_has_are_the_servers_business(self, visitor, chunks):
        for url, data in chunks:
            part = visitor.get(url, headers={"Range": "bytes=10-19"})
            known = visitor.get(url, headers={"If-None-Match": f'"{sha256(data)}"'})
            head = visitor.head(url)

            assert (part.status_code, part.content) == (206, data[10:20])
            assert (known.status_code, known.content) == (304, b"")
            assert head.headers["Content-Length"] == str(CHUNK_SIZE)

    def test_nobody_else_is_led_there(self, servers, visitor, chunks):
        paths = [path for path in (self.led_to(servers[1], url) for url, _ in chunks) if path]
        answers = [visitor.get(PUBLIC + path) for path in paths]

        # nginx takes its own "not found" for the store's.
        assert {answer.json()["error"]["code"] for answer in answers} == {"storage_unavailable"}
        assert visitor.get(f"{PUBLIC}/_chunks/unavailable").status_code == 404
        altered = chunks[0][0][:-3] + "AAA"
        assert visitor.get(altered).status_code == 403

    def test_one_that_nginx_does_not_find_is_503(self, servers, store, chunks, tmp_path):
        [url, *_] = [u for u, _ in chunks if "/_chunks/disk/" in self.led_to(servers[1], u)]
        with (
            running_nginx(servers, store, tmp_path / "other", tmp_path) as way,
            httpx2.Client(transport=way()) as visitor,
        ):
            answer = visitor.get(url)

        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "storage_unavailable"
        assert answer.headers["Retry-After"] == "10"
