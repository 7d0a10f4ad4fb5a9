"""How one reaches the brokers of Kafka: which they are, and what librdkafka is told besides."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from parcours.wording import quoted


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

    @field_validator("options")
    @classmethod
    def _theirs(cls, options: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        servers = dict.fromkeys(("bootstrap.servers", "metadata.broker.list"), "it is `servers`")
        ours = {**servers, **cls.ours}
        for name in options:
            if name in ours:
                raise ValueError(f"{quoted(name)} is not set here: {ours[name]}")
        return options

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
