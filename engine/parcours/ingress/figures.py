"""What the door itself counts and measures: requests, what became of their calls, bodies and streams under way.

Labels are declared names and templates of routes: never a person, an address, an id, or what a client calls anything.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector
from prometheus_client import Counter as Counted

from parcours.durations import BUCKETS_MS
from parcours.ingress.rates import Rates
from parcours.ingress.rejections import kind_of_rejection
from parcours.service.figures import EngineFigures
from parcours.service.service import Service

SECONDS: Final = tuple(upper_ms / 1_000 for upper_ms in BUCKETS_MS)

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

CACHED_MS: Final = 1_000
"""How long the engine's figures are told again: several collectors cost no more than one."""

NEWEST_REJECTED_MAX: Final = 20

BUSY: Final = 429

OTHER: Final = "_OTHER"
"""What OpenTelemetry calls a method that nobody knows."""


class RejectedCall(NamedTuple):
    """When a call was of no use, for which kind of reason, and its message id, if it had one."""

    at_ms: int
    kind: str
    message_id: str | None


class DoorFigures:
    """
    registry  where they are collected from
    active    requests that are being answered
    streams   open streams, by kind
    acks      from when the calls of a request are handed in until they are on disk
    unheard   reports that came to nothing, by channel and why
    rates     what has happened in the last minute
    newest_rejected  the newest calls that were of no use
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._requests = Histogram(
            "http_server_request_duration_seconds",
            "How long requests took to be answered.",
            ("http_request_method", "http_route", "http_response_status_code"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.active = Gauge("http_server_active_requests", "Requests that are being answered.", registry=self.registry)
        self.body_bytes = Gauge("parcours_door_body_bytes", "Bytes of bodies under way.", registry=self.registry)
        self.streams = Gauge("parcours_door_streams", "Open streams.", ("kind",), registry=self.registry)
        self.acks = Histogram(
            "parcours_ack_duration_seconds",
            "From when a request's calls are handed in until all of them are on disk.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._rejected = Counted(
            "parcours_events_rejected",
            "Calls that this door has answered as rejected, by the kind of reason.",
            ("reason",),
            registry=self.registry,
        )
        self._events = Counted(
            "parcours_door_events",
            "Calls of which this door has said what became of them.",
            registry=self.registry,
        )
        self.rates = Rates()
        self.newest_rejected: deque[RejectedCall] = deque(maxlen=NEWEST_REJECTED_MAX)
        self._durations: dict[tuple[str, str, int], Histogram] = {}
        self.unheard: Counter[tuple[str, str]] = Counter()
        ProcessCollector(registry=self.registry)
        self._read: tuple[int, EngineFigures] | None = None

    async def of_engine(self, service: Service, now_ms: int) -> EngineFigures:
        """Those of the engine, asked for at most once a second."""
        if self._read is None or not 0 <= now_ms - self._read[0] < CACHED_MS:  # a clock of the host's may go back
            self._read = now_ms, await service.figures()
        return self._read[1]

    def events(self, number: int, rejected: Sequence[tuple[str | None, str]], now_ms: int) -> None:
        """It was said of so many calls what became of them; of those that were of no use, the id and the reason."""
        self._events.inc(number)
        self.rates.note("events", number)
        kinds = [kind_of_rejection(reason) for _, reason in rejected]
        for kind, times in Counter(kinds).items():
            self._rejected.labels(kind).inc(times)
        for (message_id, _), kind in list(zip(rejected, kinds, strict=True))[-NEWEST_REJECTED_MAX:]:
            self.newest_rejected.append(RejectedCall(now_ms, kind, message_id))

    def rejections(self) -> dict[str, int]:
        """How many calls were of no use since this door began, by the kind of reason."""
        samples = [each for metric in self._rejected.collect() for each in metric.samples]
        return {each.labels["reason"]: int(each.value) for each in samples if each.name.endswith("_total")}

    def active_now(self) -> int:
        """How many requests are being answered."""
        return sum(int(each.value) for metric in self.active.collect() for each in metric.samples)

    def body_bytes_now(self) -> int:
        """How many bytes of bodies are under way."""
        return sum(int(each.value) for metric in self.body_bytes.collect() for each in metric.samples)

    def open_streams(self) -> dict[str, int]:
        """How many streams are open, by kind."""
        samples = [each for metric in self.streams.collect() for each in metric.samples]
        return {each.labels["kind"]: int(each.value) for each in samples}

    def answered(self, method: str, route: str, status: int, duration_s: float) -> None:
        """A request has been answered; the route is empty for an address that there is not."""
        kind = (method if method in METHODS else OTHER, route, status)
        durations = self._durations.get(kind)
        if durations is None:
            known, _, _ = kind
            durations = self._durations[kind] = self._requests.labels(known, route, str(status))
        durations.observe(duration_s)
        self.rates.note("requests")
        if status == BUSY:
            self.rates.note("busy")
