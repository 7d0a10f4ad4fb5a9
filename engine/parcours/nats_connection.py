"""A connection to NATS: how one logs in, and questions to JetStream.

Nothing connects again by itself: whoever finds the connection closed asks for a new one, so that what was under way
when it broke is known to have been.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import tempfile
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, TypeAlias, TypeVar
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails

if TYPE_CHECKING:
    from nats.aio.client import Client

T = TypeVar("T")

CONNECT_S: Final = 5
"""How long one attempt to connect may take, for all servers that are named."""

CLOSE_S: Final = 1

ANSWER_S: Final = 5
"""How long an answer of JetStream may take."""

PING_EVERY_S: Final = 20
"""After three times that, a connection of which nobody hears anything is a broken one."""

SCHEMES: Final = ("nats", "tls", "ws", "wss")

SEED: Final = "USER NKEY SEED"
JWT: Final = "NATS USER JWT"


def _stream(name: str) -> str:
    if re.fullmatch(r"[^\s.*>/\\]+", name) is None:
        raise ValueError("JetStream takes no blanks and none of . * > / \\ in a name, and none that is empty")
    return name


def _subject(text: str) -> str:
    if re.fullmatch(r"[^\s*>.]+(\.[^\s*>.]+)*", text) is None:
        raise ValueError(
            "a subject has names with a dot between them, none of them empty or with blanks, and no * or >"
        )
    return text


SubjectName: TypeAlias = Annotated[str, AfterValidator(_subject)]
"""What a message is published under."""

StreamName: TypeAlias = Annotated[str, AfterValidator(_stream)]
"""What JetStream takes as the name of a stream, or of a consumer."""


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

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if self.key is not None:
            _need(self, "certificate")
        try:
            self.context()
        except OSError:
            raise ValueError("these are no certificates in PEM, or the key is not that of the certificate") from None
        return self

    def context(self) -> ssl.SSLContext:
        """What a connection takes. Raises OSError."""
        context = ssl.create_default_context(cadata=self.ca)
        if self.certificate is not None:
            with tempfile.TemporaryDirectory() as folder:  # the library reads no others
                chain = Path(folder) / "chain.pem"
                chain.touch(0o600)
                chain.write_text(f"{self.certificate}\n{_told(self.key) or ''}\n")
                context.load_cert_chain(chain)
        return context


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

    @field_validator("url")
    @classmethod
    def _are_servers(cls, url: str) -> str:
        schemes = {_scheme(each.strip()) for each in url.split(",")}
        if len(schemes & {"nats", "tls"}) != len(schemes) and len(schemes & {"ws", "wss"}) != len(schemes):
            raise ValueError("servers by nats:// or tls:// and such by ws:// or wss:// are not mixed")
        return url

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        """Of a pair one alone would be ignored."""
        if self.user is not None:
            _need(self, "password")
        if self.password is not None:
            _need(self, "user")
        return self

    @field_validator("credentials")
    @classmethod
    def _are_readable(cls, credentials: SecretStr | None) -> SecretStr | None:
        if credentials is not None:
            _seed(credentials.get_secret_value())
        return credentials


def _need(given: BaseModel, name: str) -> None:
    """Raises ValidationError where this is missing."""
    if getattr(given, name) is None:
        fault: InitErrorDetails = {"type": "missing", "loc": (name,), "input": None}
        raise ValidationError.from_exception_data(type(given).__name__, [fault])


def _scheme(url: str) -> str:
    """By what a server is reached. Raises ValueError for what is no address of one."""
    told = url if "://" in url else f"nats://{url}"
    try:
        parts = urlsplit(told)
        sound = parts.scheme in SCHEMES and parts.hostname and parts.port != 0 and not any(map(str.isspace, told))
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("servers are expected as nats://host:4222 or tls://host:4222, with commas between")
    return parts.scheme


class NatsConnection:
    """One connection at a time. `name` is what operators of the server see."""

    def __init__(self, login: NatsLogin, name: str) -> None:
        self._login = login
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
            await self.unless_broken(client, client.flush(ANSWER_S))
        except (Error, OSError, TimeoutError) as error:
            await self.close()
            raise NatsAway(f"the server does not answer: {words_of(error)}") from error
        return client

    async def unless_broken(self, client: Client, call: Coroutine[Any, Any, T]) -> T:
        """What it brings. Raises NatsAway where the client's connection breaks meanwhile: the library would wait on."""
        task, broken = asyncio.ensure_future(call), self._broken[client]
        either: set[asyncio.Future[Any]] = {task, broken}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            task.add_done_callback(_look_away)
            task.cancel()
        raise NatsAway("the connection has broken")

    async def ask(self, subject: str, request: Mapping[str, object] | None = None) -> dict[str, Any]:
        """What JetStream answers. Raises JetStreamError for a refusal, and NatsAway."""
        from nats.errors import Error, NoRespondersError

        client = await self.client()
        asked = b"" if request is None else msgspec.json.encode(request)
        try:
            answer = await self.unless_broken(client, client.request(f"$JS.API.{subject}", asked, timeout=ANSWER_S))
        except NoRespondersError:
            raise NatsAway("the server has no JetStream") from None
        except (Error, OSError, TimeoutError) as error:
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
            await _end(client)

    async def _connected(self) -> Client:
        from nats.aio.client import Client
        from nats.errors import Error

        given = _of_library(self._login)
        client, broken = Client(), asyncio.get_running_loop().create_future()
        said: list[Exception] = []

        async def on_error(error: Exception) -> None:
            said[:] = [error]  # whoever needs the connection finds out

        async def on_close() -> None:
            if not broken.done():
                broken.set_result(None)

        try:
            connecting = client.connect(
                [each.strip() for each in self._login.url.split(",")],
                name=self._name, allow_reconnect=False, max_reconnect_attempts=1, reconnect_time_wait=0,
                connect_timeout=CONNECT_S, ping_interval=PING_EVERY_S, closed_cb=on_close, error_cb=on_error,
                **given,
            )  # fmt: skip
            await _within(CONNECT_S, connecting)
        except BaseException as error:
            await _end(client)
            if isinstance(error, (Error, OSError, TimeoutError, ValueError)):
                raise NatsAway(f"no connection to NATS: {words_of(next(iter(said), error))}") from error
            raise
        self._broken[client] = broken
        return client


def _look_away(task: asyncio.Task[Any]) -> None:
    """Nobody waits for it any more; without a look at its error asyncio would complain of it."""
    if not task.cancelled():
        task.exception()


async def _within(limit_s: float, call: Coroutine[Any, Any, T]) -> T:
    """What a call of the library's brings. Raises TimeoutError after a while, also where it does not let itself be
    cancelled, as it does not in some places.
    """
    task = asyncio.ensure_future(call)
    try:
        await asyncio.wait({task}, timeout=limit_s)
        if task.done():
            return task.result()
        raise TimeoutError
    finally:
        if not task.done():
            task.add_done_callback(_look_away)
            task.cancel()
            await asyncio.wait({task}, timeout=CLOSE_S)


async def _end(client: Client) -> None:
    """Close it. A connection that has come to nothing the library leaves open, and one whose TLS has may never say that
    it is closed.
    """
    with suppress(OSError, TimeoutError):
        if client.is_connected:
            await _within(CLOSE_S, client.close())
        elif (transport := client._transport) is not None:
            transport.close()  # type: ignore[no-untyped-call]  # it has no types
            await _within(CLOSE_S, transport.wait_closed())  # type: ignore[no-untyped-call]  # nor has this


def words_of(error: Exception) -> str:
    """What is wrong."""
    return str(error) or type(error).__name__


def _of_library(login: NatsLogin) -> dict[str, Any]:
    """What the library takes of how we log in."""
    given: dict[str, Any] = {
        "user": login.user,
        "password": _told(login.password),
        "token": _told(login.token),
    }
    if login.credentials is not None:
        credentials = login.credentials.get_secret_value()
        given["user_jwt_cb"] = lambda: bytearray(_block(credentials, JWT).encode())
        given["signature_cb"] = lambda nonce: _signature(credentials, nonce)
    if login.tls is not None:
        given |= {"tls": login.tls.context(), "tls_handshake_first": login.tls.first}
    return given


def _told(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


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
