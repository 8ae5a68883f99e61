"""No address outlives the token it was given to."""

import time
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import ApiToken


def test_addresses_end_with_the_token(world):
    alice = world.alice
    file_id = alice.upload("a.bin", b"content")["file"]["id"]
    soon = timezone.now() + timedelta(seconds=100)
    ApiToken.objects.update(expires_at=soon)

    manifest = alice.get(f"/api/download/{file_id}").json()
    upload = alice.register("b.bin", b"other content").json()

    for told in (manifest["expires_at"], upload["chunks"][0]["expires_at"]):
        assert datetime.fromisoformat(told) <= soon


def test_addresses_live_their_time_when_the_token_lives_longer(world, settings):
    alice = world.alice
    upload = alice.register("b.bin", b"other content").json()

    told = datetime.fromisoformat(upload["chunks"][0]["expires_at"]).timestamp()

    assert abs(told - time.time() - settings.UPLOAD_URL_SECONDS) <= 5
