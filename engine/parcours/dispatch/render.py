"""The renderer of messages: Liquid templates, parsed once, rendered for one person within limits.

A template sees `profile`, `entry`, `event`, `run` and `offers` as they were when the message was decided on, and
`'now'` is that instant, in the person's time zone. Text that a content model marks as text/html is escaped for HTML.
Where the engine has links, a channel that has a place for them puts them in, and `preferences_url` is one of them;
elsewhere it is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from types import MappingProxyType

from liquid.exceptions import LiquidError
from pydantic import BaseModel, ValidationError

from parcours.channel import FILLED_IN, Finding, Refused
from parcours.core.effect import Outgoing
from parcours.core.input import ContentRefused, Settlement
from parcours.core.paths import pick
from parcours.dispatch.filling import Filling, template_values
from parcours.dispatch.offer_rendering import offer_values
from parcours.dispatch.registry import PutIn
from parcours.errors import ProjectInvalid
from parcours.expression.zones import zone, zone_names
from parcours.journey.compile.content_check import ContentChecks, findings_of
from parcours.journey.program import Program
from parcours.journey.read.complaints import in_a_line
from parcours.routing.plan import Links
from parcours.template.dialect import Aborted
from parcours.template.nothing import without_nulls
from parcours.template.rendering import PREFERENCES
from parcours.wording import error_words, words_of


class RenderFailed(Exception):
    """The message cannot be rendered for this person; the first argument says why."""

    def receipt(self, key: str) -> Settlement:
        """What becomes of the delivery of this key."""
        return Refused(key, words_of(self), code="render")


class ContentRejected(RenderFailed):
    """The message says what is not to leave, such as what its channel's `check` refuses."""

    def receipt(self, key: str) -> Settlement:
        return ContentRefused(key, words_of(self))


class Renderer:
    """Renders every message of a program.

    contents  the content models of its channels
    checks    their judgement of what has been rendered; a channel without one takes all that its model does
    links     make the addresses of ours in a delivery, None: it has none
    put_in    puts them into what is rendered, None where that has no place for them
    """

    def __init__(
        self,
        program: Program,
        contents: Mapping[str, type[BaseModel]],
        checks: ContentChecks = MappingProxyType({}),
        *,
        links: Links | None = None,
        put_in: PutIn | None = None,
    ) -> None:
        self._contents = contents
        self._checks = checks
        self._links = links
        self._put_in = put_in
        self._fill = Filling()
        self._sources: dict[tuple[str, int, str, str], Mapping[str, object]] = {}
        self._tracked: frozenset[tuple[str, int, str]] = frozenset()
        self.publish(program)

    def publish(self, program: Program) -> None:
        """From now on render the messages of this program, each run's in its own version. Raises ProjectInvalid."""
        checked: dict[int, Mapping[str, object]] = {}  # versions share most messages: each is looked at once
        sources: dict[tuple[str, int, str, str], Mapping[str, object]] = {}
        for journey in program.versions():
            for message in journey.messages.values():
                for channel, content in message.contents.items():
                    if channel not in self._contents:
                        continue
                    if id(content) not in checked:
                        checked[id(content)] = _checked(message.name, channel, self._contents[channel], content)
                    sources[journey.name, journey.version, message.name, channel] = checked[id(content)]
        self._sources = sources
        self._tracked = frozenset(
            (journey.name, journey.version, message.name)
            for journey in program.versions()
            for message in journey.messages.values()
            if message.is_tracked
        )

    def render(self, outgoing: Outgoing) -> BaseModel:
        """The channel's content with every template filled in. Raises RenderFailed, or ContentRejected of its kind."""
        return self.render_with_remarks(outgoing)[0]

    def render_with_remarks(self, outgoing: Outgoing) -> tuple[BaseModel, list[Finding]]:
        """The same, with what its channel's check has to say of it. Raises as `render` does."""
        content = self._filled(outgoing)
        findings = findings_of(self._checks.get(outgoing.channel), content)
        refusals = [finding.text for finding in findings if finding.refused]
        if refusals:
            raise ContentRejected("; ".join(refusals))
        return content, findings

    def _filled(self, outgoing: Outgoing) -> BaseModel:
        model = self._contents[outgoing.channel]
        links = None if outgoing.is_copy else self._links  # the person's choices are not made from a copy
        values = {**_values(outgoing), PREFERENCES: "" if links is None else links.preferences(outgoing)}
        try:
            if outgoing.offers:
                values["offers"] = without_nulls(self._offers(outgoing, values, links))
            filled = {
                name: self._fill(value, values, html=is_html(model, name))
                for name, value in self._source(outgoing).items()
            }
            return self._linked(model.model_validate(filled, context=dict(FILLED_IN)), outgoing)
        except RenderFailed:
            raise
        except Aborted as abort:
            raise ContentRejected(str(abort)) from None
        except LiquidError as error:
            raise RenderFailed(f"render: {_words_of(error)}") from error
        except ValidationError as error:
            raise RenderFailed(f"render: {in_a_line(error, model)}") from error
        except Exception as error:
            # Filters and a stranger's content model raise anything for data that nobody thought of, up to MemoryError;
            # it is one person's message that fails, and its claim is answered.
            raise RenderFailed(f"render: {error_words(error)}") from error

    def _offers(
        self, outgoing: Outgoing, values: Mapping[str, object], links: Links | None
    ) -> dict[str, dict[str, object]]:
        """What the templates may name of the offers that it shows."""
        pixels = (
            {}
            if links is None
            else {name: links.offer_pixel(outgoing.person, each.proposition) for name, each in outgoing.offers.items()}
        )
        return {
            name: offer_values(each, values, self._fill, pixels.get(name)) for name, each in outgoing.offers.items()
        }

    def _linked(self, content: BaseModel, outgoing: Outgoing) -> BaseModel:
        """The content with the addresses of ours that have a place in it."""
        if self._links is None or self._put_in is None or outgoing.is_copy:
            return content
        tracked = (outgoing.journey, outgoing.version, outgoing.message) in self._tracked
        return self._put_in(content, self._links.of(outgoing, tracked=tracked))

    def fields(self, message: str, channel: str) -> frozenset[str]:
        """The names of what the message has for the channel, none if it has nothing."""
        sources = [source for named, source in self._sources.items() if named[2:] == (message, channel)]
        return frozenset(name for source in sources for name in source)

    def _source(self, outgoing: Outgoing) -> Mapping[str, object]:
        source = self._sources.get((outgoing.journey, outgoing.version, outgoing.message, outgoing.channel))
        if source is None:
            raise RenderFailed(
                f"render: version {outgoing.version} of {outgoing.journey!r} has no message {outgoing.message!r} "
                f"for {outgoing.channel!r} any more"
            )
        return source


def _values(outgoing: Outgoing) -> dict[str, object]:
    """What the templates of one delivery may name."""
    here = zone(outgoing.zone) if outgoing.zone in zone_names() else UTC
    return template_values(outgoing.context, outgoing.at, here)


def _checked(message: str, channel: str, model: type[BaseModel], content: Mapping[str, object]) -> dict[str, object]:
    """The content as its channel wants it, which is where MJML becomes HTML. Raises ProjectInvalid."""
    try:
        return model.model_validate(dict(content)).model_dump(mode="json", exclude_none=True)
    except ValidationError as error:
        raise ProjectInvalid(f"message {message!r}, {channel}: {in_a_line(error, model)}") from None


def _words_of(error: LiquidError) -> str:
    """What is wrong and where; the picture of the place that the library draws below it is left out."""
    return " ".join(line.strip() for line in str(error).splitlines()[:2])


def is_html(model: type[BaseModel], name: str) -> bool:
    """Whether the field of a content is HTML."""
    extra = model.model_fields[name].json_schema_extra if name in model.model_fields else None
    return isinstance(extra, dict) and pick(extra, "contentMediaType") == "text/html"
