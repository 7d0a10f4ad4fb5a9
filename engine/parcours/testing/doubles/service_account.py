"""A made-up Google service account: its key file, and the check of the assertions signed with it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
AUDIENCE = "https://oauth2.googleapis.com/token"
"""The audience in assertions by Google's own library, wherever the key file's token_uri points."""

LIFETIME_S_MAX = 3600
CLOCK_SKEW_S = 60
"""How far ahead of ours the client's clock may be."""


class ServiceAccount:
    """One account with a fresh RSA key."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.email = f"parcours@{project}.iam.gserviceaccount.com"
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def to_json(self, token_uri: str) -> str:
        """The key file in Google's form."""
        key = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return json.dumps(
            {
                "type": "service_account",
                "project_id": self.project,
                "private_key_id": "1",
                "private_key": key.decode(),
                "client_email": self.email,
                "client_id": "1",
                "token_uri": token_uri,
            }
        )

    def wrong_with(self, form: Mapping[str, str], token_uri: str, now_s: int) -> str | None:
        """The error in a token request (RFC 7523), None if there is none. `now_s`: seconds since 1970."""
        if form.get("grant_type") != GRANT_TYPE:
            return f"the grant_type is not {GRANT_TYPE}"
        parts = form.get("assertion", "").split(".")
        try:
            header, claims = (json.loads(_decoded(part)) for part in parts[:2])
            signature = _decoded(parts[2])
        except (ValueError, IndexError):
            return "the assertion is not a JWT"
        if header.get("alg") != "RS256":
            return "the assertion is not signed with RS256"
        if not self._has_signed(f"{parts[0]}.{parts[1]}".encode(), signature):
            return "Invalid JWT Signature."
        return self._wrong_with_claims(claims, token_uri, now_s)

    def _has_signed(self, signed: bytes, signature: bytes) -> bool:
        try:
            self._key.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def _wrong_with_claims(self, claims: Mapping[str, Any], token_uri: str, now_s: int) -> str | None:
        issued_s, expires_s = claims.get("iat", 0), claims.get("exp", 0)
        rules = {
            f"iss is not {self.email}": claims.get("iss") == self.email,
            f"aud is neither {AUDIENCE} nor {token_uri}": claims.get("aud") in {AUDIENCE, token_uri},
            f"scope lacks {SCOPE}": SCOPE in str(claims.get("scope", "")).split(),
            "iat lies in the future": issued_s <= now_s + CLOCK_SKEW_S,
            "exp has passed": expires_s > now_s,
            "exp lies more than an hour after iat": expires_s - issued_s <= LIFETIME_S_MAX,
        }
        return next((rule for rule, kept in rules.items() if not kept), None)


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as broken:
        raise ValueError("not base64") from broken
