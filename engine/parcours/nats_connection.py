"""A connection to NATS: how one logs in, and questions to JetStream.

Nothing connects again by itself: whoever finds the connection closed asks for a new one, so that what was under way
when it broke is known to have been.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import tempfile
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakKeyDictionary

import msgspec
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

if TYPE_CHECKING:
    from nats.aio.client import Client

T = TypeVar("T")

CONNECT_S: Final = 5
"""How long one attempt to connect may take, for all servers that are named."""

ANSWER_S: Final = 5
"""How long an answer of JetStream may take."""

PING_EVERY_S: Final = 20
"""After three times that, a connection of which nobody hears anything is a broken one."""

SEED: Final = "USER NKEY SEED"
JWT: Final = "NATS USER JWT"


class NatsAway(Exception):
    """The server cannot be reached, takes no login, or does not answer."""


class JetStreamError(Exception):
    """JetStream has answered that it will not: `code` is as in HTTP, `err_code` its own."""

    def __init__(self, code: int, err_code: int, description: str) -> None:
        super().__init__(code, err_code, description)
        self.code = code
        self.err_code = err_code
        self.description = description

    def __str__(self) -> str:
        return f"JetStream answers {self.description} ({self.err_code})"


class NatsTls(BaseModel):
    """How the server and we show who we are: texts of PEM, as `file:ca.pem` refers to one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca: str | None = Field(
        None, description="The certificates that may have signed the server's; the system's without it."
    )
    certificate: str | None = Field(None, description="Our own certificate.")
    key: SecretStr | None = Field(None, description="The key of our own certificate.")
    first: bool = Field(False, description="Whether the server expects TLS before it says anything.")


class NatsLogin(BaseModel):
    """Where the server is, and by what it knows us."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(min_length=1, description="Where the server is, or several of a cluster, with commas between.")
    user: str | None = Field(None, description="The user, with a password.")
    password: SecretStr | None = Field(None, description="The user's password.")
    token: SecretStr | None = Field(None, description="A token, where the server asks for one.")
    credentials: SecretStr | None = Field(
        None, description="What a .creds file holds, as file:nats.creds refers to it."
    )
    tls: NatsTls | None = Field(None, description="Certificates, where those of the system are not enough.")

    @field_validator("credentials")
    @classmethod
    def _are_readable(cls, credentials: SecretStr | None) -> SecretStr | None:
        if credentials is not None:
            _seed(credentials.get_secret_value())
        return credentials


class NatsConnection:
    """One connection at a time. `name` is what operators of the server see."""

    def __init__(self, server: NatsLogin, name: str) -> None:
        self._server = server
        self._name = name
        self._turn = asyncio.Lock()
        self._client: Client | None = None
        self._broken: WeakKeyDictionary[Client, asyncio.Future[None]] = WeakKeyDictionary()

    async def client(self) -> Client:
        """The connection, a new one where there is none. Raises NatsAway."""
        async with self._turn:
            if self._client is None or not self._client.is_connected:
                await self.close()
                self._client = await self._connected()
            return self._client

    async def tried(self) -> Client:
        """The connection, once the server has answered by it: it may be gone without a word. Raises NatsAway."""
        from nats.errors import Error

        client = await self.client()
        try:
            await self.unless_broken(client, client.flush(ANSWER_S), ANSWER_S)
        except (Error, OSError, TimeoutError) as error:
            await self.close()
            raise NatsAway(f"the server does not answer: {words_of(error)}") from error
        return client

    async def unless_broken(self, client: Client, waited_for: Awaitable[T], within_s: float) -> T:
        """What it brings. Raises NatsAway where the client's connection breaks meanwhile, and TimeoutError."""
        task = asyncio.ensure_future(waited_for)
        try:
            broken = self._broken[client]
            either: set[asyncio.Future[Any]] = {task, broken}
            await asyncio.wait(either, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            task.cancel()
        if broken.done():
            raise NatsAway("the connection has broken")
        raise TimeoutError

    async def ask(self, subject: str, request: Mapping[str, object] | None = None) -> dict[str, Any]:
        """What JetStream answers. Raises JetStreamError for a refusal, and NatsAway."""
        from nats.errors import Error, NoRespondersError

        client = await self.client()
        asked = b"" if request is None else msgspec.json.encode(request)
        try:
            answer = await self.unless_broken(
                client, client.request(f"$JS.API.{subject}", asked, timeout=ANSWER_S), ANSWER_S
            )
        except NoRespondersError:
            raise NatsAway("the server has no JetStream") from None
        except (Error, TimeoutError) as error:
            await self.close()  # whatever it is, a new one may do better
            raise NatsAway(f"JetStream does not answer: {words_of(error)}") from error
        told: dict[str, Any] = msgspec.json.decode(answer.data)
        if (refusal := told.get("error")) is not None:
            raise JetStreamError(refusal["code"], refusal.get("err_code", 0), refusal.get("description", ""))
        return told

    async def close(self) -> None:
        """End the connection; the next who needs one opens another."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    async def _connected(self) -> Client:
        from nats.aio.client import Client
        from nats.errors import Error

        client, broken = Client(), asyncio.get_running_loop().create_future()

        async def on_close() -> None:
            if not broken.done():
                broken.set_result(None)

        try:
            async with asyncio.timeout(CONNECT_S):
                await client.connect(
                    [each.strip() for each in self._server.url.split(",")],
                    name=self._name, allow_reconnect=False, max_reconnect_attempts=1, reconnect_time_wait=0,
                    connect_timeout=CONNECT_S, ping_interval=PING_EVERY_S, closed_cb=on_close, error_cb=_heard,
                    **_login(self._server),
                )  # fmt: skip
        except (Error, OSError, TimeoutError, ValueError) as error:
            await client.close()
            raise NatsAway(f"no connection to NATS: {words_of(client.last_error or error)}") from error
        self._broken[client] = broken
        return client


async def _heard(error: Exception) -> None:
    """Whoever needs the connection finds out."""


def words_of(error: Exception) -> str:
    """What is wrong."""
    return str(error) or type(error).__name__


def _login(server: NatsLogin) -> dict[str, Any]:
    """What the library takes of how we log in."""
    given: dict[str, Any] = {
        "user": server.user,
        "password": _told(server.password),
        "token": _told(server.token),
    }
    if server.credentials is not None:
        credentials = server.credentials.get_secret_value()
        given["user_jwt_cb"] = lambda: bytearray(_block(credentials, JWT).encode())
        given["signature_cb"] = lambda nonce: _signature(credentials, nonce)
    if server.tls is not None:
        given |= {"tls": _context(server.tls), "tls_handshake_first": server.tls.first}
    return given


def _told(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _context(tls: NatsTls) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=tls.ca)
    if tls.certificate is not None:
        with tempfile.TemporaryDirectory() as folder:  # the library reads no others
            chain = Path(folder) / "chain.pem"
            chain.touch(0o600)
            chain.write_text(f"{tls.certificate}\n{_told(tls.key) or ''}\n")
            context.load_cert_chain(chain)
    return context


def _block(credentials: str, name: str) -> str:
    """The line of a .creds file that stands below this title. Raises ValueError."""
    lines = iter(credentials.splitlines())
    for line in lines:
        if f"BEGIN {name}" in line:
            return next(lines, "").strip()
    raise ValueError(f"they have no {name}: give what a .creds file holds, by file:PATH")


def _seed(credentials: str) -> bytes:
    """The private key. It is written in base 32: two bytes of what it is for, the key, two bytes of checksum."""
    text = _block(credentials, SEED)
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8))[2:34]
    except ValueError:
        raise ValueError("the seed in them cannot be read") from None


def _signature(credentials: str, nonce: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(_seed(credentials)).sign(nonce.encode()))
