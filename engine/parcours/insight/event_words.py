"""Events in the words of the command line: `Product Viewed > Product Added[event.price > 20] > Order Completed`.

A name may hold blanks and goes on until `>`, `[` or the end. One that holds these itself is read whole if it is known,
of several the longest, and else stands in double quotes; what is quoted is never a part of a longer name. What stands
in brackets behind a name is the condition on the event, which may hold brackets, and `>`, of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from parcours.errors import CallerError
from parcours.wording import quoted

EventData: TypeAlias = str | dict[str, str]
"""An event as a document has it: its name, or `{"event": NAME, "when": CONDITION}`."""

NEXT: Final = ">"

_END_OF_NAME: Final = re.compile(r"\s*(?:[>\[]|\Z)")

_OPEN: Final = "[({"
_CLOSE: Final = "])}"


def events_in(words: str, known: Iterable[str] = ()) -> list[EventData]:
    """The events, in order, where these names are known. Raises CallerError with the column where one is not read."""
    reader = _Reader(words, _with_signs(known))
    events = [reader.event()]
    while reader.takes(NEXT):
        events.append(reader.event())
    if not reader.is_over:
        raise reader.unexpected(f"{NEXT!r} or the end")
    return events


def event_in(words: str, known: Iterable[str] = ()) -> EventData:
    """The only event of the words. Raises CallerError for several."""
    events = events_in(words, known)
    if len(events) > 1:
        raise CallerError(f"{words!r}: one event is expected, and not {len(events)}")
    return events[0]


def name_and_condition(event: EventData) -> tuple[str, str | None]:
    """The name of an event, and its condition if there is one."""
    return (event, None) if isinstance(event, str) else (event["event"], event["when"])


def _with_signs(known: Iterable[str]) -> list[str]:
    """The known names that would end too early, the longest first."""
    return sorted((name for name in known if NEXT in name or "[" in name), key=len, reverse=True)


@dataclass(slots=True)
class _Reader:
    text: str
    with_signs: list[str]
    at: int = 0

    @property
    def is_over(self) -> bool:
        return not self.text[self.at :].strip()

    def unexpected(self, expected: str) -> CallerError:
        return CallerError(f"{quoted(self.text)}: {expected} is expected (column {self.at + 1})")

    def _skip_blanks(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def takes(self, sign: str) -> bool:
        """Whether the sign comes next; it is read then."""
        self._skip_blanks()
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def event(self) -> EventData:
        self._skip_blanks()
        name = self._quoted_name() if self.text.startswith('"', self.at) else self._plain_name()
        if not name:
            raise self.unexpected("the name of an event (one with '>' or '[' in double quotes)")
        return {"event": name, "when": self._condition()} if self.takes("[") else name

    def _quoted_name(self) -> str:
        end = self.text.find('"', self.at + 1)
        if end < 0:
            raise self.unexpected("a second quote")
        name, self.at = self.text[self.at + 1 : end], end + 1
        return name

    def _plain_name(self) -> str:
        begin = self.at
        for known in self.with_signs:
            if self.text.startswith(known, begin) and _END_OF_NAME.match(self.text, begin + len(known)):
                self.at += len(known)
                return known
        while self.at < len(self.text) and self.text[self.at] not in ">[":
            self.at += 1
        name = self.text[begin : self.at].strip()
        if not name:
            self.at = begin
        return name

    def _condition(self) -> str:
        """The text up to the bracket that closes the one just read."""
        begin, depth = self.at, 1
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign in "\"'":
                self._skip_text(sign)
            depth += (sign in _OPEN) - (sign in _CLOSE)
            self.at += 1
            if depth == 0:
                return self.text[begin : self.at - 1].strip()
        raise self.unexpected("']' behind the condition")

    def _skip_text(self, quote: str) -> None:
        """Go on to the end of a text within a condition."""
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != quote:
            self.at += 2 if self.text[self.at] == "\\" else 1
