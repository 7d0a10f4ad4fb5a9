"""The filter `date`: the library's reads the clock and zone of the machine, this one those of the delivery."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfoNotFoundError

from dateutil import parser
from liquid import RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context
from liquid.undefined import is_undefined

from parcours.expression.zones import zone
from parcours.instants import EPOCH
from parcours.template.nothing import NOTHING
from parcours.template.rendering import rendering_of

SECONDS_MAX: Final = 250_000_000_000
"""Seconds around 1970 within which every time has a four-digit year."""

DATE_CHARACTERS_MAX: Final = 100
"""Longest text that is read as a date."""

FORMAT_CHARACTERS_MAX: Final = 1_000
"""Longest format: a directive of it may become 256 characters."""


@with_context
def date_filter(value: object, text_format: object, zone_name: object = NOTHING, *, context: RenderContext) -> str:
    """The date in this format, in the reader's zone or in the one named; a text without a zone is local there."""
    if is_undefined(value):
        return ""
    rendering = rendering_of(context)
    place = rendering.zone if is_undefined(zone_name) else named_zone(str(zone_name))
    moment = _moment(value, rendering.now.astimezone(place), place)
    if moment is None or is_undefined(text_format) or not str(text_format):
        return str(value)
    if text_format == "%s":
        return str(int(moment.timestamp()))
    if len(str(text_format)) > FORMAT_CHARACTERS_MAX:
        raise FilterArgumentError(f"a format has at most {FORMAT_CHARACTERS_MAX} characters", token=None)
    return moment.strftime(str(text_format))


def named_zone(name: str) -> tzinfo:
    """The zone of this name. Raises FilterArgumentError if there is none."""
    try:
        return zone(name)
    except ZoneInfoNotFoundError:
        raise FilterArgumentError(f"no time zone {name!r}, name one as in Europe/Paris", token=None) from None


def _moment(value: object, now: datetime, place: tzinfo) -> datetime | None:
    """What a template means by a date: a time, a day, seconds since 1970, or a text that names one of them."""
    if isinstance(value, str) and value in ("now", "today"):
        return now
    if isinstance(value, datetime):
        return value.astimezone(place) if value.tzinfo else value.replace(tzinfo=place)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=place)
    if isinstance(value, str) and len(value) > DATE_CHARACTERS_MAX:
        return None
    if isinstance(value, int) or (isinstance(value, str) and value.isascii() and value.isdigit()):
        seconds = int(value)
        return (EPOCH + timedelta(seconds=seconds)).astimezone(place) if abs(seconds) < SECONDS_MAX else None
    return _parsed(value, now, place) if isinstance(value, str) else None


def _parsed(text: str, now: datetime, place: tzinfo) -> datetime | None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    try:
        parsed = parser.parse(text, default=midnight, tzinfos=_offset)
        return parsed.astimezone(place) if parsed.tzinfo else parsed.replace(tzinfo=place)
    except (OverflowError, ValueError):
        return None


def _offset(_: str | None, offset_s: int | None) -> tzinfo | None:
    """An offset counts, as does Z; a zone's abbreviation does not: EST is another one in Sydney."""
    return None if offset_s is None else timezone(timedelta(seconds=offset_s))
