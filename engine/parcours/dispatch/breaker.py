"""A circuit breaker for one channel: does it make sense to hand it anything now?

Closed, whatever is ready is handed over. It opens when nothing can leave for anybody: no connection, no login, or the
same refusal of the sender for several people in a row. Open, one delivery is a probe after each pause, and pauses grow;
any word about a single delivery closes it again. Deliveries that come back meanwhile are given back: nobody's attempts
are used up by what has nothing to do with them, but for the probes'.

A channel that has been silent for long is handed nothing more until it answers. Pure: the time comes with each call.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.config import Settings
from parcours.core.known_words import LEFT_OUT, known_code, known_part
from parcours.dispatch.channel_state import BreakerState
from parcours.wording import bounded

WORDS_MAX = 500
"""Characters of a channel's own words."""

ITS_OWN = "for a reason that its deliveries tell"
"""Stands for words of a channel that may name somebody."""


class Breaker:
    """Times are seconds of one clock that only goes forward.

    tells_whole  whether a reason that holds for everybody is told as it is: it is about another system and no person
    """

    def __init__(self, settings: Settings, *, tells_whole: bool = False) -> None:
        self._settings = settings
        self._tells_whole = tells_whole
        self._pause_s = 0.0
        self._until_s: float | None = None  # None while it is closed
        self._probes: frozenset[str] = frozenset()
        self._silent = False
        self._refusal: str | None = None
        self._refused: set[str] = set()
        self.trouble: str | None = None
        """Why the channel is handed nothing, None if it is."""

    def room(self, now_s: float) -> int | None:
        """How many deliveries may be claimed now; None for any number."""
        if self._silent or self._probes:
            return 0
        if self._until_s is None:
            return None
        return 1 if now_s >= self._until_s else 0

    @property
    def state(self) -> BreakerState:
        """Whether anything is handed over now."""
        if self._silent:
            return "silent"
        return "closed" if self._until_s is None else "open"

    def pause_s(self, now_s: float) -> float | None:
        """How long until the next probe, None if that is not a matter of time."""
        if self._until_s is None or self._silent or self._probes:
            return None
        return max(0.0, self._until_s - now_s)

    def probe(self, keys: Iterable[str]) -> None:
        """What there was room for has been claimed: a delivery, or none."""
        if self._until_s is not None:
            self._probes = frozenset(keys)

    def skip(self, key: str) -> None:
        """The channel is not handed this delivery after all."""
        self._probes -= {key}

    def be_silent(self, silence_s: float) -> None:
        """Deliveries have been under way for so long without an answer."""
        if self._until_s is None and not self._silent:
            self._silent = True
            self.trouble = f"has not answered for {silence_s:g} s"

    def hear(self, now_s: float, receipt: Receipt, person: str) -> Receipt:
        """Take the channel's receipt for a delivery to this person; the one that her shard gets."""
        was_silent, self._silent = self._silent, False
        is_probe = receipt.key in self._probes
        self._probes -= {receipt.key}
        match receipt:
            case NotSent(of_channel=True):
                return self._take_outage(now_s, receipt, is_probe)
            case Refused(of_channel=True):
                return self._take_refusal(now_s, receipt, person, is_probe)
            case Ambiguous():
                if is_probe or was_silent:
                    self._open(now_s, _known_why(receipt))
            case Accepted() | NotSent(tried=True) | Refused(code=str()):
                self._close()
            case _:  # the provider was not asked
                if was_silent and self._until_s is None:
                    self.trouble = None
        return receipt

    def _take_outage(self, now_s: float, receipt: NotSent, is_probe: bool) -> Receipt:
        if self._until_s is None or is_probe:
            self._open(now_s, _whole_why(receipt) if self._tells_whole else _known_why(receipt))
            return receipt
        return replace(receipt, tried=False)

    def _take_refusal(self, now_s: float, receipt: Refused, person: str, is_probe: bool) -> Receipt:
        """Until it is the same for several people it may be meant for this one, so it stays a refusal."""
        code = receipt.code or receipt.reason
        again = NotSent(receipt.key, receipt.reason, code=receipt.code, of_channel=True)
        if is_probe:
            self._open(now_s, _words(receipt.code))
            return again
        if self._until_s is not None:
            return replace(again, tried=False)
        if code != self._refusal:
            self._refusal, self._refused = code, set()
        self._refused.add(person)
        if len(self._refused) < self._settings.channel_refusals_max:
            self.trouble = None  # it answers
            return receipt
        self._open(now_s, _words(receipt.code))
        return again

    def _open(self, now_s: float, why: str) -> None:
        settings = self._settings
        pause_s = max(2 * self._pause_s, settings.channel_pause_ms / 1_000)
        self._pause_s = min(pause_s, settings.channel_pause_max_ms / 1_000)
        self._until_s = now_s + self._pause_s
        self.trouble = f"waits: {why}"

    def _close(self) -> None:
        self._until_s, self._pause_s, self.trouble = None, 0.0, None
        self._probes = frozenset()
        self._refusal, self._refused = None, set()


def _words(code: str | None) -> str:
    """Why nobody's message leaves, without the provider's own words, which may hold somebody's address."""
    known = known_code(code)
    return f"the provider refuses everybody, {ITS_OWN if known is None else f'with {known}'}"


def _whole_why(receipt: NotSent) -> str:
    """What the channel waits for, in its own words, and the code."""
    told, code = bounded(" ".join(receipt.reason.split()), WORDS_MAX), receipt.code
    return told if code is None or code in told else f"{told} ({code})"


def _known_why(receipt: NotSent | Ambiguous) -> str:
    """The same in words that may be told to everybody, and the provider's code."""
    told, code = known_part(receipt.reason), known_code(receipt.code)
    if code is None:
        return ITS_OWN if told == LEFT_OUT else told
    return told if code in told else f"{told}: {code}"
