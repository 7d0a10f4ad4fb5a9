"""What the door itself counts and measures: requests, what became of their calls, bodies and streams under way.

Labels are declared names and templates of routes: never a person, an address, an id, or what a client calls anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector
from prometheus_client import Counter as Counted

from parcours.durations import BUCKETS_MS
from parcours.ingress.rejections import kind_of_rejection
from parcours.service.figures import EngineFigures
from parcours.service.service import Service

SECONDS: Final = tuple(upper_ms / 1_000 for upper_ms in BUCKETS_MS)

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

CACHED_MS: Final = 1_000
"""How long the engine's figures are told again: several collectors cost no more than one."""

OTHER: Final = "_OTHER"
"""What OpenTelemetry calls a method that nobody knows."""


class DoorFigures:
    """
    registry  where they are collected from
    active    requests that are being answered
    streams   open streams, by kind
    acks      from when the calls of a request are handed in until they are on disk
    unheard   reports that came to nothing, by channel and why
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
        self._durations: dict[tuple[str, str, int], Histogram] = {}
        self.unheard: Counter[tuple[str, str]] = Counter()
        ProcessCollector(registry=self.registry)
        self._read: tuple[int, EngineFigures] | None = None

    async def of_engine(self, service: Service, now_ms: int) -> EngineFigures:
        """Those of the engine, asked for at most once a second."""
        if self._read is None or not 0 <= now_ms - self._read[0] < CACHED_MS:  # a clock of the host's may go back
            self._read = now_ms, await service.figures()
        return self._read[1]

    def rejected(self, reasons: Iterable[str]) -> None:
        """Calls were of no use, each for its reason."""
        for kind, number in Counter(map(kind_of_rejection, reasons)).items():
            self._rejected.labels(kind).inc(number)

    def answered(self, method: str, route: str, status: int, duration_s: float) -> None:
        """A request has been answered; the route is empty for an address that there is not."""
        kind = (method if method in METHODS else OTHER, route, status)
        durations = self._durations.get(kind)
        if durations is None:
            known, _, _ = kind
            durations = self._durations[kind] = self._requests.labels(known, route, str(status))
        durations.observe(duration_s)
