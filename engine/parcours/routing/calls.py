"""Calls as lines: what a caller hands in, each call encoded by itself so that a bad one takes no other along."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final, TypeAlias, TypeVar

import msgspec

from parcours.config import Settings
from parcours.errors import CallerError
from parcours.journey.program import Program
from parcours.segment.inputs import check_call
from parcours.segment.line import Unusable, bounded_reason
from parcours.surrogates import mended_value
from parcours.wording import shown_value

T = TypeVar("T")

Written: TypeAlias = bytes | bytearray | memoryview
"""What is written already: a block of NDJSON, or a line of it."""

REPORTS: Final = frozenset({"consent", "suppression", "reaction", "feedback", "proposition"})
"""Types of calls that are taken though events are refused: of consent, and of what became of deliveries and offers."""


@dataclass(frozen=True, slots=True)
class Lines:
    """
    lines    what is handed to the engine
    places   where each of them stands in the call, from 0; in a block of NDJSON blank lines count as well
    refused  (place, reason) of what cannot be written as JSON
    """

    lines: Sequence[bytes]
    places: Sequence[int]
    refused: tuple[tuple[int, str], ...] = ()


def lines_of(calls: Iterable[Mapping[str, object] | Written] | Written) -> Lines:
    """The lines of one call of `ingest`. Raises CallerError for what is neither calls nor NDJSON.

    NDJSON is taken as a block, and line by line, as `simulate` takes it.
    """
    if isinstance(calls, Written):
        written = bytes(calls).removeprefix(BOM_UTF8).split(b"\n")
        lines = [line for line in written if line.strip()]
        blank_at_end = not written[-1].strip()
        if len(written) - len(lines) == blank_at_end:  # no other line is blank
            return Lines(lines, range(len(lines)))
        return Lines(lines, [place for place, line in enumerate(written) if line.strip()])
    encoded: list[bytes] = []
    places: list[int] = []
    refused: list[tuple[int, str]] = []
    each: Iterable[object] = _each(calls, "calls as dicts, or NDJSON as bytes")
    for place, call in enumerate(each):
        if isinstance(call, Written):
            line = bytes(call) if place else bytes(call).removeprefix(BOM_UTF8)
            if line.strip():
                encoded.append(line)
                places.append(place)
            continue
        try:
            encoded.append(line_of(call))
        except CallerError as error:
            refused.append((place, bounded_reason(str(error))))
        else:
            places.append(place)
    return Lines(encoded, places, tuple(refused))


NO_CALLS: Final = (str, int, float, list, tuple, set, frozenset, type(None))
"""What JSON can write and no call can be."""


def line_of(call: object) -> bytes:
    """The line of one call. Raises CallerError for what is no call, and for what cannot be written as JSON."""
    if isinstance(call, NO_CALLS):
        raise CallerError(f"a call is a dict, or a line of NDJSON as bytes, and this is {shown_value(call)}")
    try:
        return msgspec.json.encode(dict(call) if isinstance(call, Mapping) else call)
    except UnicodeEncodeError as error:
        mended = _with_whole_characters(call)
        if mended is None:
            raise CallerError(f"the call cannot be written as JSON: {error}") from None
        return mended
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise CallerError(f"the call cannot be written as JSON: {error}") from None


def checked_line(call: Mapping[str, object], program: Program, settings: Settings) -> bytes:
    """The line of a call that its caller writes out. Raises CallerError for what no shard would take."""
    line = line_of(call)
    try:
        check_call(line, program, settings)
    except Unusable as reason:
        raise CallerError(f"{call['type']}: {reason}") from None
    return line


VALUES = frozenset({"properties", "traits", "answer", "name", "category"})
"""The parts of a call that hold values. In all others, ids above all, a text means itself and is not mended."""


def _with_whole_characters(call: object) -> bytes | None:
    """The line of a call whose values hold halves of surrogate pairs; None where they are elsewhere."""
    if not isinstance(call, Mapping):
        return None
    try:
        return msgspec.json.encode({key: mended_value(each) if key in VALUES else each for key, each in call.items()})
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return None


def person_text(person: object, asked: str) -> str:
    """The id of a person who is asked for as a text, which a whole number stands for as well.

    Raises CallerError for what nobody can be named, by the question that was asked.
    """
    if isinstance(person, bool) or not isinstance(person, str | int):
        raise CallerError(f"{asked}({shown_value(person)}): a person's id is a text or a whole number")
    try:
        text = str(person)
    except ValueError:  # of thousands of digits
        raise CallerError(f"{asked}({shown_value(person)}): a whole number of fewer digits is expected") from None
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CallerError(f"{asked}({shown_value(person)}): a person's id is a text that UTF-8 can write") from None
    return text


def recorded_lines(lines: Iterable[bytes] | bytes | bytearray | memoryview) -> Iterable[object]:
    """Recorded lines one by one, empty ones among them so that numbers stay right. Raises CallerError as above.

    Whether each is one is left to whoever looks at all of them anyway (`line_bytes`).
    """
    if isinstance(lines, bytes | bytearray | memoryview):
        return bytes(lines).removeprefix(BOM_UTF8).split(b"\n")
    each = iter(_each(lines, "lines of NDJSON as bytes"))
    return chain((line_bytes(line, 1).removeprefix(BOM_UTF8) for line in islice(each, 1)), each)


def line_bytes(line: object, number: int) -> bytes:
    """What was handed in as a line, as bytes. Raises CallerError with its number if it is no line."""
    if not isinstance(line, bytes | bytearray | memoryview):
        raise CallerError(f"line {number} is {shown_value(line)}, and a line of NDJSON as bytes is expected")
    return bytes(line)


def _each(given: Iterable[T], wanted: str) -> Iterable[T]:
    """What is given, unless it would be taken apart where the caller meant it as a whole."""
    if isinstance(given, str):
        raise CallerError(f"a str is given, and {wanted} are expected: encode it as UTF-8 first")
    if isinstance(given, Mapping):
        raise CallerError(f"a single {type(given).__name__} is given, and {wanted} are expected: put it into a list")
    if not isinstance(given, Iterable):
        raise CallerError(f"{type(given).__name__} is given, and {wanted} are expected")
    return given
