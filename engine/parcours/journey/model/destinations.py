"""The models of destinations.yaml: other systems that are told who enters and who leaves an audience, and of facts."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeAlias, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from parcours.expression.duration import PositiveDuration
from parcours.journey.model.campaign import ScheduleDocument
from parcours.journey.model.forms import SUBJECT_PATTERN, Document, ExpressionText, Name, keys_of
from parcours.journey.model.headers import Headers
from parcours.journey.model.web_address import WebAddress

TIMEOUT_MAX_MS: Final = 50_000
"""Below the engine's own limit for one call of a destination, `send_timeout_s`."""

BATCH_MAX: Final = 1_000
"""Members in one request: some hundred kilobytes."""

DESTINATIONS_MAX: Final = 100
"""Each of them is asked after every input of a person."""


def _short(timeout_ms: int) -> int:
    if timeout_ms > TIMEOUT_MAX_MS:
        raise ValueError(f"{TIMEOUT_MAX_MS // 1_000} seconds at most")
    return timeout_ms


Timeout: TypeAlias = Annotated[PositiveDuration, AfterValidator(_short)]


def _plain(value: object) -> object:
    if not isinstance(value, str | bool | int | float):
        raise ValueError("a text, a number, true or false is expected")
    return value


Option: TypeAlias = Annotated[str | bool | int | float, BeforeValidator(_plain)]
"""A setting of a library's."""


class WebhookDocument(Document):
    """A web address to which members are posted, as one JSON array a request."""

    url: WebAddress = Field(description="Where members are posted.")
    headers: Headers = Field(
        default_factory=dict, description="Headers by name; a secret is referred to by env:NAME or file:PATH."
    )
    timeout: Timeout = Field(default=30_000, description="How long an answer may take, 50 seconds at most.")


def _member_file(file: str) -> str:
    path = PurePosixPath(file)
    if ".." in path.parts:
        raise ValueError("a destination's file lies within the project's folder, or its path is absolute")
    if path.suffix != ".ndjson":
        raise ValueError("members are written as lines of JSON: the file's name ends in .ndjson")
    return file


class KafkaDocument(Document):
    """A topic of Kafka, in which what is told of a person is a message under her key."""

    servers: Annotated[str, Field(min_length=1)] = Field(
        description="Some of the brokers, `host:port` with commas between, or env:NAME."
    )
    topic: Annotated[str, Field(min_length=1)] = Field(
        description="The topic; it has to be there, unless the brokers make one."
    )
    options: dict[str, Option] = Field(
        default_factory=dict,
        description="Settings of librdkafka by their names, such as `sasl.password`; env:NAME and file:PATH too.",
    )
    timeout: Timeout = Field(default=30_000, description="How long a message may take, 50 seconds at most.")


class NatsTlsDocument(Document):
    """Certificates for NATS, as texts of PEM: `file:ca.pem` refers to one."""

    ca: str | None = Field(
        default=None, description="The certificates that may have signed the server's; the system's without it."
    )
    certificate: str | None = Field(default=None, description="Our own certificate.")
    key: str | None = Field(default=None, description="The key of our own certificate.")
    first: bool = Field(default=False, description="Whether the server expects TLS before it says anything.")


class NatsDocument(Document):
    """A subject of NATS that a stream of JetStream takes; what is secret is referred to by env:NAME or file:PATH."""

    url: Annotated[str, Field(min_length=1)] = Field(
        description="Where the server is, or several of a cluster, with commas between; or env:NAME."
    )
    subject: Annotated[str, Field(pattern=SUBJECT_PATTERN)] = Field(
        description="The subject; a stream of JetStream has to take it."
    )
    stream: str | None = Field(default=None, description="The stream that has to be the one; any without it.")
    user: str | None = Field(default=None, description="The user, with a password.")
    password: str | None = Field(default=None, description="The user's password.")
    token: str | None = Field(default=None, description="A token, where the server asks for one.")
    credentials: str | None = Field(
        default=None, description="What a .creds file holds, as `file:nats.creds` refers to it."
    )
    tls: NatsTlsDocument | None = Field(
        default=None, description="Certificates, where those of the system are not enough."
    )
    timeout: Timeout = Field(default=30_000, description="How long answers may take, 50 seconds at most.")


class PluginDocument(Document):
    """A destination that somebody else has written."""

    name: Name = Field(description="The name under which an installed distribution offers it.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Its own settings; env:NAME and file:PATH too.")


class OnePlace(Document):
    """Where something goes: exactly one of the keys of a document says so."""

    what: ClassVar[str]
    """What goes there."""

    kafka: KafkaDocument | None = Field(default=None, description="A topic of Kafka, with the extra [kafka].")
    nats: NatsDocument | None = Field(default=None, description="A subject of NATS JetStream, with the extra [nats].")
    plugin: PluginDocument | None = Field(default=None, description="A destination that is installed besides.")

    @property
    def kind(self) -> str:
        """Which of them it is."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def installed_as(self) -> str:
        """Under which name an installed distribution offers it."""
        return self.kind if self.plugin is None else self.plugin.name

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"{self.what} go to one place: name one of {', '.join(type(self).model_fields)}")
        return self


class TargetDocument(OnePlace):
    """Where members go: exactly one of these."""

    what = "members"

    webhook: WebhookDocument | None = Field(default=None, description="A web address to which members are posted.")
    file: Annotated[str, AfterValidator(_member_file)] | None = Field(
        default=None,
        description="A file of lines of JSON, seen from the project's folder; members are appended.",
    )


class ValueDocument(Document):
    """A value of a person's that leaves."""

    value: ExpressionText = Field(description="The value.")
    hashed: bool = Field(
        default=False,
        alias="hash",
        description="Whether only its SHA-256 leaves, in hexadecimal: of an address as its channel writes it, of any "
        "other text without outer blanks, and in lower case.",
    )


def _form(value: Any) -> str:
    return "<value>" if keys_of(value) else "<expression>"


ValueForm: TypeAlias = Annotated[
    Annotated[ExpressionText, Tag("<expression>")] | Annotated[ValueDocument, Tag("<value>")], Discriminator(_form)
]
"""An expression, or one whose value is hashed before it leaves."""


class AgreementDocument(Document):
    """The consent without which nobody is told of."""

    channel: Name = Field(description="The channel for which people agree.")
    purpose: str = Field(min_length=1, description="The purpose for which they do.")


class DestinationDocument(Document):
    """A destination: whom it has, what it is told of them, and where that goes."""

    audience: Name = Field(description="The audience whose members it has.")
    to: TargetDocument = Field(description="Where members go.")
    key: ValueForm | None = Field(
        default=None, description="By what the other side knows a person; her name here without it."
    )
    fields: dict[Name, ValueForm] = Field(
        default_factory=dict, description="What else is told of a member, by name; `{value, hash: true}` hashes it."
    )
    consent: AgreementDocument | None = Field(
        default=None, description="The consent without which nobody is told of, and whose withdrawal takes her out."
    )
    batch: Annotated[int, Field(ge=1, le=BATCH_MAX)] = Field(
        default=100, description="Members told of together at most."
    )
    full: ScheduleDocument | None = Field(
        default=None, description="When it is told of all members at once; a file has just them from then on."
    )


ToldTable: TypeAlias = Literal[
    "events", "moves", "deliveries", "unmet", "unmatched", "limits", "changes", "publications", "looks"
]
"""The tables that a destination may take: those of which shards tell each row as it happens."""

PersonalColumn: TypeAlias = Literal["address", "anonymous_id", "properties", "reason", "value"]

PERSONAL_COLUMNS: Final[frozenset[str]] = frozenset(get_args(PersonalColumn))
"""Columns that say what people have said of themselves, or where they are reached; a reason may quote either."""


def _once(names: list[str]) -> list[str]:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)}: once is enough")
    return names


class FactsTargetDocument(OnePlace):
    """Where facts go: exactly one of these."""

    what = "facts"

    @model_validator(mode="before")
    @classmethod
    def _takes_facts(cls, given: Any) -> Any:
        if of_members := sorted(keys_of(given) & (TargetDocument.model_fields.keys() - cls.model_fields.keys())):
            raise ValueError(f"to {of_members[0]} go members alone: facts go to one of {', '.join(cls.model_fields)}")
        return given


class FactsDocument(Document):
    """A destination of facts: which of them, and where they go."""

    @model_validator(mode="before")
    @classmethod
    def _of_facts_alone(cls, given: Any) -> Any:
        if "audience" in keys_of(given):
            raise ValueError("a destination has the members of an audience or takes facts: make two of it")
        return given

    facts: Annotated[list[ToldTable], Field(min_length=1), AfterValidator(_once)] = Field(
        description="The tables whose rows it takes, as they happen."
    )
    to: FactsTargetDocument = Field(description="Where they go.")
    columns: Annotated[list[PersonalColumn], AfterValidator(_once)] = Field(
        default_factory=list, description="Columns that may hold personal data, and go all the same."
    )
    hashed: bool = Field(
        default=False,
        alias="hash",
        description="Whether of the names of people only the SHA-256 goes, in hexadecimal.",
    )
    batch: Annotated[int, Field(ge=1, le=BATCH_MAX)] = Field(
        default=500, description="Facts handed over together at most."
    )


AnyDestination: TypeAlias = Annotated[
    Annotated[DestinationDocument, Tag("<audience>")] | Annotated[FactsDocument, Tag("<facts>")],
    Discriminator(lambda value: "<facts>" if "facts" in keys_of(value) else "<audience>"),
]
"""One that is told of the members of an audience, or one that takes facts."""


class DestinationsDocument(Document):
    """destinations.yaml: other systems that are told who enters and who leaves an audience, or what has happened."""

    destinations: Annotated[dict[Name, AnyDestination], Field(max_length=DESTINATIONS_MAX)] = Field(
        default_factory=dict, description="The destinations by name."
    )

    @property
    def of_members(self) -> dict[str, DestinationDocument]:
        """Those of audiences."""
        return {name: each for name, each in self.destinations.items() if isinstance(each, DestinationDocument)}

    @property
    def of_facts(self) -> dict[str, FactsDocument]:
        """Those that take facts."""
        return {name: each for name, each in self.destinations.items() if isinstance(each, FactsDocument)}
