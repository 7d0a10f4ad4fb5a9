"""The models of outbound calls: what an action asks for, and where all of them may go."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from parcours.channel import AllowedNetworks
from parcours.expression.duration import PositiveDuration
from parcours.journey.model.forms import Document, ExpressionText
from parcours.journey.model.headers import Headers
from parcours.journey.model.traits import Kind, PropertyPath
from parcours.journey.model.web_address import WebAddress

ACTION_TIMEOUT_MAX_MS: Final = 60_000
"""A call that takes longer than a minute holds up the ones behind it."""

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

FieldName: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]


class ActionDocument(Document):
    """One outbound call: its URL, what goes along, and the paths that may be read in its answer."""

    url: WebAddress = Field(
        description="Where the request goes, the same for everybody; what differs goes into `query` or `body`."
    )
    description: str = Field(default="", description="What it is for, in words.")
    method: Method = Field(default="POST", description="GET, POST, PUT, PATCH or DELETE.")
    headers: Headers = Field(
        default_factory=dict,
        description="Headers by name, each a text, or `env:NAME` or `file:PATH` for a secret, which is looked up when "
        "an engine opens.",
    )
    query: dict[FieldName, ExpressionText] = Field(
        default_factory=dict,
        description="The values that are added to the URL, by name; a list has its name once for each element.",
    )
    body: dict[FieldName, ExpressionText] = Field(
        default_factory=dict,
        description="The values that go along as JSON, by name. GET and DELETE have no body without any.",
    )
    timeout: Annotated[PositiveDuration, Field(le=ACTION_TIMEOUT_MAX_MS)] = Field(
        default=5_000, description="How long the answer may take, a minute at most."
    )
    answer: dict[PropertyPath, Kind] = Field(
        default_factory=dict, description="The kind of each path of the answer that documents may read."
    )


class CallsDocument(Document):
    """`channels.call` in parcours.yaml: where outbound calls may go."""

    allowed_networks: AllowedNetworks = Field(
        default=(),
        description="Networks that may be called though they are private, such as 10.1.0.0/16. A call to any other "
        "private, loopback or link-local address fails.",
    )
    requests_max: int = Field(
        default=100, ge=1, description="Calls under way at once; after a crash so many are made again."
    )
