"""What does this person's message say? Liquid templates, parsed once, rendered within limits.

A template sees `profile`, `entry`, `event` and `run` as they were when the message was decided on, and
`'now'` is that instant. Text that a content model marks as text/html is escaped for HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from types import MappingProxyType

from dateutil import parser
from liquid import BoundTemplate, Environment, RenderContext
from liquid.exceptions import LiquidError
from liquid.filter import with_context
from liquid.undefined import is_undefined
from pydantic import BaseModel, ValidationError

from parcours.channel import Finding, Refused
from parcours.core.effect import Outgoing
from parcours.core.input import ContentRefused, Settlement
from parcours.core.paths import pick
from parcours.errors import ProjectInvalid
from parcours.instants import EPOCH, to_moment
from parcours.journey.compile.content_check import ContentChecks, findings_of
from parcours.journey.program import Program
from parcours.journey.read.complaints import in_a_line

LOOPS_MAX = 1_000
"""Iterations of all loops of one template."""

OUTPUT_BYTES_MAX = 1_000_000
"""Output of one template: larger than any mail a provider takes."""

NAMESPACE_MAX = 100_000
"""Room for what a template assigns, in the units of the Liquid library."""


SECONDS_MAX = 250_000_000_000
"""Seconds around 1970 within which every time has a four-digit year."""


class RenderFailed(Exception):
    """The message cannot be rendered for this person; the first argument says why."""

    def receipt(self, key: str) -> Settlement:
        """What becomes of the delivery of this key."""
        return Refused(key, str(self), code="render")


class ContentRejected(RenderFailed):
    """The message says what is not to leave, such as what its channel's `check` refuses."""

    def receipt(self, key: str) -> Settlement:
        return ContentRefused(key, str(self))


DECIDED_AT = "$decided_at"
"""Under this name a template's filters find the delivery's time; no template can name it."""


class _Limited(Environment):
    loop_iteration_limit = LOOPS_MAX
    output_stream_limit = OUTPUT_BYTES_MAX
    local_namespace_limit = NAMESPACE_MAX

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        self.add_filter("date", _date)


@with_context
def _date(value: object, text_format: object, *, context: RenderContext) -> str:
    """Liquid's `date`, which would read the machine's clock and zone: here 'now' is the delivery's time, all in UTC."""
    if is_undefined(value):
        return ""
    now = context.globals[DECIDED_AT]
    assert isinstance(now, datetime), "the renderer gives the time to every template"
    moment = _moment(value, now)
    if moment is None or is_undefined(text_format):
        return str(value)
    if text_format == "%s":
        return str(int(moment.timestamp()))
    return moment.strftime(str(text_format))


def _moment(value: object, now: datetime) -> datetime | None:
    """What a template means by a date: a time, a day, seconds since 1970, or a text that names one of them."""
    if isinstance(value, str) and value in ("now", "today"):
        return now
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, int) or (isinstance(value, str) and value.isascii() and value.isdigit()):
        seconds = int(value)
        return EPOCH + timedelta(seconds=seconds) if abs(seconds) < SECONDS_MAX else None
    if isinstance(value, str):
        return _parsed_date(value, now)
    return None


def _parsed_date(text: str, now: datetime) -> datetime | None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        parsed = parser.parse(text, default=midnight, tzinfos=_zone)
    except (OverflowError, ValueError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _zone(_: str | None, offset_s: int | None) -> tzinfo:
    """An offset counts, a zone's abbreviation does not: EST is another one in Sydney."""
    return timezone(timedelta(seconds=offset_s)) if offset_s else UTC


class Renderer:
    """Renders every message of a program.

    contents  the content models of its channels
    checks    their judgement of what has been rendered; a channel without one takes all that its model does
    """

    def __init__(
        self,
        program: Program,
        contents: Mapping[str, type[BaseModel]],
        checks: ContentChecks = MappingProxyType({}),
    ) -> None:
        self._contents = contents
        self._checks = checks
        self._plain = _Limited()
        self._html = _Limited(autoescape=True)
        self._parsed: dict[tuple[bool, str], BoundTemplate] = {}
        self._sources: dict[tuple[str, int, str, str], Mapping[str, object]] = {}
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

    def render(self, outgoing: Outgoing) -> BaseModel:
        """The channel's content with every template filled in. Raises RenderFailed, or ContentRejected of its kind."""
        content = self._filled(outgoing)
        refusals = [finding.text for finding in self.findings(outgoing.channel, content) if finding.refused]
        if refusals:
            raise ContentRejected("; ".join(refusals))
        return content

    def findings(self, channel: str, content: BaseModel) -> list[Finding]:
        """What the channel says of a rendered content."""
        return findings_of(self._checks.get(channel), content)

    def _filled(self, outgoing: Outgoing) -> BaseModel:
        model = self._contents[outgoing.channel]
        now = to_moment(outgoing.at)
        values = {**outgoing.context, "now": now, "today": now.date(), DECIDED_AT: now}
        try:
            filled = {
                name: self._fill(value, values, html=_is_html(model, name))
                for name, value in self._source(outgoing).items()
            }
            return model.model_validate(filled)
        except LiquidError as error:
            raise RenderFailed(f"render: {_words_of(error)}") from error
        except ValidationError as error:
            raise RenderFailed(f"render: {in_a_line(error, model)}") from error
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            # Filters raise these for data that nobody thought of; it is one person's message that fails.
            raise RenderFailed(f"render: {type(error).__name__}: {error}") from error

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

    def _fill(self, value: object, values: Mapping[str, object], *, html: bool) -> object:
        if isinstance(value, str):
            return self._template(value, html=html).render(**values)
        if isinstance(value, Mapping):
            return {name: self._fill(inner, values, html=html) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._fill(inner, values, html=html) for inner in value]
        return value

    def _template(self, text: str, *, html: bool) -> BoundTemplate:
        key = html, text
        if key not in self._parsed:
            self._parsed[key] = (self._html if html else self._plain).from_string(text)
        return self._parsed[key]


def _checked(message: str, channel: str, model: type[BaseModel], content: Mapping[str, object]) -> dict[str, object]:
    """The content as its channel wants it, which is where MJML becomes HTML. Raises ProjectInvalid."""
    try:
        return model.model_validate(dict(content)).model_dump(mode="json", exclude_none=True)
    except ValidationError as error:
        raise ProjectInvalid(f"message {message!r}, {channel}: {in_a_line(error, model)}") from None


def _words_of(error: LiquidError) -> str:
    """What is wrong and where; the picture of the place that the library draws below it is left out."""
    return " ".join(line.strip() for line in str(error).splitlines()[:2])


def _is_html(model: type[BaseModel], name: str) -> bool:
    extra = model.model_fields[name].json_schema_extra if name in model.model_fields else None
    return isinstance(extra, dict) and pick(extra, "contentMediaType") == "text/html"
