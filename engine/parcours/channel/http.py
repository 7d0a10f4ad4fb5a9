"""Help for channels over HTTP: whether a request left, how long to wait, and what its status means.

No HTTP client is imported here: each channel brings its own, and most of them aiohttp.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Final, Generic, Literal, Protocol, TypeAlias, TypeVar, assert_never

from parcours.channel.side_by_side import Attempt
from parcours.channel.vocabulary import Accepted, Ambiguous, NotSent, Receipt, Refused

PAUSE_S_MAX: Final = 1e9
"""Thirty years, which stand for whatever is longer; the engine cuts a pause at `retry_after_max_ms` anyway."""

Verdict: TypeAlias = Literal["accepted", "wait", "dead", "refused", "unknown"]
"""What an answer means: taken over; later; the address is dead; not this delivery; nobody can say."""

Meaning = TypeVar("Meaning")


@dataclass(frozen=True)  # without slots, so that a channel may write StatusTable[Meaning](...) too
class StatusTable(Generic[Meaning]):
    """What each status of a provider means: by itself, else by its class (its first digit), else `otherwise`."""

    statuses: Mapping[int, Meaning]
    classes: Mapping[int, Meaning]
    otherwise: Meaning

    def meaning(self, status: int) -> Meaning:
        """What an answer with this status means."""
        return self.statuses.get(status) or self.classes.get(status // 100) or self.otherwise

    def but(self, statuses: Mapping[int, Meaning]) -> StatusTable[Meaning]:
        """The same table, but for these statuses."""
        return replace(self, statuses=MappingProxyType({**self.statuses, **statuses}))


HTTP_STATUSES: Final[StatusTable[Verdict]] = StatusTable(
    statuses=MappingProxyType(
        {
            408: "wait",  # the request did not arrive in time
            425: "wait",  # too early
            429: "wait",  # too many requests
            503: "wait",  # not available, so nothing was done
        }
    ),
    classes=MappingProxyType(
        {
            2: "accepted",
            3: "refused",  # redirects are not followed: they could lead anywhere
            4: "refused",
        }
    ),
    otherwise="unknown",  # above all 5xx: the other side may have acted before it failed
)
"""What statuses mean where the other side has said nothing else about them."""


def receipt_of(
    verdict: Verdict, key: str, reason: str, code: str | None = None, retry_after_s: float | None = None
) -> Receipt:
    """The receipt that tells a verdict; `retry_after_s` is what the other side asked to wait, if it did."""
    match verdict:
        case "accepted":
            return Accepted(key)
        case "wait":
            return NotSent(key, reason, retry_after_s, code)
        case "dead":
            return Refused(key, reason, permanent=True, code=code)
        case "refused":
            return Refused(key, reason, code=code)
        case "unknown":
            return Ambiguous(key, reason, code)
    assert_never(verdict)


class TraceConfig(Protocol):
    """As much of aiohttp's `TraceConfig` as is needed here."""

    @property
    def on_request_headers_sent(self) -> Any: ...

    @property
    def on_request_end(self) -> Any: ...


AnyTraceConfig = TypeVar("AnyTraceConfig", bound=TraceConfig)


class RequestTrace:
    """Marks the attempt at hand as departed when aiohttp is about to write its request, and notes Retry-After.

    A provider's library in between hands nothing through, so the attempt travels in a context variable: aiohttp
    calls its trace within the task that makes the request.
    """

    def __init__(self) -> None:
        self._attempt: ContextVar[Attempt] = ContextVar("attempt")

    def watch(self, config: AnyTraceConfig) -> AnyTraceConfig:
        """Have the requests of a session looked at: `ClientSession(trace_configs=[trace.watch(TraceConfig())])`."""
        config.on_request_headers_sent.append(self._departing)
        config.on_request_end.append(self._answered)
        return config

    @contextmanager
    def of(self, attempt: Attempt) -> Iterator[None]:
        """Requests made within are this attempt's."""
        token = self._attempt.set(attempt)
        try:
            yield
        finally:
            self._attempt.reset(token)

    async def _departing(self, session: object, context: object, parameters: object) -> None:
        self._attempt.get().departed = True

    async def _answered(self, session: object, context: object, parameters: Any) -> None:
        self._attempt.get().retry_after_s = retry_after_s(parameters.response.headers)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the header `Retry-After` asks to wait, None if it is missing or unreadable; for `NotSent`.

    A date is counted from the answer's own `Date`, so that no clock has to agree with the provider's. `headers` are
    looked up as `Retry-After` and `Date`: give the mapping of an HTTP client, to which upper and lower case are one.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), PAUSE_S_MAX)
    try:
        pause = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(0.0, pause.total_seconds()), PAUSE_S_MAX)
