"""Uploads that end without a file: DELETE /api/upload/{id}, and seven days without activity."""

import datetime as dt

import pytest
from django.utils import timezone

from files import tasks
from files.content.collect import collect
from files.models import Upload
from tests.files.api.answers import answered, node_objects, refused


@pytest.fixture
def upload(world):
    return answered(world.alice.register("a.txt", b"bytes"), 201)


def cancel(world, upload):
    return world.alice.delete(f"/api/upload/{upload['upload_id']}")


def let_expire(upload):
    past = timezone.now() - dt.timedelta(seconds=1)
    Upload.objects.filter(id=upload["upload_id"]).update(expires_at=past)


def sweep():
    tasks.expire_uploads.call_local()


def assert_gone(world, upload):
    path = f"/api/upload/{upload['upload_id']}"
    refused(world.alice.get(path), 410, "upload_gone")
    refused(world.alice.delete(path), 410, "upload_gone")
    refused(world.alice.post(f"{path}/complete"), 410, "upload_gone")
    refused(world.alice.post(f"{path}/stored", {"indexes": [0]}), 410, "upload_gone")
    more = {"start": 0, "chunks": []}
    refused(world.alice.post(f"{path}/chunks", more), 410, "upload_gone")


def test_cancelling_says_nothing_and_ends_it(world, upload):
    response = cancel(world, upload)

    assert (response.status_code, response.content) == (204, b"")
    assert_gone(world, upload)


def test_an_upload_whose_time_is_over_is_gone_before_anybody_swept(world, upload):
    let_expire(upload)

    assert_gone(world, upload)


def test_an_upload_that_was_swept_is_gone(world, upload):
    let_expire(upload)
    sweep()

    assert_gone(world, upload)


def test_the_sweeper_leaves_what_still_has_time(world, upload):
    sweep()

    assert answered(world.alice.get(f"/api/upload/{upload['upload_id']}"))["chunks"]


@pytest.mark.parametrize("ends", ["cancelled", "expired"])
def test_what_was_reserved_is_given_back_once(world, upload, ends):
    assert world.alice.space.reserved_bytes == 5

    if ends == "cancelled":
        cancel(world, upload)
    else:
        let_expire(upload)
    sweep()
    sweep()

    assert (world.alice.space.reserved_bytes, world.alice.space.used_bytes) == (0, 0)


def test_the_bytes_that_had_come_are_collected(world, upload):
    world.alice.send_all(upload, b"bytes")
    assert node_objects()

    cancel(world, upload)
    collect()

    assert node_objects() == set()


def test_the_same_file_registered_again_is_a_new_upload(world, upload):
    cancel(world, upload)

    again = answered(world.alice.register("a.txt", b"bytes"), 201)

    assert again["upload_id"] != upload["upload_id"]
    assert again["chunks"][0]["state"] == "upload"


def test_an_expired_upload_is_not_gone_on_with(world, upload):
    let_expire(upload)

    again = answered(world.alice.register("a.txt", b"bytes"), 201)

    assert again["upload_id"] != upload["upload_id"]
