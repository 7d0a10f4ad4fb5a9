"""serve.yaml: the settings of a door, which belong to where it is deployed and not to the project."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, Field, ValidationError, field_validator, model_validator
from ruamel.yaml.error import YAMLError

from parcours.config import COUNT_MAX, DAY_MS, MIB, Settings
from parcours.errors import SettingInvalid
from parcours.ingress.keys import PUBLIC_SCOPES, Key, Scope
from parcours.ingress.origins import is_loopback
from parcours.instants import ceil_ms
from parcours.journey.model.references import is_reference
from parcours.journey.read.finding import Finding
from parcours.journey.read.secrets import resolve_secrets
from parcours.journey.read.source import file_text, read_text
from parcours.validation import keys_of_model, line_of, mattering, message_of
from parcours.wording import shown_value

ENVIRONMENT: Final = "PARCOURS_"
"""Begins the names of variables that stand for settings: PARCOURS_PORT for `port`."""

SIGNING_KEY_MIN: Final = 32
"""Characters of a signing key: as many as chance can have chosen for 128 bits and more."""

ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+")
"""How a browser tells of where a page is."""

LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"

DOMAIN: Final = re.compile(rf"(?:{LABEL}\.)*(?![0-9]+\Z){LABEL}", re.ASCII | re.IGNORECASE)
"""What can stand behind the @ of a return path. One that ends in a number is an address of the network."""

DOMAIN_CHARACTERS_MAX: Final = 253

SECRETS: Final = ("signing_keys", "identity_secret")
"""What no file holds that lies beside others: it names where they are."""

HIDDEN: Final = "•••"
"""Stands for a secret wherever settings are shown."""

Count = Annotated[int, Field(ge=1, le=COUNT_MAX)]
Seconds = Annotated[float, Field(gt=0, le=DAY_MS / 1_000)]
Port = Annotated[int, Field(ge=0, le=65_535)]


class Part(BaseModel, frozen=True, extra="forbid"):
    """A part of serve.yaml: closed and frozen."""


class KeyEntry(Part):
    """A key of the door. `parcours keys new` prints one with its secret."""

    name: str = Field(min_length=1, max_length=64, description="By which logs and facts tell whose it is.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="The SHA-256 of the secret.")
    scopes: tuple[Scope, ...] = Field(min_length=1, description="What it opens.")
    origins: tuple[str, ...] = Field(default=(), description="Origins of the pages that may use it, if it is public.")
    public: bool = Field(default=False, description="It stands in pages: events and decisions only, and little power.")
    expires: AwareDatetime | None = Field(default=None, description="From when on it opens nothing.")

    @model_validator(mode="after")
    def _little_power(self) -> Self:
        if self.public and not self.origins:
            raise ValueError("a public key needs the origins of its pages")
        if wrong := [each for each in self.origins if not ORIGIN.fullmatch(each)]:
            raise ValueError(f"{wrong[0]!r} is no origin: one such as https://shop.example is expected")
        if self.public and not PUBLIC_SCOPES.issuperset(self.scopes):
            raise ValueError(f"a public key opens {' and '.join(sorted(PUBLIC_SCOPES))} only")
        if self.origins and not self.public:
            raise ValueError("origins are of public keys only: pages cannot keep a secret")
        return self

    def key(self) -> Key:
        """The entry as the door uses it."""
        return Key(
            name=self.name,
            sha256=self.sha256,
            scopes=frozenset(self.scopes),
            origins=frozenset(self.origins),
            public=self.public,
            expires_ms=None if self.expires is None else ceil_ms(self.expires),
        )


class Bounces(Part):
    """Where reports of mail servers arrive, and under which addresses."""

    domain: str = Field(min_length=1, description="The domain of the return path, whose mail comes to `lmtp`.")
    lmtp: str | None = Field(
        default=None, description="HOST:PORT, or the path of a socket, where a mail server hands reports in by LMTP."
    )
    channel: str = Field(default="email", min_length=1, description="The channel whose mails come back there.")

    @field_validator("domain")
    @classmethod
    def _is_domain(cls, domain: str) -> str:
        if len(domain) > DOMAIN_CHARACTERS_MAX or not DOMAIN.fullmatch(domain):
            raise ValueError(
                f"{shown_value(domain)} is no domain: one such as bounces.example is expected, beyond ASCII as xn--..."
            )
        return domain


class ServeSettings(Part):
    """The settings of a door, as in serve.yaml. Times are in the unit that the name ends with."""

    public_url: str | None = Field(default=None, description="How the door is reached from outside: https://HOST.")
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: Port = Field(default=8080, description="The port; 0 takes a free one.")
    health_port: Port | None = Field(default=None, description="A port of its own for /health, /ready and /metrics.")
    keys: tuple[KeyEntry, ...] = Field(default=(), description="The keys of those who may come in.")
    signing_keys: tuple[str, ...] = Field(
        default=(),
        repr=False,
        description="Secrets of 32 characters or more by which links are sealed: the first makes, all read.",
    )
    identity_verification: Literal["off", "required"] = Field(
        default="off", description="Whether a browser that names a user has to prove it by `context.userHash`."
    )
    identity_secret: str | None = Field(default=None, repr=False, description="By which those hashes are made.")
    forwarded_allow: tuple[str, ...] = Field(default=(), description="Addresses of proxies whose headers are believed.")
    read_timeout_s: Seconds = Field(default=20.0, description="How long a body may take to come.")
    room_wait_ms: Annotated[int, Field(ge=0, le=DAY_MS)] = Field(
        default=250, description="How long a call waits for room in the lanes of its shards."
    )
    connections_max: Count = Field(default=4_096, description="Connections at once; a further one is closed.")
    body_bytes_max: Count = Field(default=64 * MIB, description="Bytes of bodies under way, together.")
    notice_s: Annotated[float, Field(ge=0, le=60)] = Field(
        default=3.0, description="How long /ready says that the door is about to stop before it does."
    )
    files: str | None = Field(
        default=None,
        min_length=1,
        description="With a store in PostgreSQL: the folder of what is kept in files, which all machines see.",
    )
    private_hosts: tuple[str, ...] = Field(
        default=(), description="Networks such as 10.1.0.0/16 that outbound calls may reach though they are private."
    )
    bounces: Bounces | None = Field(default=None, description="Where mail servers' reports arrive.")
    test_addresses: tuple[str, ...] = Field(
        default=(), description="Addresses that proofs, and messages of test mode, may be sent to."
    )
    unsubscribe: Literal["here", "elsewhere"] = Field(
        default="here", description="Who puts the unsubscribe headers into marketing mail: the door, or somebody else."
    )
    machine_opens: Literal["ignore", "count"] = Field(
        default="ignore", description="Whether opens by machines count as those of people."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="From which level on.")
    settings: Settings = Field(default=Settings(), description="The engine's settings.")

    @field_validator("signing_keys")
    @classmethod
    def _long_enough(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(key) < SIGNING_KEY_MIN for key in keys):
            raise ValueError(f"a signing key has at least {SIGNING_KEY_MIN} characters")
        return keys

    @field_validator("private_hosts")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ip_network(network)  # a ValueError says what is wrong with it
        return networks

    @field_validator("test_addresses")
    @classmethod
    def _addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for address in addresses:
            if not address or address != address.strip() or not address.isprintable():
                raise ValueError(
                    f"{shown_value(address)} is no address: each stands as it is used, with nothing around it"
                )
        return addresses

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("an address such as https://journeys.example is expected")
        parts = None if url is None else urlsplit(url)
        if parts is not None and (parts.query or parts.fragment or "@" in parts.netloc or not parts.hostname):
            raise ValueError("an address without a user, a query or a fragment is expected")
        return None if url is None else url.rstrip("/")

    @model_validator(mode="after")
    def _can_verify(self) -> Self:
        if self.health_port and self.health_port == self.port:
            raise ValueError("health_port: the door has that port itself")
        names = [entry.name for entry in self.keys]
        if len(set(names)) < len(names):
            raise ValueError("keys: two have the same name")
        if self.identity_verification == "required" and self.identity_secret is None:
            raise ValueError("identity_verification: required needs an identity_secret")
        return self

    def shown(self) -> dict[str, Any]:
        """The settings for whoever looks at them, without secrets."""
        told = self.model_dump(mode="json")
        told["signing_keys"] = [HIDDEN for _ in self.signing_keys]
        told["identity_secret"] = None if self.identity_secret is None else HIDDEN
        for entry in told["keys"]:
            entry["sha256"] = HIDDEN
        return told


def proxy_unnamed(settings: ServeSettings) -> str | None:
    """What a proxy opens that is not named in the settings, where there seems to be one; None if all is well."""
    if settings.public_url is None or settings.forwarded_allow or is_loopback(settings.public_url):
        return None
    return (
        "no proxy is named, and public_url leads here from outside: if a proxy on this machine stands before the door, "
        "everybody seems to be on this machine, and /metrics is open to all; name it as forwarded_allow: [127.0.0.1]"
    )


def load_settings(
    path: Path | None, environ: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None
) -> ServeSettings:
    """The settings of a file, over which variables of the environment count, and over these the flags.

    path   of serve.yaml; None: there is none, and defaults hold
    flags  by name; None for one that was not given
    Raises SettingInvalid with all that is wrong in a line.
    """
    environ = os.environ if environ is None else environ
    written = {} if path is None else _written(path)
    given = {**written, **_of_environment(environ), **{k: v for k, v in (flags or {}).items() if v is not None}}
    folder = Path() if path is None else path.parent
    source = "serve.yaml" if path is None else str(path)
    wrong = _in_the_clear(written)
    try:
        settings = ServeSettings.model_validate(resolve_secrets(given, folder, environ))
    except ValidationError as error:
        keys = keys_of_model(ServeSettings)
        wrong += [(each["loc"], message_of(each, keys)) for each in mattering(error)]
    if wrong:
        raise SettingInvalid(f"{source}: {line_of(wrong)}")
    return settings


def _in_the_clear(written: Mapping[str, object]) -> list[tuple[tuple[int | str, ...], str]]:
    """Where the file has a secret itself, with what is to be said of it."""
    told = "the secret itself stands there: write env:NAME or file:PATH, and keep it in the environment or a file"
    places: list[tuple[tuple[int | str, ...], object]] = []
    for name in SECRETS:
        value = written.get(name)
        if isinstance(value, list):
            places += [((name, at), each) for at, each in enumerate(value)]
        else:
            places.append(((name,), value))
    return [(place, told) for place, value in places if isinstance(value, str) and not is_reference(value)]


def _written(path: Path) -> dict[str, object]:
    findings: list[Finding] = []
    try:
        data = read_text(file_text(path), "serve", path.name, findings).data
    except (OSError, UnicodeError, ValueError, YAMLError, RecursionError) as error:
        raise SettingInvalid(f"{path}: the file cannot be read: {' '.join(str(error).split())}") from None
    if findings:
        raise SettingInvalid("; ".join(map(str, findings)))
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise SettingInvalid(f"{path}: keys with values are expected, and this is {shown_value(data)}")
    return data


def _of_environment(environ: Mapping[str, str]) -> dict[str, object]:
    """What variables say: those of single values, as texts that pydantic reads."""
    lists = {"keys", "settings", "bounces"}
    told: dict[str, object] = {}
    for name, field in ServeSettings.model_fields.items():
        value = environ.get(ENVIRONMENT + name.upper())
        if value is not None and name not in lists:
            told[name] = value.split() if "tuple" in str(field.annotation) else value
    return told
