"""Bad input, one row a case: the numbers are those of the published table of bad inputs.

Rows that need routes of later releases (links, roles, previews, vaults) come with them. Whether
damaged or lying HTTP framing (row 41) is refused is the front's business; here only what reaches
an application.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from starlette.testclient import TestClient

from files.chunkstore.chunk import CHUNK_SIZE
from rapidserve import asgi
from tests.files.api.answers import answered, refused
from tests.world import Person, World, path_of, sha256

HASH = sha256(b"abc")
UNKNOWN = "01890000-0000-7000-8000-000000000000"
MIB = 2**20


@dataclass
class Scene:
    """Alice with a folder, a file and an open upload."""

    world: World
    alice: Person
    folder: str
    file: str
    upload: str

    def raw(self, body: bytes, path: str = "/api/files", **meta: str) -> Any:
        """A POST of bytes that need not be JSON."""
        sent = {"content_type": "application/json"} | meta
        headers = {"Authorization": f"Bearer {self.alice.token}"}
        return Client().post(path, data=body, headers=headers, **sent)

    def register(self, name: Any = "new.txt", **fields: Any) -> Any:
        return self.alice.register(name, b"abc", **fields)

    def fill(self, paths: str) -> str:
        return paths.format(folder=self.folder, file=self.file, upload=self.upload)


def set_the_scene(world: World) -> Scene:
    alice = world.alice
    return Scene(
        world=world,
        alice=alice,
        folder=alice.folder("papers"),
        file=alice.upload("thesis.txt", b"")["file"]["id"],
        upload=answered(alice.register("open.txt", b"open"), 201)["upload_id"],
    )


SCENE = set_the_scene


BODIES = [
    pytest.param(b"{nope", "json_invalid", {"line": 1, "column": 2}, id="1-not-json"),
    pytest.param(b"\xff\xfe", "json_invalid", {"line": 1}, id="1-not-utf-8"),
    pytest.param(b"[" * 100_000, "json_too_deep", {"limit": 32}, id="2-too-deep"),
    pytest.param(b'{"a":' * 100_000, "json_too_deep", {"limit": 32}, id="2-too-deep-objects"),
    pytest.param(b'{"size": ' + b"9" * 5000 + b"}", "number_out_of_range", {}, id="3-digits"),
    pytest.param(b'{"size": NaN}', "json_invalid", {"line": 1, "column": 10}, id="4-nan"),
    pytest.param(b'{"size": Infinity}', "json_invalid", {}, id="4-infinity"),
    pytest.param(b'{"size": 1e400}', "json_invalid", {}, id="4-1e400"),
    pytest.param(b'{"name": "a", "name": "b"}', "json_duplicate_key", {}, id="5-duplicate"),
    pytest.param(b'{"a": {"b": 1, "b": 1}}', "json_duplicate_key", {}, id="5-duplicate-below"),
]
DOORS_WITH_BODIES = [
    "/api/files",
    "/api/files/{file}/copy",
    "/api/upload/chunk/register",
    "/api/upload/{upload}/chunks",
    "/api/upload/{upload}/stored",
]


@pytest.mark.parametrize("path", DOORS_WITH_BODIES)
@pytest.mark.parametrize(("body", "code", "facts"), BODIES)
def test_a_body_that_is_no_sound_json_is_400_at_every_door(scene, path, body, code, facts):
    error = refused(scene.raw(body, scene.fill(path)), 400, code)

    assert facts.items() <= error.items()


@pytest.mark.parametrize("path", DOORS_WITH_BODIES)
@pytest.mark.parametrize("body", [b"[]", b'"text"', b"5", b"null", b"true"])
def test_json_that_is_no_object_is_type_invalid(scene, path, body):
    refused(scene.raw(body, scene.fill(path)), 422, "type_invalid")


@pytest.mark.parametrize("size", [-1, 1.5, "12", True, 2**63, 2**64, None, [], {}])
def test_row_6_a_size_that_is_no_size(scene, size):
    error = refused(scene.register(size=size), 422, "size_invalid")

    assert error["field"] == "size"


def test_row_7_a_file_over_the_limit(scene, settings):
    settings.MAX_FILE_BYTES = 10 * CHUNK_SIZE

    error = refused(scene.register(size=10 * CHUNK_SIZE + 1, chunks=[]), 413, "file_too_large")

    assert error["limit"] == 10 * CHUNK_SIZE
    answered(scene.register(size=10 * CHUNK_SIZE, chunks=[]), 201)


def test_row_7_the_largest_number_there_is(scene):
    refused(scene.register(size=2**63 - 1, chunks=[]), 413, "file_too_large")


@pytest.mark.parametrize(
    ("size", "count", "expected"),
    [(3, 2, 1), (0, 1, 0), (CHUNK_SIZE, 2, 1), (CHUNK_SIZE + 1, 3, 2)],
)
def test_row_8_more_chunks_than_the_size_allows(scene, size, count, expected):
    chunks = [{"sha256": HASH, "size": CHUNK_SIZE}] * count

    error = refused(scene.register(size=size, chunks=chunks), 422, "chunk_count_mismatch")

    assert error["expected"] == expected


@pytest.mark.parametrize(
    ("lengths", "index"),
    [
        ([CHUNK_SIZE, 0, 1], 1),
        ([CHUNK_SIZE + 1, CHUNK_SIZE, 1], 0),
        ([CHUNK_SIZE, CHUNK_SIZE - 1, 1], 1),
        ([CHUNK_SIZE, CHUNK_SIZE, 2], 2),
        ([CHUNK_SIZE, CHUNK_SIZE, 0], 2),
        ([CHUNK_SIZE, 2**62], 1),
    ],
)
def test_row_9_a_chunk_of_the_wrong_length(scene, lengths, index):
    chunks = [{"sha256": HASH, "size": length} for length in lengths]

    error = refused(
        scene.register(size=2 * CHUNK_SIZE + 1, chunks=chunks), 422, "chunk_length_invalid"
    )

    assert error["index"] == index


def test_row_10_an_empty_file_is_fine(scene):
    body = answered(scene.register(size=0, chunks=[]), 201)

    assert (body["size"], body["chunks"]) == (0, [])


BAD_HASHES = [HASH[:63], HASH + "0", "g" + HASH[1:], HASH.upper(), "", " " + HASH[1:], "٣" * 64]


@pytest.mark.parametrize("sha256", [*BAD_HASHES, None, 5, True, [], {"$ne": None}])
def test_row_11_a_hash_that_is_none(scene, sha256):
    chunks = [{"sha256": HASH, "size": CHUNK_SIZE}, {"sha256": sha256, "size": 1}]

    error = refused(scene.register(size=CHUNK_SIZE + 1, chunks=chunks), 422, "hash_invalid")

    assert error["index"] == 1
    assert error["field"] == "chunks.1.sha256"


@pytest.mark.parametrize("size", [-1, 1.5, "12", True, None, 2**63])
def test_a_chunk_size_that_is_no_size(scene, size):
    chunks = [{"sha256": HASH, "size": size}]

    error = refused(scene.register(chunks=chunks), 422, "size_invalid")

    assert error["field"] == "chunks.0.size"


@pytest.mark.parametrize(
    ("chunk", "code"),
    [
        ("text", "type_invalid"),
        (None, "type_invalid"),
        ([], "type_invalid"),
        ({}, "field_required"),
        ({"sha256": HASH}, "field_required"),
        ({"size": 3}, "field_required"),
        ({"sha256": HASH, "size": 3, "url": "x"}, "unknown_field"),
    ],
)
def test_a_chunk_of_the_wrong_shape(scene, chunk, code):
    refused(scene.register(chunks=[chunk]), 422, code)


@pytest.mark.parametrize("start", [-1, 1, 2**31, 2**64, "0", 1.0, True, None])
def test_row_12_chunks_registered_from_an_index_that_is_not_there(scene, start):
    body = {"start": start, "chunks": [{"sha256": HASH, "size": 4}]}

    response = scene.alice.post(f"/api/upload/{scene.upload}/chunks", body)

    refused(response, 422, "chunk_index_invalid")


@pytest.mark.parametrize("path", ["/api/upload/{upload}", "/api/download/{file}"])
@pytest.mark.parametrize("start", ["-1", "1", "99999999999999999999", "x", "", "1.0", "%D9%A3"])
def test_row_12_a_page_that_starts_where_no_chunk_is(scene, path, start):
    refused(scene.alice.get(f"{scene.fill(path)}?start={start}"), 422, "chunk_index_invalid")


@pytest.mark.parametrize("indexes", [[-1], [1], ["0"], [0, 2**31 - 1], [True], [None]])
def test_row_12_proving_a_chunk_that_is_not_there(scene, indexes):
    response = scene.alice.post(f"/api/upload/{scene.upload}/stored", {"indexes": indexes})

    refused(response, 422, "chunk_index_invalid")


def test_row_13_more_than_a_thousand_chunks_in_one_call(scene):
    chunks = [{"sha256": HASH, "size": CHUNK_SIZE}] * 1001
    size = 2000 * CHUNK_SIZE
    upload = answered(scene.register(size=size, chunks=chunks[:1000]), 201)["upload_id"]

    first = refused(scene.register(size=size, chunks=chunks), 413, "too_many_chunks")
    more = {"start": 0, "chunks": chunks}
    later = refused(scene.alice.post(f"/api/upload/{upload}/chunks", more), 413, "too_many_chunks")

    assert first["limit"] == later["limit"] == 1000


@pytest.mark.parametrize("path", ["/api/upload/chunk/register", f"/api/upload/{UNKNOWN}/chunks"])
def test_row_13_ten_million_chunks_are_refused_by_their_length_alone(path):
    body = b'{"chunks": [' + b" " * (5 * MIB)

    response = TestClient(asgi.application).post(path, content=body)

    error = refused(response, 413, "too_many_chunks")
    assert error["limit"] == 1000


NAMES = [
    *[("14", name) for name in ["", " ", ".", "..", " a", "a ", "\u3000", "a\u00a0"]],
    *[("15", name) for name in ["a/b", "a\\b", "/", "../up"]],
    *[("16", name) for name in ["a\0b", "a\r\nb", "\u0007", "\x7f", "a\u0085b", "a\tb"]],
    *[
        ("17", f"a{chr(code)}b")
        for code in [0x202E, 0x2066, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF]
    ],
    *[("18", name) for name in ["\ud800", "a\udfff"]],
    *[("19", name) for name in ["x" * 256, "é" * 128, "\U0001f600" * 64, "x" * 100_000]],
]
NAME_DOORS = {
    "folder": lambda s, name: s.alice.post(
        "/api/files", {"parent": s.alice.root, "name": name, "type": "folder"}
    ),
    "rename": lambda s, name: s.alice.patch(f"/api/files/{s.file}", {"name": name}),
    "copy": lambda s, name: s.alice.post(
        f"/api/files/{s.file}/copy", {"parent": s.alice.root, "name": name}
    ),
    "register": lambda s, name: s.register(name=name),
}


@pytest.mark.parametrize("door", NAME_DOORS.values(), ids=NAME_DOORS)
def test_rows_14_to_19_a_name_that_can_not_be_used_is_refused_at_every_door(scene, door):
    for row, name in NAMES:
        error = refused(door(scene, name), 422, "name_invalid")
        assert error["field"] == "name", row
        assert error["hint"], row
        assert len(error["message"]) < 100, row  # says what is wrong, does not repeat it all
    assert scene.alice.names() == ["papers", "thesis.txt"]


def test_row_15_the_hint_says_which_character(scene):
    assert "/" in refused(scene.register(name="a/b"), 422, "name_invalid")["hint"]
    assert "\\" in refused(scene.register(name="a\\b"), 422, "name_invalid")["hint"]


def test_row_19_the_hint_says_how_many_bytes_are_allowed(scene):
    assert "255" in refused(scene.register(name="x" * 256), 422, "name_invalid")["hint"]
    assert "255" in refused(scene.register(name="x" * 5000), 422, "name_invalid")["hint"]


@pytest.mark.parametrize(
    "name",
    ["x" * 255, "é" * 127, "e\u0301" * 127, "\U0001f600" * 63, "नमस्\u200dते"],
    ids=["ascii", "composed", "decomposed", "emoji", "joiner"],
)
def test_row_19_a_name_that_just_fits_is_kept(scene, name):
    answered(scene.register(name=name, size=0, chunks=[]), 201)


@pytest.mark.parametrize("name", ["CON", "nul.txt", "COM1", "a.", "a:b", "a?"])
def test_row_20_names_that_only_windows_minds(scene, settings, name):
    answered(scene.register(name=name), 201)

    settings.WINDOWS_NAMES = "refuse"

    refused(scene.register(name=name), 422, "name_invalid")


@pytest.mark.parametrize(("there", "wanted"), [("README", "readme"), ("e\u0301", "é"), ("ß", "SS")])
@pytest.mark.parametrize("door", ["folder", "rename", "copy"])
def test_row_21_names_that_differ_in_case_or_composition_are_the_same(scene, door, there, wanted):
    other = scene.alice.folder(there)

    error = refused(NAME_DOORS[door](scene, wanted), 409, "name_taken")

    assert error["id"] == other


def test_row_21_an_upload_that_must_not_replace_anything(scene):
    error = refused(scene.register(name="THESIS.txt", on_conflict="fail"), 409, "name_taken")

    assert error["id"] == scene.file


def test_row_22_a_folder_moved_into_its_own_child(scene):
    child = scene.alice.folder("child", scene.folder)

    for target in (scene.folder, child):
        refused(scene.alice.patch(f"/api/files/{scene.folder}", {"parent": target}), 409, "cycle")


def test_row_23_deeper_than_a_hundred_levels(scene):
    at = scene.alice.root
    for _ in range(100):
        at = scene.alice.folder("d", at)

    refused(
        scene.alice.post("/api/files", {"parent": at, "name": "d", "type": "folder"}),
        422,
        "path_too_deep",
    )
    refused(scene.register(parent=at), 422, "path_too_deep")
    refused(scene.alice.post(f"/api/files/{scene.file}/copy", {"parent": at}), 422, "path_too_deep")


OPERATORS = [{"$ne": None}, {"$where": "sleep(1000)"}, ["a"], 5, True, None]


@pytest.mark.parametrize("value", OPERATORS)
@pytest.mark.parametrize("door", NAME_DOORS.values(), ids=NAME_DOORS)
def test_row_24_an_operator_in_place_of_a_name(scene, door, value):
    refused(door(scene, value), 422, "type_invalid")


@pytest.mark.parametrize("value", OPERATORS)
def test_row_24_an_operator_in_place_of_an_id(scene, value):
    refused(scene.register(parent=value), 422, "type_invalid")
    refused(scene.alice.patch(f"/api/files/{scene.file}", {"parent": value}), 422, "type_invalid")
    refused(
        scene.alice.post(f"/api/files/{scene.file}/copy", {"parent": value}), 422, "type_invalid"
    )


@pytest.mark.parametrize(
    "field", ["owner_id", "role", "quota", "quota_bytes", "id", "$where", "\ud800"]
)
def test_row_25_a_field_nobody_asked_for(scene, field):
    more = {field: 1}
    folder = {"parent": scene.alice.root, "name": "n", "type": "folder"}
    for method, path, body in [
        ("POST", "/api/files", folder | more),
        ("PATCH", f"/api/files/{scene.file}", {"name": "n"} | more),
        ("POST", f"/api/files/{scene.file}/copy", {"parent": scene.alice.root} | more),
        ("POST", f"/api/upload/{scene.upload}/chunks", {"start": 0, "chunks": []} | more),
        ("POST", f"/api/upload/{scene.upload}/stored", {"indexes": []} | more),
    ]:
        refused(scene.alice.call(method, path, body), 422, "unknown_field")
    refused(scene.register(**more), 422, "unknown_field")


PATHS_WITH_IDS = [
    ("GET", "/api/files/{}"),
    ("PATCH", "/api/files/{}"),
    ("DELETE", "/api/files/{}"),
    ("GET", "/api/files/{}/children"),
    ("GET", "/api/files/{}/versions"),
    ("GET", "/api/files/{}/content"),
    ("POST", "/api/files/{}/versions/{}/restore"),
    ("GET", "/api/download/{}"),
    ("DELETE", "/api/trash/{}"),
    ("POST", "/api/trash/{}/restore"),
    ("GET", "/api/upload/{}"),
    ("DELETE", "/api/upload/{}"),
    ("POST", "/api/upload/{}/complete"),
    ("GET", "/api/trash?space={}"),
    ("GET", "/api/changes?space={}"),
]
BAD_IDS = [
    "../../etc/passwd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "x" * 10_000,
    "not-a-uuid",
    "%00",
    "0" * 32,
    UNKNOWN,
    UNKNOWN.upper().replace("0", "A"),
    "{" + UNKNOWN + "}",
    "-1",
    "%F0%9F%98%80",
    "%FF",
]


@pytest.mark.parametrize(("method", "path"), PATHS_WITH_IDS)
def test_row_26_an_id_that_can_not_be_one_is_not_found(scene, method, path):
    body = {"name": "n"} if method == "PATCH" else None
    for bad in BAD_IDS:
        refused(scene.alice.call(method, path.replace("{}", bad), body), 404, "not_found")


@pytest.mark.parametrize(
    "bad", ["../../etc/passwd", "x" * 10_000, "", "\ud800" * 32, "a\0b", UNKNOWN]
)
def test_row_26_an_id_in_a_body_that_can_not_be_one_is_not_found(scene, bad):
    refused(scene.register(parent=bad), 404, "not_found")
    refused(scene.alice.patch(f"/api/files/{scene.file}", {"parent": bad}), 404, "not_found")
    refused(scene.alice.post(f"/api/files/{scene.file}/copy", {"parent": bad}), 404, "not_found")


def test_row_27_somebody_elses_id_is_answered_like_an_unknown_one(scene):
    bobs_file = scene.world.bob.upload("diary.txt", b"")["file"]["id"]

    theirs = scene.alice.get(f"/api/files/{bobs_file}", **{"X-Request-ID": "r"})
    unknown = scene.alice.get(f"/api/files/{UNKNOWN}", **{"X-Request-ID": "r"})

    refused(theirs, 404, "not_found")
    assert theirs.content == unknown.content


def test_row_28_completing_twice_is_the_same_version(scene):
    upload = answered(scene.register(size=0, chunks=[]), 201)["upload_id"]

    first, second = scene.alice.complete(upload), scene.alice.complete(upload)

    assert first.status_code == second.status_code == 200
    assert first.content == second.content


def test_row_29_completing_without_its_chunks(scene):
    error = refused(scene.alice.complete(scene.upload), 409, "chunks_missing")

    assert (error["count"], error["indexes"]) == (1, [0])


def test_row_30_other_bytes_than_those_announced(scene):
    slot = answered(scene.alice.get(f"/api/upload/{scene.upload}"))["chunks"][0]

    refused(scene.alice.send(slot, b"nepo"), 422, "checksum_mismatch")

    error = refused(scene.alice.complete(scene.upload), 409, "chunks_missing")
    assert error["indexes"] == [0]


def test_row_31_completing_what_was_cancelled_is_gone(scene):
    # The protocol calls it upload_gone, whether it was cancelled or has expired.
    scene.alice.delete(f"/api/upload/{scene.upload}")

    refused(scene.alice.complete(scene.upload), 410, "upload_gone")


def test_row_33_over_quota(scene):
    space = scene.alice.space
    space.quota_bytes = 6  # the open upload has reserved 4 of them
    space.save()

    error = refused(scene.register(), 507, "quota_exceeded")

    assert (error["need"], error["have"]) == (3, 2)


@pytest.mark.parametrize("if_match", ['"2"', "2", 'W/"7"', '"x"', "x", "9" * 30, '"1", "2"', "-1"])
def test_row_39_an_if_match_that_is_not_the_revision(scene, if_match):
    for method, body in [("PATCH", {"name": "n"}), ("DELETE", None)]:
        error = refused(
            scene.alice.call(method, f"/api/files/{scene.file}", body, **{"If-Match": if_match}),
            412,
            "stale",
        )
        assert error["current"] == 1


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
def test_row_40_a_body_that_is_not_called_json(scene, content_type):
    body = json.dumps({"parent": scene.alice.root, "name": "n", "type": "folder"}).encode()

    response = scene.raw(body, content_type=content_type)

    refused(response, 415, "media_type_unsupported")


def test_row_40_a_charset_beside_the_type_is_fine(scene):
    body = json.dumps({"parent": scene.alice.root, "name": "n", "type": "folder"}).encode()

    assert scene.raw(body, content_type="application/json; charset=utf-8").status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("TRACE", "/api/files/{file}", {"GET", "PATCH", "DELETE"}),
        ("PUT", "/api/files/{file}", {"GET", "PATCH", "DELETE"}),
        ("DELETE", "/api/files", {"POST"}),
        ("GET", "/api/upload/{upload}/complete", {"POST"}),
        ("POST", "/api/download/{file}", {"GET"}),
        ("BREW", "/api/spaces", {"GET"}),
    ],
)
def test_row_40_a_method_that_is_not_offered_is_told_which_are(scene, method, path, allowed):
    response = scene.alice.call(method, scene.fill(path))

    refused(response, 405, "method_not_allowed")
    assert allowed <= set(response["Allow"].split(", "))


def test_row_40_a_body_on_a_get_is_ignored(scene):
    response = scene.alice.call("GET", f"/api/files/{scene.file}", {"name": "ignored"})

    assert answered(response)["name"] == "thesis.txt"


def test_row_41_a_host_that_is_not_ours(scene):
    headers = {"Authorization": f"Bearer {scene.alice.token}"}
    front = TestClient(asgi.application, base_url="http://evil.example")

    refused(front.get(f"/api/files/{scene.file}", headers=headers), 400, "host_invalid")
    assert scene.alice.get(f"/api/files/{scene.file}", Host="evil.example").status_code == 400


def test_row_41_headers_without_end(scene):
    front = TestClient(asgi.application, base_url="http://localhost")

    response = front.get("/api/spaces", headers={"X-Long": "x" * 65_536})

    refused(response, 400, "headers_too_large")


PAGED = [
    "/api/files/{folder}/children?",
    "/api/files/{file}/versions?",
    "/api/trash?",
    "/api/spaces?",
    "/api/changes?",
]


@pytest.mark.parametrize("path", PAGED)
def test_row_42_a_forged_cursor(scene, path):
    for cursor in ["x", "eyJhIjoxfQ", "a:b", "%00", "x" * 5000, "WzFd:abc", "%FF"]:
        refused(scene.alice.get(f"{scene.fill(path)}cursor={cursor}"), 400, "cursor_invalid")


@pytest.mark.parametrize("path", [*PAGED, "/api/upload/{upload}?", "/api/download/{file}?"])
def test_row_42_a_limit_is_clamped_to_its_range_and_must_be_a_number(scene, path):
    for limit in ["-1", "0", "1000000000", "9" * 5000, "%2B5"]:
        answered(scene.alice.get(f"{scene.fill(path)}limit={limit}"))
    for limit in ["x", "", "1.5", "1e3", "%D9%A3", "0x1"]:
        refused(scene.alice.get(f"{scene.fill(path)}limit={limit}"), 422, "limit_invalid")


def test_row_42_a_wait_is_clamped_to_its_range_and_must_be_a_number(scene):
    for wait in ["-1", "0", "-1000000000", "-" + "9" * 5000]:
        answered(scene.alice.get(f"/api/changes?wait={wait}"))
    for wait in ["x", "", "1.5", "1e3"]:
        refused(scene.alice.get(f"/api/changes?wait={wait}"), 422, "wait_invalid")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("on_conflict", "overwrite", "on_conflict_invalid"),
        ("on_conflict", None, "on_conflict_invalid"),
        ("content_type", "nonsense", "content_type_invalid"),
        ("content_type", "text/plain\r\nX-Evil: 1", "content_type_invalid"),
        ("content_type", "text/plain\n; charset=utf-8", "content_type_invalid"),
        ("content_type", "text/" + "x" * 300, "content_type_invalid"),
        ("content_type", 5, "content_type_invalid"),
        ("modified_at", "yesterday", "time_invalid"),
        ("modified_at", "1000000-01-01T00:00:00Z", "time_invalid"),
        ("modified_at", "2026-02-30T00:00:00Z", "time_invalid"),
        ("modified_at", "2026-02-03T00:00:00", "time_invalid"),
        ("modified_at", 1700000000, "time_invalid"),
        ("if_match", 5, "type_invalid"),
        ("chunks", None, "type_invalid"),
        ("chunks", {}, "type_invalid"),
    ],
)
def test_a_field_of_an_upload_that_makes_no_sense(scene, field, value, code):
    error = refused(scene.register(**{field: value}), 422, code)

    assert error["field"] == field


@pytest.mark.parametrize("field", ["parent", "name", "size", "chunks"])
def test_a_field_of_an_upload_that_is_missing(scene, field):
    body = {"parent": scene.alice.root, "name": "n", "size": 0, "chunks": []}
    del body[field]

    error = refused(scene.alice.post("/api/upload/chunk/register", body), 422, "field_required")

    assert error["field"] == field


@pytest.mark.parametrize("kind", ["file", "vault", "", None, 1, ["folder"]])
def test_only_folders_are_made_without_an_upload(scene, kind):
    body = {"parent": scene.alice.root, "name": "n", "type": kind}

    error = refused(scene.alice.post("/api/files", body), 422, "type_invalid")

    assert error["field"] == "type"


@pytest.mark.parametrize(
    "query", ["sort=owner", "sort=", "sort=name;drop", "order=up", "order=", "order=-name"]
)
def test_a_listing_in_an_order_that_does_not_exist(scene, query):
    refused(
        scene.alice.get(f"/api/files/{scene.folder}/children?{query}"),
        422,
        f"{query.partition('=')[0]}_invalid",
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/archive"),
        ("GET", "/api/events"),
        ("GET", "/api/"),
    ],
)
def test_routes_that_are_not_built_yet_are_not_found(scene, method, path):
    refused(scene.alice.call(method, path), 404, "not_found")


def test_a_name_that_would_break_a_header_never_gets_into_one(scene):
    done = scene.alice.upload('a"; filename=evil.exe', b"")

    location = scene.alice.get(f"/api/files/{done['file']['id']}/content")["Location"]

    assert "\n" not in location
    assert path_of(location).isascii()


@pytest.mark.parametrize(
    ("accept", "status"),
    [("*/*", 200), ("application/json", 200), ("text/html", 200), ("nonsense", 406), ("a/b", 406)],
)
def test_whatever_is_accepted_the_answer_is_json(scene, accept, status):
    response = scene.alice.get(f"/api/files/{scene.file}", Accept=accept)

    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    assert "name" in response.json() or response.json()["error"]["code"] == "not_acceptable"
