"""Does a connection to NATS log in as the server asks for it, and say why it cannot?"""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from parcours.nats_connection import JetStreamError, NatsAway, NatsConnection, NatsLogin
from parcours.testing.doubles import NatsServer

KINDS: Final = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
SEED: Final = 18 << 3


def asked(server: NatsServer, **login: Any) -> dict[str, Any]:
    """What JetStream answers to whoever logs in so."""

    async def ask() -> dict[str, Any]:
        connection = NatsConnection(NatsLogin.model_validate({"url": server.url, **login}), "test")
        try:
            return await connection.ask("INFO")
        finally:
            await connection.close()

    return asyncio.run(ask())


class Identity:
    """A key of NATS's, with what it signs."""

    def __init__(self, kind: str) -> None:
        self._prefix = KINDS[kind]
        self._key = Ed25519PrivateKey.generate()

    @property
    def public(self) -> str:
        return _written(bytes([self._prefix]) + self._key.public_key().public_bytes_raw())

    @property
    def seed(self) -> str:
        first = SEED | (self._prefix >> 5), (self._prefix & 31) << 3
        return _written(bytes(first) + self._key.private_bytes_raw())

    def token(self, subject: Identity, name: str, claims: Mapping[str, object]) -> str:
        """A JWT, in which it says who another one is."""
        told = {
            "jti": name, "iat": 1_700_000_000, "iss": self.public, "sub": subject.public, "name": name, "nats": claims,
        }  # fmt: skip
        parts = [_encoded(json.dumps(each).encode()) for each in ({"typ": "JWT", "alg": "ed25519-nkey"}, told)]
        text = ".".join(parts)
        return f"{text}.{_encoded(self._key.sign(text.encode()))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _written(data: bytes) -> str:
    """In base 32, with a checksum (CRC-16/XMODEM)."""
    checksum = 0
    for byte in data:
        checksum ^= byte << 8
        for _ in range(8):
            checksum = (checksum << 1) ^ (0x1021 if checksum & 0x8000 else 0)
        checksum &= 0xFFFF
    return base64.b32encode(data + checksum.to_bytes(2, "little")).decode().rstrip("=")


def test_a_file_of_credentials_logs_in() -> None:
    operator, system, account, user = (Identity(kind) for kind in ("operator", "account", "account", "user"))
    limits = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "conn": -1, "leaf": -1}
    streams = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    of_system = {"limits": {**limits, "wildcards": True}, "type": "account", "version": 2}
    of_account = {**of_system, "limits": {**of_system["limits"], **streams}}  # type: ignore[dict-item]
    more = f"""
operator: {operator.token(operator, "O", {"type": "operator", "version": 2})}
system_account: {system.public}
resolver: MEMORY
resolver_preload: {{
  {system.public}: {operator.token(system, "S", of_system)}
  {account.public}: {operator.token(account, "A", of_account)}
}}
"""
    of_user = {"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1, "type": "user", "version": 2}
    credentials = f"""
-----BEGIN NATS USER JWT-----
{account.token(user, "u", of_user)}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
{user.seed}
------END USER NKEY SEED------
"""
    with NatsServer(more=more) as server:
        assert asked(server, credentials=credentials)["streams"] == 0
        with pytest.raises(NatsAway, match="Authorization"):
            asked(server, credentials=credentials.replace(user.seed, Identity("user").seed))


@pytest.mark.parametrize(
    ("more", "login", "wrong"),
    [
        ('authorization: {user: "a", password: "b"}', {"user": "a", "password": "b"}, {"user": "a", "password": "c"}),
        ('authorization: {token: "t"}', {"token": "t"}, {}),
    ],
)
def test_a_password_or_a_token_logs_in(more: str, login: dict[str, str], wrong: dict[str, str]) -> None:
    with NatsServer(more=more) as server:
        assert asked(server, **login)["streams"] == 0
        with pytest.raises(NatsAway, match=r"no connection to NATS: .*Authorization"):
            asked(server, **wrong)


def test_certificates_say_who_both_are(tmp_path: Path) -> None:
    certificate, key = _self_signed()
    (tmp_path / "cert.pem").write_text(certificate)
    (tmp_path / "key.pem").write_text(key)
    more = f'tls: {{cert_file: "{tmp_path}/cert.pem", key_file: "{tmp_path}/key.pem"'
    more += f', ca_file: "{tmp_path}/cert.pem", verify: true}}'
    with NatsServer(more=more) as server:
        ours = {"ca": certificate, "certificate": certificate, "key": key}
        assert asked(server, tls=ours)["streams"] == 0
        for wrong in ({"ca": certificate}, {"certificate": certificate, "key": key}):
            with pytest.raises(NatsAway):
                asked(server, tls=wrong)


def _self_signed() -> tuple[str, str]:
    """A certificate for this machine, for servers and clients, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem).decode(), private.decode()


@pytest.mark.parametrize(
    ("credentials", "said"),
    [
        ("nats.creds", "they have no USER NKEY SEED: give what a .creds file holds, by file:PATH"),
        ("-----BEGIN USER NKEY SEED-----\nSU!\n", "the seed in them cannot be read"),
    ],
)
def test_credentials_that_are_none_are_told_without_being_shown(credentials: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        NatsLogin.model_validate({"url": "nats://127.0.0.1", "credentials": credentials})


def test_a_server_without_jetstream_is_told() -> None:
    with NatsServer(more="jetstream: disabled") as server, pytest.raises((NatsAway, JetStreamError), match="JetStream"):
        asked(server)


def test_nobody_there_is_told() -> None:
    with NatsServer() as server:
        server.kill()
        with pytest.raises(NatsAway, match="no connection to NATS: .*127.0.0.1"):
            asked(server)
        server.start_again()


def test_a_certificate_that_is_none_is_told() -> None:
    with pytest.raises(ValueError, match="these are no certificates in PEM"):
        NatsLogin.model_validate({"url": "nats://127.0.0.1", "tls": {"ca": "ca.pem"}})


@pytest.mark.parametrize("url", ["nats://", "nats://127.0.0.1:port", "http://127.0.0.1", "a,,b"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(ValueError, match="servers are expected as nats://host:4222 or tls://host:4222"):
        NatsLogin(url=url)
