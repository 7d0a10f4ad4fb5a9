"""What does a delivery say that leaves for nobody? As it would be rendered by its channel, or why it cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from parcours.core.effect import Outgoing
from parcours.dispatch.recorded_rendering import checks_on, contents_on
from parcours.dispatch.registry import Registry
from parcours.dispatch.render import Renderer, RenderFailed, is_html
from parcours.errors import ProjectInvalid
from parcours.journey.channels import channels_used
from parcours.journey.program import Program
from parcours.wording import words_of


@dataclass(frozen=True, slots=True)
class MessageSaid:
    """
    said     the fields of the channel's content, as JSON has them; None where it cannot be rendered, for what `failed`
             says
    html     the fields of it that are HTML
    remarks  what the channel's check has to say of it
    """

    channel: str
    said: Mapping[str, Any] | None
    failed: str | None = None
    html: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()


class MessageReading:
    """Renders messages of the program that is published, without links of ours.

    To know all messages of a program takes a while, and MJML becomes HTML then: it is kept until there is another.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._known: tuple[Program, Renderer] | None = None
        self._alone = Lock()

    def read(self, program: Program, outgoing: list[Outgoing]) -> list[MessageSaid]:
        """What each of them says. It may take long, and may run in a thread."""
        with self._alone:
            try:
                renderer = self._renderer(program)
            except ProjectInvalid as error:
                return [MessageSaid(each.channel, None, str(error)) for each in outgoing]
            return [_said(renderer, each) for each in outgoing]

    def _renderer(self, program: Program) -> Renderer:
        known = self._known
        if known is None or known[0] is not program:
            used = channels_used(program)
            renderer = Renderer(program, contents_on(used, self._registry), checks_on(used, self._registry))
            known = self._known = program, renderer
        return known[1]


def _said(renderer: Renderer, outgoing: Outgoing) -> MessageSaid:
    try:
        content, findings = renderer.render_with_remarks(outgoing)
    except RenderFailed as failure:
        return MessageSaid(outgoing.channel, None, words_of(failure).removeprefix("render: "))
    said = content.model_dump(mode="json", exclude_none=True)
    html = frozenset(name for name in said if is_html(type(content), name))
    return MessageSaid(outgoing.channel, said, html=html, remarks=tuple(each.text for each in findings))
