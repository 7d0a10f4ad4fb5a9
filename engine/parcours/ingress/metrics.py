"""The figures of engine and door as Prometheus and OpenMetrics read them, from counters that are there already.

Counters are those that shards keep with the facts that they commit, added up over all shards: so they go on after a
restart, and to read them looks at nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version as version_of
from itertools import accumulate, chain
from types import MappingProxyType
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from parcours.core.totals import Totals
from parcours.durations import Durations
from parcours.ingress.destination_figures import of_destinations
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request, Route
from parcours.ingress.figures import SECONDS
from parcours.ingress.origins import is_loopback
from parcours.service.figures import EngineFigures
from parcours.shard.figures import ShardFigures
from parcours.sources.pump import SourceState

VERSION: Final = version_of("parcours")

OUTCOMES: Final = ("accepted", "undeclared", "duplicate", "rejected")
"""What becomes of lines, in the order in which totals count them."""

FEEDBACK: Final = frozenset({"delivered", "bounced", "opened", "clicked", "dismissed", "replied", "complained",
                             "unsubscribed", "answered", "machine_opened", "machine_clicked"})  # fmt: skip
"""Outcomes that are told by somebody else, after a delivery has left."""

Labels = TypeVar("Labels", bound=tuple[str, ...])


class EngineCollector(Collector):
    """One reading of an engine's figures, as metrics."""

    def __init__(
        self,
        figures: EngineFigures,
        version: str,
        keys_used_ms: Mapping[str, int],
        unheard: Mapping[tuple[str, str], int] = MappingProxyType({}),
    ) -> None:
        self._figures = figures
        self._unheard = unheard
        self._version = version
        self._keys_used_ms = keys_used_ms

    def collect(self) -> Iterator[Metric]:
        told = [(str(number), each.figures) for number, each in enumerate(self._figures.shards) if each.figures]
        yield from _of_people([figures.totals for _, figures in told], self._unheard)
        yield from _of_shards(told)
        yield from _of_outboxes([figures for _, figures in told])
        lags = {(str(number),): each.lag_ms / 1_000 for number, each in enumerate(self._figures.shards)}
        yield _gauge("parcours_shard_lag_seconds", "How long the shard took to tell its figures.", ["shard"], lags)
        waiting = {(str(number),): lines for number, lines in enumerate(self._figures.waiting_lines)}
        yield _gauge("parcours_router_waiting_lines", "Lines that wait for the shard.", ["shard"], waiting)
        yield _gauge("parcours_troubles", "What is not in order: GET /troubles.", [], {(): self._figures.troubles})
        yield from _of_sources(self._figures.sources)
        yield from of_destinations(told)
        used = {(name,): at_ms / 1_000 for name, at_ms in self._keys_used_ms.items()}
        yield _gauge("parcours_key_last_used_timestamp_seconds", "When the key was used last.", ["key"], used)
        yield _gauge("parcours_build_info", "The version that runs.", ["version"], {(self._version,): 1})


def _of_people(totals: Sequence[Totals], unheard: Mapping[tuple[str, str], int]) -> Iterator[Metric]:
    """What has happened, by the facts that were committed."""
    entered, ended, refused, goals, runs = (Counter[tuple[str, ...]]() for _ in range(5))
    lines, limits, merges = (Counter[tuple[str, ...]]() for _ in range(3))
    for each in totals:
        for (journey, _, _, what, why), number in each.ways:
            if what == "entered":
                entered[journey,] += number
            elif what == "not_entered":
                refused[journey, why] += number
            elif what == "goal":
                goals[journey,] += number
            elif what in ("ended", "exited", "parked"):
                ended[journey, why or what] += number
        for (journey, version, step), (inflow, gone_on, left) in each.steps:
            runs[journey, str(version), step] += inflow - gone_on - left
        lines.update({(name,): number for name, number in zip(OUTCOMES, each.lines, strict=True)})
        limits.update({(setting,): number for setting, number in each.limits})
        merges.update({(result,): number for result, number in each.merges})
    yield _counter(
        "parcours_events",
        "Lines that shards have taken, whoever handed them in, by what became of them.",
        ["outcome"],
        lines,
    )
    yield _counter("parcours_runs_entered", "Runs that began.", ["journey"], entered)
    yield _counter("parcours_runs_ended", "Runs that ended.", ["journey", "why"], ended)
    yield _counter("parcours_entries_refused", "Entries that were not let in.", ["journey", "why"], refused)
    yield _counter("parcours_goals", "Goals that were reached.", ["journey"], goals)
    yield _counter("parcours_limits_reached", "How often a limit was reached.", ["setting"], limits)
    yield _counter("parcours_merges", "Merges that calls asked for, by what became of them.", ["result"], merges)
    yield _gauge("parcours_runs", "Runs at a step.", ["journey", "version", "step"], runs)
    yield from _of_deliveries(totals, unheard)


def _of_deliveries(totals: Sequence[Totals], unheard: Mapping[tuple[str, str], int]) -> Iterator[Metric]:
    outcomes, gates = (Counter[tuple[str, ...]]() for _ in range(2))
    feedback = Counter[tuple[str, ...]](unheard)
    for each in totals:
        for (_, _, _, channel, outcome, gate), number in each.deliveries:
            if outcome in FEEDBACK:
                feedback[channel, outcome] += number
            else:
                outcomes[channel, outcome] += number
            if gate:
                gates[channel, gate] += number
        if each.unmatched:
            feedback["", "unmatched"] += each.unmatched
    yield _counter("parcours_deliveries", "Deliveries, by what became of them here.", ["channel", "outcome"], outcomes)
    yield _counter("parcours_gates", "Deliveries that a gate refused or held.", ["channel", "gate"], gates)
    yield _counter("parcours_feedback", "What was told of deliveries later.", ["channel", "result"], feedback)


def _of_shards(told: Sequence[tuple[str, ShardFigures]]) -> Iterator[Metric]:
    people = {(number,): each.status.people for number, each in told}
    yield _gauge("parcours_shard_people", "People of the shard.", ["shard"], people)
    epochs = {(number,): each.epoch for number, each in told}
    yield _gauge("parcours_shard_epoch", "The epoch under which the shard writes.", ["shard"], epochs)
    journals = {(number,): each.journal_bytes for number, each in told}
    yield _gauge("parcours_shard_journal_bytes", "Journal behind the oldest image.", ["shard"], journals)
    late = {(number,): each.timers_late_ms / 1_000 for number, each in told}
    yield _gauge("parcours_timers_late_seconds", "For how long the next timer has been due.", ["shard"], late)
    windows = {(number,): each.status.message_ids_window_ms / 1_000 for number, each in told}
    about = "For how long a message id is remembered now."
    yield _gauge("parcours_message_ids_window_seconds", about, ["shard"], windows)
    commits = {(number,): each.commits for number, each in told}
    yield _histogram("parcours_commit_duration_seconds", "How long records took to be written.", ["shard"], commits)


def _of_outboxes(told: Sequence[ShardFigures]) -> Iterator[Metric]:
    outbox = Counter[tuple[str, ...]]()
    handovers: dict[tuple[str, ...], Durations] = {}
    for each in told:
        ready = each.status.ready
        outbox.update({(channel, "ready"): number for channel, number in ready.items()})
        outbox.update({(name, "waiting"): number - ready.get(name, 0) for name, number in each.outbox.items()})
        for channel, durations in each.handovers.items():
            handovers[channel,] = _sum(handovers.get((channel,)), durations)
    yield _gauge("parcours_outbox", "Deliveries that have not left.", ["channel", "state"], outbox)
    about = "From the decision until a delivery was handed over for the first time."
    yield _histogram("parcours_delivery_handover_seconds", about, ["channel"], handovers)


def _of_sources(sources: Sequence[SourceState]) -> Iterator[Metric]:
    """What this process has read."""
    lags = {
        (each.source, partition.name): partition.lag
        for each in sources
        for partition in each.partitions
        if partition.lag is not None
    }
    lines = {(each.source, name): number for each in sources for name, number in each.outcomes.items()}
    yield _gauge("parcours_source_lag", "Lines that are not answered.", ["source", "partition"], lags)
    yield _counter("parcours_source_lines", "Lines read, by what became of them.", ["source", "outcome"], lines)


def _sum(one: Durations | None, other: Durations) -> Durations:
    if one is None:
        return other
    return Durations([a + b for a, b in zip(one.counts, other.counts, strict=True)], one.sum_ms + other.sum_ms)


def _counter(name: str, about: str, labels: Iterable[str], counted: Mapping[Labels, float]) -> Metric:
    family = CounterMetricFamily(name, about, labels=tuple(labels))
    for values, number in sorted(counted.items()):
        family.add_metric(values, number)
    return family


def _gauge(name: str, about: str, labels: Iterable[str], counted: Mapping[Labels, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=tuple(labels))
    for values, number in sorted(counted.items()):
        family.add_metric(values, number)
    return family


def _histogram(name: str, about: str, labels: Iterable[str], measured: Mapping[Labels, Durations]) -> Metric:
    family = HistogramMetricFamily(name, about, labels=tuple(labels))
    ends = [*map(str, SECONDS), "+Inf"]
    for values, durations in sorted(measured.items()):
        family.add_metric(values, list(zip(ends, accumulate(durations.counts), strict=True)), durations.sum_ms / 1_000)
    return family


class _All(Collector):
    """What several collectors tell, without the series `_created`.

    The library adds one to each series of counters and histograms, and so doubles their number for a time that nobody
    asks for.
    """

    def __init__(self, *collectors: Collector) -> None:
        self._collectors = collectors

    def collect(self) -> Iterator[Metric]:
        for metric in chain.from_iterable(each.collect() for each in self._collectors):
            created = f"{metric.name}_created"
            metric.samples = [sample for sample in metric.samples if sample.name != created]
            yield metric


async def metrics(door: Door, request: Request) -> Answer:
    """All figures, in the format that the client asks for."""
    if request.headers.get("authorization") or not is_loopback(request.peer):
        door.admit(request, "operate:read")
    figures = await door.figures.of_engine(door.service, request.received_ms)
    registry = CollectorRegistry()
    registry.register(
        _All(door.figures.registry, EngineCollector(figures, VERSION, door.keys.used_ms, door.figures.unheard))
    )
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Answer(body=encode(registry), media_type=media_type)


ROUTES: Final = (Route(method="GET", path="/metrics", handler=metrics, summary="All figures, for Prometheus."),)
