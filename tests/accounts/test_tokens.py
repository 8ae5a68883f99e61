import hashlib

import pytest

from accounts import tokens
from accounts.scopes import ALL, FILES_READ, FILES_WRITE, files_scope


def test_a_token_has_the_prefix_and_256_random_bits():
    made = {tokens.new_token() for _ in range(100)}

    assert len(made) == 100
    assert all(tokens.is_token(token) and token.startswith("rs_") for token in made)
    assert {len(token) for token in made} == {3 + 43}


@pytest.mark.parametrize(
    "text",
    ["", "rs_", "rs_" + "a" * 42, "rs_" + "a" * 44, "lg_" + "a" * 43, "rs_" + "é" * 43,
     "RS_" + "a" * 43, "rs_" + "a" * 43 + "\n", "rs_" + "a" * 1_000_000],
)  # fmt: skip
def test_what_has_another_shape_is_no_token(text):
    assert not tokens.is_token(text)


def test_the_digest_is_sha_256():
    assert tokens.digest("rs_x") == hashlib.sha256(b"rs_x").hexdigest()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_need_the_scope_to_read(method):
    assert files_scope(method) == FILES_READ


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "", "get"])
def test_every_other_method_needs_the_scope_to_write(method):
    assert files_scope(method) == FILES_WRITE


def test_the_scopes_are_these():
    assert ALL == ("files:read", "files:write", "account")
