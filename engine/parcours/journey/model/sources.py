"""The models of sources.yaml: logs that lie elsewhere, and what their messages mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from parcours.journey.model.forms import Document, ExpressionText, Name


class MessageMapDocument(Document):
    """What a message means: for each field of a line of the event format an expression over the message."""

    type: ExpressionText | None = Field(
        default=None, description="The type of the call; `track` without it where there is an event, else `identify`."
    )
    event: ExpressionText | None = Field(default=None, description="The name of the event.")
    user_id: ExpressionText | None = Field(default=None, alias="userId", description="Whose it is.")
    anonymous_id: ExpressionText | None = Field(
        default=None, alias="anonymousId", description="Whose it is, where nobody has logged in."
    )
    message_id: ExpressionText | None = Field(
        default=None,
        alias="messageId",
        description="By what it is recognised where it comes another way as well; none is needed.",
    )
    timestamp: ExpressionText | None = Field(
        default=None, description="When it happened; the time of the log without it."
    )
    properties: ExpressionText | None = Field(default=None, description="The properties of the event, an object.")
    traits: ExpressionText | None = Field(default=None, description="What becomes known of the person, an object.")
    channel: ExpressionText | None = Field(default=None, description="Of a consent: for which channel it is.")
    purpose: ExpressionText | None = Field(default=None, description="Of a consent: for which purpose it is.")
    granted: ExpressionText | None = Field(default=None, description="Of a consent: whether it is given.")

    @property
    def fields(self) -> Mapping[str, str]:
        """The expressions that there are, by the names that a line has."""
        told: dict[str, str] = self.model_dump(by_alias=True, exclude_none=True)
        return told


class SourceDocument(Document, extra="allow"):
    """A source. The one key that is not listed here is its kind, with the settings that this takes."""

    __pydantic_extra__: dict[str, Any]

    map: MessageMapDocument | None = Field(
        default=None, description="What a message means; without it each is a line of the event format."
    )

    @property
    def kind(self) -> str:
        """By which it is found among the sources that are installed."""
        return next(iter(self.__pydantic_extra__))

    @property
    def settings(self) -> Any:
        """The settings of its kind, as they are written."""
        return self.__pydantic_extra__[self.kind]

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        kinds = sorted(self.__pydantic_extra__)
        if len(kinds) != 1:
            told = f"this one has {', '.join(kinds)}" if kinds else "this one has none"
            raise ValueError(f"a source has one kind with its settings, as in 'files: \"in/*.ndjson\"', and {told}")
        return self


class SourcesDocument(Document):
    """sources.yaml: the logs that are read while the project is served."""

    sources: dict[Name, SourceDocument] = Field(
        default_factory=dict, description="The sources by name, under which their positions are kept."
    )
