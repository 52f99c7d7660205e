"""An external issuer for tests, with a real key for every accepted algorithm."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.clients import Client

ISSUER, AUDIENCE = "https://issuer.example", "tintype"
KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def public_pem(key: Any) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def external_token(
    algorithm: str = "RS256", headers: dict[str, str] | None = None, key: Any = None, **claims: Any
) -> str:
    """Sign a token; a claim of None is left out."""
    payload = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "person-7", "jti": uuid.uuid4().hex,
        "preferred_username": "ada", "name": "Ada L.",
        "exp": datetime.now(UTC) + timedelta(hours=1), **claims,
    }  # fmt: skip
    payload = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(payload, key or KEYS[algorithm], algorithm, headers)


def current_user(token: str) -> Any:
    """Return the account that a token signs in to, or the status of the refusal."""
    response = Client(headers={"Authorization": f"Bearer {token}"}).get("/auth/currentUser")
    return response.json() if response.status_code == 200 else response.status_code
