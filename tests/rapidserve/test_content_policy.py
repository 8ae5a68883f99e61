"""What pages may load, run and talk to."""

from django.test import Client


def test_pages_run_only_our_own_scripts_and_talk_only_to_us(client: Client, db) -> None:
    page = client.get("/login")

    directives = (part.split() for part in page["Content-Security-Policy"].split(";"))
    assert {name: values for name, *values in directives} == {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "worker-src": ["'self'"],
        "connect-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
