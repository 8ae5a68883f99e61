"""Sign-ins may not take the memory that files need."""

import threading
from concurrent.futures import ThreadPoolExecutor

from argon2 import extract_parameters
from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts.hashers import AT_ONCE, BoundedArgon2Hasher


def test_a_password_is_recognised_and_another_is_not():
    hasher = BoundedArgon2Hasher()
    encoded = hasher.encode("correct horse battery", hasher.salt())

    assert hasher.verify("correct horse battery", encoded)
    assert not hasher.verify("correct horse batterY", encoded)


def test_the_hash_is_argon2id_within_its_budget():
    hasher = BoundedArgon2Hasher()
    encoded = hasher.encode("correct horse battery", hasher.salt())

    parameters = extract_parameters(encoded.removeprefix("argon2"))

    assert parameters.type.name == "ID"
    assert parameters.memory_cost == 19 * 1024
    assert parameters.time_cost == 2


def test_a_weaker_hash_is_renewed_at_the_next_sign_in():
    weak = BoundedArgon2Hasher()
    weak.memory_cost = 1024
    encoded = weak.encode("correct horse battery", weak.salt())

    assert BoundedArgon2Hasher().must_update(encoded)


def test_only_a_few_are_computed_at_once(monkeypatch):
    running, most = 0, 0
    counting = threading.Lock()
    together = threading.Barrier(AT_ONCE)

    def verify(self, password, encoded):
        nonlocal running, most
        with counting:
            running += 1
            most = max(most, running)
        together.wait(10)
        with counting:
            running -= 1
        return True

    monkeypatch.setattr(Argon2PasswordHasher, "verify", verify)
    with ThreadPoolExecutor(8 * AT_ONCE) as pool:
        done = list(pool.map(lambda _: BoundedArgon2Hasher().verify("a", "b"), range(8 * AT_ONCE)))

    assert all(done)
    assert most == AT_ONCE
