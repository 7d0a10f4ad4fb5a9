"""What would recorded deliveries say? Each is rendered as if it left, by the renderers that also serve dispatchers.

What cannot be rendered fails as it would live. What can is kept for whoever asked, by the delivery's key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec
from pydantic import BaseModel, ConfigDict

from parcours.channel import CALL, Accepted, Receipt
from parcours.core.effect import Outgoing
from parcours.dispatch.calling import CallRenderer
from parcours.dispatch.registry import Registry
from parcours.dispatch.render import Renderer, RenderFailed
from parcours.errors import ChannelUnknown, ExtraMissing
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.plan import channels_used

Said: TypeAlias = dict[str, Any]
"""What a delivery says: the fields of its content, as JSON has them. Of an outbound call, those of its body."""

Contents: TypeAlias = Mapping[str, type[BaseModel]]
"""What a delivery of each channel may hold."""


class AnyContent(BaseModel):
    """What a channel takes that is not installed here: whatever the message has for it."""

    model_config = ConfigDict(frozen=True, extra="allow")


def contents_of(project: Project, installed: Registry) -> Contents:
    """The content model of each channel that the project's messages use, `AnyContent` for one that is not there."""
    return {channel: _content(installed, channel) for channel in channels_used(project) if channel != CALL}


def _content(installed: Registry, channel: str) -> type[BaseModel]:
    try:
        return installed.channel(channel).Content
    except (ChannelUnknown, ExtraMissing):
        return AnyContent


class Proofs:
    """Reads deliveries that are only recorded.

    keep  for `collect`, which is then called in the process of the shard. It is False in another one
    """

    def __init__(self, contents: Contents, *, keep: bool = True) -> None:
        self._contents = contents
        self._keep = keep
        self._kept: dict[str, Said] = {}
        self._opened: tuple[Program, Renderer] | None = None

    @classmethod
    def of(cls, project: Project, *, keep: bool = True, registry: Registry | None = None) -> Proofs:
        """Proofs of what the project sends, by the channels that are installed."""
        return cls(contents_of(project, registry or Registry.installed()), keep=keep)

    def __reduce__(self) -> tuple[Callable[[Contents], Proofs], tuple[Contents]]:
        return _unkept, (self._contents,)

    def answers(self, program: Program) -> Callable[[Outgoing], Receipt]:
        """Sent, or failed where it cannot be rendered. Raises ProjectInvalid for a content that its channel rejects."""
        if self._opened is None or self._opened[0] is not program:  # shards of one process share their templates
            self._opened = program, Renderer(program, self._contents)
        messages, calls = self._opened[1], CallRenderer(program)

        def answer(outgoing: Outgoing) -> Receipt:
            try:
                if outgoing.channel == CALL:
                    said = msgspec.json.decode(calls.render(outgoing).body)
                else:
                    said = messages.render(outgoing).model_dump(mode="json", exclude_none=True)
            except RenderFailed as failure:
                return failure.receipt(outgoing.key)
            if self._keep:
                self._kept[outgoing.key] = said
            return Accepted(outgoing.key)

        return answer

    def collect(self) -> dict[str, Said]:
        """What was said since the last time, by the delivery's key."""
        kept, self._kept = self._kept, {}
        return kept


def _unkept(contents: Contents) -> Proofs:
    return Proofs(contents, keep=False)
