"""A message of a log that a test hands in as from a source, and the call that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from pydantic import Field

from parcours.errors import CallerError
from parcours.journey.model.forms import Document
from parcours.journey.project import Project
from parcours.shard.unusable import read_unusable
from parcours.source import Line
from parcours.sources.lines import line_of
from parcours.sources.messages import FIRST_PARTITION
from parcours.sources.opening import maker_of
from parcours.testing.cases.moment import Moment
from parcours.wording import nearest, quoted

OFFSET: Final = 0
"""Each message stands for itself."""


class MessageGiven(Document):
    """A message comes from a source, and means what its `map` makes of it. Its time in the log is `at`."""

    at: Moment = Field(default=0, description="When: `+30m` after the start, or an instant; at the start without it.")
    message: str = Field(description="The source, as sources.yaml names it.")
    value: Any = Field(default=None, description="What the message holds; nothing comes of one that holds nothing.")
    key: str | None = Field(default=None, description="Its key.")
    headers: dict[str, str] = Field(default_factory=dict, description="Its headers.")


def called_by(
    project: Project, source: str, value: object, key: str | None, headers: Mapping[str, str], at_ms: int
) -> dict[str, object] | None:
    """The call that a message means; None where it means nothing.

    Raises CallerError for a source that there is not, and where nothing can be made of the message.
    """
    sources = project.documents.sources.sources
    if source not in sources:
        raise CallerError(f"sources.yaml names no source {quoted(source)}{nearest(source, sources)}")
    line = Line(
        OFFSET,
        None if value is None else msgspec.json.encode(value),
        None if key is None else key.encode(),
        [(name, text.encode()) for name, text in headers.items()],
        at_ms,
    )
    made = line_of(line, FIRST_PARTITION, maker_of(sources[source], project), project.program.cloud_types)
    if made is None:
        return None
    if (unusable := read_unusable(made)) is not None:
        raise CallerError(unusable[0])
    try:
        return msgspec.json.decode(made, type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise CallerError(str(error)) from None
