"""What do destinations count? What became of the changes of members, and how far those are that take facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

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


def _counted(name: str, about: str, counted: Counter[tuple[str, str]]) -> Metric:
    family = CounterMetricFamily(name, about, labels=("destination", "outcome"))
    for labels, number in sorted(counted.items()):
        family.add_metric(labels, number)
    return family
