"""Which names does a caller use that the project does not declare? A warning says each, and not with every call."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice

from parcours.channel import CALL
from parcours.config import MINUTE_MS
from parcours.expression.definition_keys import plain
from parcours.journey.channels import consents_known, purposes_known
from parcours.journey.program import Program
from parcours.segment.line import Unusable, read_call
from parcours.wording import ForeignText, nearest, quoted

log = logging.getLogger("parcours")

WARN_EVERY_MS = MINUTE_MS
"""How long a name is not warned of again: a busy service says it thousands of times a second."""

NAMES_MAX = 1_000
"""Names remembered as warned of; the one warned of for longest is forgotten. Whoever makes up names uses no fewer."""

LINES_MAX = 100
"""Lines of one call of `ingest` that are looked through, a millisecond of work: what is misspelt comes often."""


class UnknownNames:
    """May be asked on any thread: calls are checked on their callers'."""

    def __init__(self, now_ms: Callable[[], int], channels: Iterable[str] = ()) -> None:
        """`channels` are those that have been opened, whether anything is sent on them or not."""
        self._now_ms = now_ms
        self._channels = frozenset(channels) - {CALL}
        self._warned: dict[tuple[str, str], int] = {}
        self._turn = threading.Lock()

    def hear_event(self, event: str, program: Program) -> None:
        """An event of this name is handed in."""
        if event in program.events or event in program.derived or not self._is_due("event", event):
            return
        declared = {plain(name) for name in (*program.events, *program.derived)}
        hint = nearest(event, declared)
        log.warning("event %s is not declared%s: it is taken, and moves nobody", ForeignText(quoted(event)), hint)

    def hear_lines(self, lines: Iterable[bytes], program: Program) -> None:
        """Lines have been taken, and some of them are events that nobody declares."""
        for line in islice(lines, LINES_MAX):
            with suppress(Unusable):
                call = read_call(line)
                if call.type == "track" and call.event:
                    self.hear_event(call.event, program)

    def hear_traits(self, traits: Iterable[str], program: Program) -> None:
        """Traits of these names are handed in."""
        declared = {path.partition(".")[0] for path in program.trait_kinds} | program.zone_traits
        for name in traits:
            if name not in declared and self._is_due("trait", name):
                hint = nearest(name, declared)
                said = ForeignText(quoted(name))
                log.warning("trait %s is not declared%s: it is kept, and read by nobody", said, hint)

    def hear_consent(self, channel: str, purpose: str | None, program: Program) -> None:
        """Consent for a channel of this name, or a purpose on it, is handed in."""
        channels, purposes = consents_known(program) | self._channels, purposes_known(program)
        for kind, name, known in (("channel", channel, channels), ("purpose", purpose, purposes)):
            if name is not None and name not in known and self._is_due(kind, name):
                said, hint = ForeignText(quoted(name)), nearest(name, known)
                log.warning("nothing is sent for the %s %s%s: the consent is kept all the same", kind, said, hint)

    def _is_due(self, kind: str, name: str) -> bool:
        now_ms = self._now_ms()
        with self._turn:
            warned_ms = self._warned.get((kind, name))
            if warned_ms is not None and now_ms - warned_ms < WARN_EVERY_MS:
                return False
            self._warned.pop((kind, name), None)
            self._warned[kind, name] = now_ms
            if len(self._warned) > NAMES_MAX:
                del self._warned[next(iter(self._warned))]
        return True
