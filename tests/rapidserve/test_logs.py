import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapidserve.observability.logs import LineFormatter, without_secrets
from rapidserve.observability.requests import current_request_id


def line(message, *args, exc_info=None):
    record = logging.LogRecord("files", logging.INFO, __file__, 1, message, args, exc_info)
    return LineFormatter().format(record)


def test_a_record_is_time_level_logger_request_and_message():
    token = current_request_id.set("r-1")
    try:
        parts = line("Stored %d chunks", 3).split(" ", 4)
    finally:
        current_request_id.reset(token)

    assert parts[0].endswith("Z")
    assert parts[1:] == ["INFO", "files", "r-1", "Stored 3 chunks"]


def test_outside_a_request_there_is_a_dash():
    assert line("Sweeping").split(" ")[3] == "-"


@given(st.text())
def test_whatever_is_logged_is_one_line(text):
    assert len(line("name: %s", text).splitlines()) == 1


def test_a_traceback_follows_indented():
    error = ValueError("first\n2026 ERROR forged")

    lines = line("Failed", exc_info=(ValueError, error, None)).splitlines()

    assert lines[0].endswith("Failed")
    assert all(following.startswith("    ") for following in lines[1:])
    assert any("ValueError: first" in following for following in lines[1:])


@pytest.mark.parametrize(
    "text",
    [
        "GET /d/chunk/TopSecret.123-abc HTTP/1.1",
        "GET /d/file/TopSecret.123-abc/name.txt",
        "http://host/d/upload/TopSecret.123-abc?x=1",
        "Authorization: Bearer TopSecret.123-abc",
        "{'authorization': 'Bearer TopSecret.123-abc'}",
        "('AUTHORIZATION', 'Basic TopSecret.123-abc')",
        '"Authorization": "TopSecret.123-abc"',
        "bearer TopSecret.123-abc",
        "token rs_TopSecret123abc of alice",
        "grant lg_TopSecret123abc",
    ],
)
def test_tokens_never_reach_the_log(text):
    assert "TopSecret" not in line("%s", text)
    assert "[hidden]" in line("%s", text)


@pytest.mark.parametrize(
    "text", ["GET /api/files/1", "the author wrote authorization rules", "/d/", "rs_1"]
)
def test_other_text_stays_readable(text):
    assert without_secrets(text).replace("[hidden]", "rules") == text
