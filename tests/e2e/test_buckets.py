"""A server whose chunks lie in a bucket, on a real S3 server."""

import os

import boto3
import pytest
from playwright.sync_api import expect

from files.chunkstore.chunk import CHUNK_SIZE
from tests.crash.client import Program
from tests.e2e.conftest import eventually, launch, run_manage
from tests.e2e.visitor import random_file, visit
from tests.engines import s3servers
from tests.world import sha256, specs_of

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        s3servers.missing() is not None, reason=f"no S3 server: {s3servers.missing()}"
    ),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with s3servers.ministack(tmp_path_factory.mktemp("ministack")) as address:
        yield address


@pytest.fixture
def bucket(store):
    return made_bucket(store)


def made_bucket(address):
    credentials = {name.lower(): value for name, value in s3servers.CREDENTIALS.items()}
    resource = boto3.resource("s3", endpoint_url=address, region_name="us-east-1", **credentials)
    return resource.create_bucket(Bucket=f"b{os.urandom(6).hex()}")


FETCH = """async (url) => {
  const answer = await fetch(url, { cache: "no-store" });
  return [answer.url, (await answer.arrayBuffer()).byteLength];
}"""


def environment(address, bucket, more=""):
    nodes = f"main=s3://{bucket.name}/chunks?endpoint={address}&region=us-east-1{more}"
    return {"RAPIDSERVE_NODES": nodes, **s3servers.CREDENTIALS}


@pytest.fixture
def start(tmp_path):
    """Starts a server on one home with these settings; killed at the end."""
    started = []

    def start(settings):
        started.append(launch(tmp_path / "home", **settings))
        started[-1].wait_until_ready()
        return started[-1]

    yield start
    for server in started:
        server.kill()


def test_chunks_go_straight_into_it_and_come_back(start, store, bucket):
    settings = environment(store, bucket)
    server = start(settings)
    program = Program(server.url)
    data = os.urandom(2 * CHUNK_SIZE + 10)

    large = program.upload("large", data)

    assert program.addresses
    assert all(
        address.startswith(f"{store}/{bucket.name}/chunks/") for address in program.addresses
    )
    assert program.sha256(large) == sha256(data)
    kept = [found.get()["Body"].read() for found in bucket.objects.filter(Prefix="chunks/")]
    assert data[:CHUNK_SIZE] in kept
    verified = run_manage(server.home, "verify", "--deep", **settings)
    assert verified.stdout == "0 damaged, 0 left over\n", verified.stderr


def test_other_bytes_than_announced_are_refused_by_the_bucket(start, store, bucket):
    program = Program(start(environment(store, bucket)).url)
    upload, [slot] = program.announce("file", 9, specs_of(b"announced"))

    other = program.send(slot, b"otherwise")
    longer = program.send(slot, b"announced!")

    assert (other.status_code, longer.status_code) == (400, 403)
    refused = program.http.post(f"/api/upload/{upload}/complete")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "chunks_missing")


def test_rotten_bytes_of_a_bucket_never_arrive_complete(start, store, bucket):
    program = Program(start(environment(store, bucket)).url)
    file_id = program.upload("file", b"content")
    [kept] = [found for found in bucket.objects.all() if not found.key.endswith(".json")]
    kept.put(Body=b"CONTENT")

    answer = program.http.get(f"/api/files/{file_id}/content", follow_redirects=True)

    assert answer.status_code == 503
    assert b"CONTENT" not in answer.content


def test_a_bucket_whose_endpoint_proves_nothing_is_sent_to_by_the_server(start, tmp_path):
    directory = tmp_path / "store"
    directory.mkdir()
    with s3servers.rclone(directory) as address:
        bucket = made_bucket(address)
        server = start(environment(address, bucket))
        program = Program(server.url)
        data = os.urandom(CHUNK_SIZE + 10)

        file_id = program.upload("file", data)

        assert all(each.startswith(server.url) for each in program.addresses)
        assert program.sha256(file_id) == sha256(data)


def test_a_browser_sends_straight_into_it(start, store, bucket, browser, tmp_path):
    server = start(environment(store, bucket))
    visitor = visit(browser, server.url)
    sent = []
    visitor.page.on("request", lambda r: r.method == "PUT" and sent.append(r.url))
    file = random_file(tmp_path, "film.mov", 3 * CHUNK_SIZE + 10)

    visitor.upload(file)

    expect(visitor.in_tray("film.mov")).to_contain_text("Done, verified")
    assert len(sent) == 4
    assert all(url.startswith(f"{store}/{bucket.name}/chunks/") for url in sent)
    assert visitor.download("film.mov", tmp_path) == file.read_bytes()


def test_where_told_whole_chunks_are_fetched_from_it(start, store, bucket, browser, tmp_path):
    server = start(environment(store, bucket, "&redirect=on"))
    program = Program(server.url)
    file = random_file(tmp_path, "film.mov", 3 * CHUNK_SIZE + 10)
    file_id = program.upload("film.mov", file.read_bytes())
    small, _ = program.pack([("a", b"in a chunk with others"), ("b", b"others")])
    [chunk, *_] = program.call("GET", f"/api/download/{file_id}")["chunks"]
    [part] = program.call("GET", f"/api/download/{small}")["chunks"]

    led = program.http.get(chunk["url"])
    fetched = program.http.get(led.headers["Location"])
    ranged = program.http.get(chunk["url"], headers={"Range": "bytes=5-9"})
    elsewhere = program.http.get(chunk["url"], headers={"Host": f"localhost:{server.port}"})

    assert (led.status_code, led.headers["Cache-Control"]) == (302, "no-store")
    assert led.headers["Location"].startswith(f"{store}/{bucket.name}/chunks/")
    assert "X-Amz-Expires=30" in led.headers["Location"]
    assert fetched.content == file.read_bytes()[:CHUNK_SIZE]
    assert fetched.headers["Content-Type"] == "application/octet-stream"
    assert ranged.content == file.read_bytes()[5:10]
    assert elsewhere.status_code == 302
    assert program.http.get(part["url"]).content == b"in a chunk with others"

    visitor = visit(browser, server.url)
    ended_at, length = visitor.page.evaluate(FETCH, chunk["url"])
    assert ended_at.startswith(f"{store}/")
    assert length == CHUNK_SIZE


def test_nobody_is_led_to_one_that_is_out_of_reach(start, store, bucket):
    program = Program(start(environment(store, bucket, "&direct=off")).url)
    data = os.urandom(CHUNK_SIZE + 10)

    file_id = program.upload("large", data)

    assert not any(address.startswith(store) for address in program.addresses)
    assert program.sha256(file_id) == sha256(data)


def test_in_one_that_seals_files_are_kept_sealed_and_come_back(start, store, bucket):
    settings = environment(store, bucket, "&seal=on")
    server = start(settings)
    program = Program(server.url)
    data = os.urandom(2 * CHUNK_SIZE + 10)

    large = program.upload("large", data)
    small = program.pack([("a", b"first"), ("b", b"second")])

    assert program.sha256(large) == sha256(data)
    assert [program.sha256(each) for each in small] == [sha256(b"first"), sha256(b"second")]
    kept = [found.key for found in bucket.objects.all()]
    assert len([key for key in kept if key.endswith(".sealed")]) == 4
    assert b"first" not in b"".join(found.get()["Body"].read() for found in bucket.objects.all())
    verified = run_manage(server.home, "verify", "--deep", **settings)
    assert verified.stdout == "0 damaged, 0 left over\n", verified.stderr


def test_what_is_removed_for_good_leaves_it(start, store, bucket):
    settings = environment(store, bucket)
    server = start(settings)
    program = Program(server.url)
    file_id = program.upload("file", b"content")
    program.call("DELETE", f"/api/files/{file_id}")
    program.call("DELETE", f"/api/trash/{file_id}")

    collected = run_manage(server.home, "collect_garbage", **settings)

    assert collected.returncode == 0, collected.stderr
    assert [found.key for found in bucket.objects.all()] == ["chunks/rapidserve-node.json"]


def test_a_start_without_the_bucket_is_refused_in_one_line(tmp_path, store, bucket):
    settings = environment(store, bucket)
    bucket.delete()

    refused = run_manage(tmp_path / "home", "serve", **settings)

    assert refused.returncode == 1
    assert bucket.name in refused.stderr
    assert "Traceback" not in refused.stderr


def test_while_the_store_is_away_bytes_are_503_and_the_rest_goes_on(start, tmp_path):
    directory = tmp_path / "store"
    directory.mkdir()
    with s3servers.ministack(directory) as address:
        bucket = made_bucket(address)
        server = start(environment(address, bucket))
        program = Program(server.url)
        file_id = program.upload("file", b"content")

    content = program.http.get(f"/api/files/{file_id}/content", follow_redirects=True)

    assert content.status_code == 503
    assert content.headers["Retry-After"]
    new = {"parent": program.root, "name": "new", "size": 3, "chunks": specs_of(b"new")}
    eventually(  # that the store was there is believed for a second
        lambda: program.http.post("/api/upload/chunk/register", json=new).status_code == 503,
        "registering is refused",
    )
    assert program.call("GET", f"/api/files/{file_id}")["name"] == "file"
