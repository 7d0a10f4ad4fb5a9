"""How one reaches the brokers of Kafka: which they are, and what librdkafka is told besides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import InitErrorDetails

from parcours.wording import quoted

BROKER: Final = r"((?i:PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)://)?(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:(?P<port>[0-9]{1,5}))?"
"""One broker, as librdkafka takes it: the protocol and the port may be left out."""

PORT_MAX: Final = 65_535

TOPIC_CHARACTERS_MAX: Final = 249


def _broker(text: str) -> bool:
    """Whether it is one."""
    found = re.fullmatch(BROKER, text)
    return found is not None and 0 < int(found["port"] or PORT_MAX) <= PORT_MAX


def _topic(name: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9._-]+", name) is None or name in (".", "..") or len(name) > TOPIC_CHARACTERS_MAX:
        raise ValueError(f"a topic has letters, digits, ., _ and -, {TOPIC_CHARACTERS_MAX} characters at most")
    return name


TopicName: TypeAlias = Annotated[str, AfterValidator(_topic)]
"""What Kafka takes as the name of a topic."""

OF_PROGRAMS: Final = dict.fromkeys(
    ("default.topic.config", "error_cb", "logger", "oauth_cb", "on_commit", "on_delivery", "stats_cb", "throttle_cb"),
    "it is for programs, and takes no text",
)
"""What the library takes besides the settings of librdkafka, each with the reason why it is none."""

LOADS_CODE: Final = "plugin.library.paths"
"""It is tried by nobody before a client is made."""

UNKNOWN: Final = "No such configuration property"

_END: Final = "."
"""No option. librdkafka takes one after the other, and makes no client of those that end with this one."""


class KafkaClient(BaseModel):
    """The brokers, and librdkafka's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ours: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Options that are not the operator's, and why, besides those that say which brokers there are."""

    servers: str = Field(min_length=1, description="Some of the brokers, host:port with commas between.")
    options: Mapping[str, SecretStr] = Field(
        default_factory=dict, description="Settings of librdkafka by their names, such as sasl.password."
    )

    @field_validator("options", mode="before")
    @classmethod
    def _as_texts(cls, given: Any) -> Any:
        """A number or a flag is meant as librdkafka writes it."""
        if not isinstance(given, Mapping):
            return given
        return {name: _text(value) for name, value in given.items()}

    @field_validator("servers")
    @classmethod
    def _are_brokers(cls, servers: str) -> str:
        named = [each.strip() for each in servers.split(",") if each.strip()]
        if not named or not all(map(_broker, named)):
            raise ValueError("brokers are expected as host:port, with commas between")
        return servers

    @field_validator("options")
    @classmethod
    def _theirs(cls, options: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        faults = [fault for name, value in options.items() for fault in cls._faults(name, value.get_secret_value())]
        if faults:
            raise ValidationError.from_exception_data(cls.__name__, faults)
        return options

    @classmethod
    def _faults(cls, name: str, value: str) -> Iterator[InitErrorDetails]:
        """What is wrong with an option's name, or with its value."""
        servers = dict.fromkeys(("bootstrap.servers", "metadata.broker.list"), "it is `servers`")
        reason = ({**servers, **OF_PROGRAMS, **cls.ours}).get(name)
        if reason is not None:
            yield _fault((name, "[key]"), f"{quoted(name)} is not set here: {reason}")
        elif (complaint := _complaint(name, value)) == UNKNOWN:
            yield _fault((name, "[key]"), f"librdkafka has no setting {quoted(name)}")
        elif complaint is not None:
            yield _fault((name,), f"librdkafka does not take this value of {quoted(name)}")

    def told(self, usual: Mapping[str, Any], needed: Mapping[str, Any]) -> dict[str, Any]:
        """What a client of librdkafka takes: `usual` where the options say nothing else, and `needed` in any case."""
        options = {name: value.get_secret_value() for name, value in self.options.items()}
        return {
            "client.id": "parcours",
            "log_level": 0,
            **usual,
            **options,
            **needed,
            "bootstrap.servers": self.servers,
        }


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _fault(place: tuple[str, ...], message: str) -> InitErrorDetails:
    return {"type": "value_error", "loc": place, "input": None, "ctx": {"error": ValueError(message)}}


def _complaint(name: str, value: str) -> str | None:
    """What librdkafka says of an option by itself, up to the colon or the quote; None where it takes it."""
    if name == LOADS_CODE or find_spec("confluent_kafka") is None:
        return None
    from confluent_kafka import KafkaException, Producer

    try:
        Producer({name: value, _END: ""})
    except KafkaException as error:
        said = str(error.args[0].str())
        return None if f'"{_END}"' in said else said.partition(":")[0]
    raise AssertionError("a client was made of what is no option")
