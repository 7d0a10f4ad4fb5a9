"""What do destinations count? What became of the changes of members, and how far those are that take facts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from parcours.ingress.engine_bodies import DestinationShown
from parcours.journey.destinations import is_lane, name_of
from parcours.shard.figures import ShardFigures


def of_destinations(told: Sequence[tuple[str, ShardFigures]]) -> Iterator[Metric]:
    """Counters over all shards, and the lag of each; with each shard comes its number."""
    changes, facts = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    lags = GaugeMetricFamily(
        "parcours_destination_lag_records",
        "Records behind the newest one that tells anything.",
        labels=("destination", "shard"),
    )
    for shard, each in told:
        changes.update(dict(each.totals.synced))
        for name, standing in each.facts_to.items():
            facts.update({(name, "taken"): standing.rows, (name, "refused"): standing.refused})
            lags.add_metric((name, shard), standing.lag)
    yield _counted("parcours_destination_changes", "Changes of members, by what became of them.", changes)
    yield _counted("parcours_destination_facts", "Facts that were handed over, by what became of them.", facts)
    yield lags


def destinations_shown(told: Iterable[ShardFigures]) -> list[DestinationShown]:
    """The same of each destination, over all shards, by name: those of members, then those of facts."""
    changes, waiting = defaultdict[str, Counter[str]](Counter), Counter[str]()
    facts, lags = defaultdict[str, Counter[str]](Counter), Counter[str]()
    for each in told:
        for (name, outcome), number in each.totals.synced:
            changes[name][outcome] += number
        waiting.update({name_of(lane): number for lane, number in each.outbox.items() if is_lane(lane)})
        for name, standing in each.facts_to.items():
            facts[name].update(taken=standing.rows, refused=standing.refused)
            lags[name] += standing.lag
    members = [
        DestinationShown(
            name=name, takes="members", outcomes=dict(sorted(changes[name].items())), waiting=waiting[name]
        )
        for name in sorted(changes.keys() | waiting.keys())
    ]
    return members + [
        DestinationShown(name=name, takes="facts", outcomes=dict(counts), waiting=lags[name])
        for name, counts in sorted(facts.items())
    ]


def _counted(name: str, about: str, counted: Counter[tuple[str, str]]) -> Metric:
    family = CounterMetricFamily(name, about, labels=("destination", "outcome"))
    for labels, number in sorted(counted.items()):
        family.add_metric(labels, number)
    return family
