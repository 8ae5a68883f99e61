import string

import pytest

from files.tickets import (
    MAX_TICKET_CHARS,
    ChunkTicket,
    FileTicket,
    PutTicket,
    open_ticket,
    seal,
    ticket_key,
)
from rapidserve.errors import TokenRefused

KEY = ticket_key("only for tests")
NOW = 1_800_000_000
EPOCHS = (("5" * 32, 0), ("6" * 32, 3))
PUT = PutTicket(NOW + 60, EPOCHS, "1" * 32, "a" * 32, "main", 4_194_304, "b" * 64, "")
CHUNK = ChunkTicket(NOW + 60, EPOCHS, "1" * 32, "2" * 32, 7, "3" * 32, "4" * 32)
FILE = FileTicket(
    NOW + 60, EPOCHS, "1" * 32, "2" * 32, "3" * 32, "", "東京 “shoot”.mov", inline=True
)


@pytest.mark.parametrize("ticket", [PUT, CHUNK, FILE], ids=lambda ticket: ticket.kind)
def test_a_ticket_says_what_was_signed(ticket):
    assert open_ticket(seal(ticket, KEY), type(ticket), KEY, now=NOW) == ticket


def test_altering_any_character_makes_it_invalid():
    text = seal(CHUNK, KEY)
    alphabet = string.ascii_letters + string.digits + "-_."
    for position, character in enumerate(text):
        for other in {
            alphabet[(alphabet.index(character) + step) % len(alphabet)] for step in (1, 2, 31)
        }:
            altered = text[:position] + other + text[position + 1 :]
            with pytest.raises(TokenRefused) as refused:
                open_ticket(altered, ChunkTicket, KEY, now=NOW)
            assert refused.value.code == "token_invalid", (position, other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a",
        "a.b",
        "=.=",
        "é.é",
        "🙂",
        "A" * (MAX_TICKET_CHARS + 1),
        "eyJhbGciOiJub25lIn0.e30.",
    ],
)
def test_what_was_never_signed_is_invalid(text):
    with pytest.raises(TokenRefused) as refused:
        open_ticket(text, ChunkTicket, KEY, now=NOW)
    assert refused.value.code == "token_invalid"


def test_it_expires_to_the_second():
    text = seal(CHUNK, KEY)
    open_ticket(text, ChunkTicket, KEY, now=CHUNK.expires_at - 0.001)
    with pytest.raises(TokenRefused) as refused:
        open_ticket(text, ChunkTicket, KEY, now=CHUNK.expires_at)
    assert refused.value.code == "token_expired"


@pytest.mark.parametrize(
    ("ticket", "kind"), [(PUT, ChunkTicket), (CHUNK, PutTicket), (FILE, ChunkTicket)]
)
def test_a_ticket_for_one_thing_is_not_one_for_another(ticket, kind):
    with pytest.raises(TokenRefused) as refused:
        open_ticket(seal(ticket, KEY), kind, KEY, now=NOW)
    assert refused.value.code == "token_invalid"


def test_another_installations_ticket_is_invalid():
    with pytest.raises(TokenRefused):
        open_ticket(seal(CHUNK, ticket_key("another secret")), ChunkTicket, KEY, now=NOW)


def test_the_longest_name_still_fits():
    ticket = FileTicket(
        NOW + 60, EPOCHS, "1" * 32, "2" * 32, "3" * 32, "4" * 32, "語" * 85, inline=False
    )
    text = seal(ticket, KEY)
    assert len(text) < MAX_TICKET_CHARS
    assert open_ticket(text, FileTicket, KEY, now=NOW) == ticket
