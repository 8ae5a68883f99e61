"""A passkey that says it was asked by whatever page a test names, which no browser would let it."""

import json
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

PRESENT_AND_VERIFIED = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


class Passkey:
    def __init__(self, host: str) -> None:
        self._host = sha256(host.encode()).digest()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = b"key of alice"

    def registered(self, challenge: str, origin: Any) -> str:
        """What a browser sends when it was made."""
        public = ES256.from_cryptography_key(self._key.public_key())
        made = AttestedCredentialData.create(Aaguid.NONE, self._id, public)
        flags = PRESENT_AND_VERIFIED | AuthenticatorData.FLAG.AT
        told = AuthenticatorData.create(self._host, flags, 0, made)
        client = CollectedClientData.create("webauthn.create", challenge, origin)
        attested = AttestationObject.create("none", told, {})
        return self._sent(client, {"attestationObject": websafe_encode(attested)})

    def answered(self, challenge: str, origin: Any, *, handle: str) -> str:
        """What a browser sends when it was used by the person of this handle."""
        told = AuthenticatorData.create(self._host, PRESENT_AND_VERIFIED, 1)
        client = CollectedClientData.create("webauthn.get", challenge, origin)
        signature = self._key.sign(told + client.hash, ec.ECDSA(hashes.SHA256()))
        return self._sent(
            client,
            {
                "authenticatorData": websafe_encode(told),
                "signature": websafe_encode(signature),
                "userHandle": websafe_encode(handle.encode()),
            },
        )

    def _sent(self, client: CollectedClientData, response: dict[str, str]) -> str:
        return json.dumps(
            {
                "id": websafe_encode(self._id),
                "rawId": websafe_encode(self._id),
                "type": "public-key",
                "response": {"clientDataJSON": websafe_encode(client), **response},
                "clientExtensionResults": {"credProps": {"rk": True}},
            }
        )
