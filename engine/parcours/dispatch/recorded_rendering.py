"""What recorded deliveries would say: each is rendered as if it left, by the dispatchers' own renderers.

What cannot be rendered fails as it would live, and what its channel's `check` refuses is refused. Of the rest, what the
check remarks is counted for the shard, and the content kept for whoever asked, by the delivery's key. What lies in an
inbox is placed there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import msgspec
from pydantic import BaseModel, ConfigDict

from parcours.channel import CALL, INBOX, Accepted, Finding
from parcours.core.effect import Outgoing
from parcours.core.input import Placed, Settlement
from parcours.core.remarks import RemarkCounter
from parcours.dispatch.call_body import CallRenderer
from parcours.dispatch.registry import Registry
from parcours.dispatch.render import Renderer, RenderFailed
from parcours.errors import ChannelUnknown, ExtraMissing, ProjectInvalid
from parcours.journey.channels import channels_used
from parcours.journey.compile.content_check import ContentCheck, ContentChecks
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.shard.outbox import Answering

Said: TypeAlias = dict[str, Any]
"""What a delivery says: the fields of its content, as JSON has them. Of an outbound call, those of its query, as texts,
and of its body, which comes before where both have a field of one name."""

ContentModels: TypeAlias = Mapping[str, type[BaseModel]]
"""What a delivery of each channel may hold."""


Remark: TypeAlias = tuple[str, str, str]
"""(message, channel, what a person should know)"""


class AnyContent(BaseModel):
    """What a channel takes that is not installed here: whatever the message has for it."""

    model_config = ConfigDict(frozen=True, extra="allow")


def contents_of(project: Project, installed: Registry) -> ContentModels:
    """The content model of each channel that the project's messages use, `AnyContent` for one that is not there."""
    return contents_on(channels_used(project.program), installed)


def contents_on(channels: Iterable[str], installed: Registry) -> ContentModels:
    """The content model of each of these channels, `AnyContent` for one that is not there."""
    return {channel: _content(installed, channel) for channel in channels if channel != CALL}


def checks_of(project: Project, installed: Registry) -> dict[str, ContentCheck]:
    """The check of each channel that the project's messages use, as far as it is there."""
    return checks_on(channels_used(project.program), installed)


def checks_on(channels: Iterable[str], installed: Registry) -> dict[str, ContentCheck]:
    """The check of each of these channels, as far as it is there."""
    checks: dict[str, ContentCheck] = {}
    for channel in channels:
        if channel != CALL and _content(installed, channel) is not AnyContent and (check := installed.check(channel)):
            checks[channel] = check
    return checks


def _content(installed: Registry, channel: str) -> type[BaseModel]:
    try:
        return installed.channel(channel).Content
    except (ChannelUnknown, ExtraMissing):
        return AnyContent


class RecordedRendering:
    """Reads deliveries that are only recorded.

    keep  for `collect`, which is then called in the process of the shard. It is False in another one
    """

    _messages: Renderer
    _calls: CallRenderer

    def __init__(self, contents: ContentModels, checks: ContentChecks, *, keep: bool = True) -> None:
        self._contents = contents
        self._checks = checks
        self._keep = keep
        self._kept: dict[str, Said] = {}
        self._told: Counter[Remark] = Counter()
        self._published: Program | None = None
        """What the renderers know. Shards of one process share them."""

    @classmethod
    def of(cls, project: Project, *, keep: bool = True, registry: Registry | None = None) -> RecordedRendering:
        """Render what the project sends, by the channels that are installed."""
        installed = registry or Registry.installed()
        used = {*channels_used(project.program), *INBOX}  # a later publication may be the first to use an inbox
        return cls(contents_on(used, installed), checks_on(used, installed), keep=keep)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unkept, (self._contents, self._checks)

    def answering(self, program: Program, remarks: RemarkCounter | None = None) -> Answering:
        """Sent, or failed where it cannot be rendered; `remarks` counts what the checks say of what is sent.

        Raises ProjectInvalid for a content that its channel rejects.
        """
        if self._published is not program:
            self._messages, self._calls = Renderer(program, self._contents, self._checks), CallRenderer(program)
            self._published = program
        return partial(self._answer, remarks)

    def _answer(self, remarks: RemarkCounter | None, outgoing: Outgoing, program: Program) -> Settlement:
        try:
            said, findings = self._said(outgoing, program)
        except RenderFailed as failure:
            return failure.receipt(outgoing.key)
        except ProjectInvalid as error:  # found out only when it was published
            return RenderFailed(f"render: {error}").receipt(outgoing.key)
        if self._keep:
            self._kept[outgoing.key] = said
            self._told.update((outgoing.message, outgoing.channel, finding.text) for finding in findings)
        if remarks is not None and findings and not outgoing.is_copy:
            kinds = (finding.kind or finding.text for finding in findings)
            remarks.add(outgoing.journey, outgoing.step, outgoing.channel, kinds)
        if outgoing.channel in INBOX:
            return Placed(outgoing.key, msgspec.json.encode(said), pinned=said.get("pinned") is True)
        return Accepted(outgoing.key)

    def _said(self, outgoing: Outgoing, program: Program) -> tuple[Said, list[Finding]]:
        if self._published is not program:
            self._messages.publish(program)
            self._calls.publish(program)
            self._published = program
        if outgoing.channel == CALL:
            body = self._calls.render(outgoing).body
            return {**_query_of(outgoing.to), **({} if body is None else msgspec.json.decode(body))}, []
        content, findings = self._messages.render_with_remarks(outgoing)
        return content.model_dump(mode="json", exclude_none=True), findings

    def collect(self) -> dict[str, Said]:
        """What was said since the last time, by the delivery's key."""
        kept, self._kept = self._kept, {}
        return kept

    def remarks(self) -> Counter[Remark]:
        """What the channels' checks have told of contents that leave, since the last time."""
        told, self._told = self._told, Counter()
        return told


def _query_of(url: str) -> Said:
    """The fields of a URL's query; one that is there several times is a list."""
    fields = parse_qs(urlsplit(url).query, keep_blank_values=True)
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in fields.items()}


def _unkept(contents: ContentModels, checks: ContentChecks) -> RecordedRendering:
    return RecordedRendering(contents, checks, keep=False)
