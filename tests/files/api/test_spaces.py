"""GET /api/spaces: the spaces one sees."""

from files.chunkstore.chunk import CHUNK_SIZE
from files.content.verify import verify
from tests.files.api.answers import answered
from tests.world import described


def own_space(person):
    (space,) = answered(person.get("/api/spaces"))["results"]
    return space


def test_everybody_has_one_personal_space(world):
    space = world.alice.space

    body = answered(world.alice.get("/api/spaces"))

    assert body == {
        "results": [
            {
                "id": str(space.id),
                "name": "alice",
                "kind": "personal",
                "root": world.alice.root,
                "role": "owner",
                "quota_bytes": None,
                "used_bytes": 0,
                "stored_bytes": 0,
            }
        ],
        "next": None,
    }


def test_somebody_elses_space_is_not_listed(world):
    assert own_space(world.alice)["id"] != own_space(world.bob)["id"]


def test_used_counts_every_version_and_stored_counts_each_chunk_once(world):
    alice = world.alice
    zeros = bytes(2 * CHUNK_SIZE)
    alice.upload("zeros", zeros)  # two equal chunks
    alice.upload("zeros", bytes(CHUNK_SIZE) + b"end")  # a version that shares them
    alice.upload("copy", b"end")

    space = own_space(alice)

    assert space["used_bytes"] == 2 * CHUNK_SIZE + (CHUNK_SIZE + 3) + 3
    assert space["stored_bytes"] == CHUNK_SIZE + 3


def test_what_another_space_holds_too_counts_in_both(world):
    world.alice.upload("a", b"shared content")
    world.bob.upload("b", b"shared content")

    for person in (world.alice, world.bob):
        assert own_space(person)["stored_bytes"] == 14


def test_an_open_upload_is_neither_used_nor_stored_yet(world):
    upload = answered(world.alice.register("a", b"bytes"), 201)
    world.alice.send_all(upload, b"bytes")
    answered(world.alice.get(f"/api/upload/{upload['upload_id']}"))

    space = own_space(world.alice)

    assert (space["used_bytes"], space["stored_bytes"]) == (0, 0)


def test_removing_for_good_frees_and_trashing_does_not(world):
    file = world.alice.upload("a", b"bytes")["file"]["id"]
    world.alice.delete(f"/api/files/{file}")
    assert own_space(world.alice)["stored_bytes"] == 5

    world.alice.delete(f"/api/trash/{file}")

    space = own_space(world.alice)
    assert (space["used_bytes"], space["stored_bytes"]) == (0, 0)


def test_the_quota_is_told(world):
    space = world.alice.space
    space.quota_bytes = 1000
    space.save()

    assert own_space(world.alice)["quota_bytes"] == 1000


def test_the_chunk_of_a_pack_is_stored_until_the_last_of_its_files_is_gone(world):
    alice = world.alice
    files = {"a": b"first", "b": b"second"}
    packed = answered(alice.pack([(described(name, data), data) for name, data in files.items()]))
    ids = [result["file"]["id"] for result in packed["results"]]
    answered(alice.pack([(described(f"again {name}", b""), b"") for name in files]))
    seen = [own_space(alice)]

    for file in ids:
        alice.delete(f"/api/files/{file}")
        alice.delete(f"/api/trash/{file}")
        seen.append(own_space(alice))

    numbers = [(space["used_bytes"], space["stored_bytes"]) for space in seen]
    assert numbers == [(11, 11), (6, 11), (0, 0)]
    assert [finding for finding in verify() if finding.is_damage] == []


def test_a_pack_of_what_the_space_holds_already_stores_nothing_more(world):
    alice = world.alice
    for name in ("once", "twice"):
        answered(alice.pack([(described(name, b"same"), b"same")]))

    space = own_space(alice)

    assert (space["used_bytes"], space["stored_bytes"]) == (8, 4)
    assert [finding for finding in verify() if finding.is_damage] == []
