"""The stages of a campaign: which of its steps act at one instant.

A step begins at the latest end of what it takes and waits for; a test waits for the sets as well whose sizes it asks
for, and a step for reactions for the send that they are to. Nearly all steps end at the instant at which they begin;
those that end later are what tells instants apart. So an instant is named by the steps whose ends it waits for,
without those that end before others of them anyway.
"""

from __future__ import annotations

from collections.abc import Mapping

from parcours.journey.campaign_program import Stage
from parcours.journey.campaign_steps import (
    CampaignStep,
    OwnSend,
    Reacted,
    ReadTable,
    SendToSet,
    Test,
    UpdatePeople,
    WaitAll,
)


def ends_later(step: CampaignStep) -> bool:
    """Whether a step ends later than it begins: it waits, or begins only when every shard has heard of it."""
    if isinstance(step, ReadTable):
        return step.creates
    return isinstance(step, WaitAll | Reacted | SendToSet | UpdatePeople)


def stages_of(steps: Mapping[str, CampaignStep]) -> tuple[Stage, ...]:
    """The stages in the order of their first steps, the steps of each in document order."""
    begins: dict[str, frozenset[str]] = {}
    before: dict[str, frozenset[str]] = {}
    grouped: dict[frozenset[str], list[str]] = {}
    for name, step in steps.items():
        awaited = [*(source.step for source in step.sources), *step.after, *_asked_about(step)]
        ends = frozenset(end for each in awaited if each in begins for end in _end(each, steps[each], begins[each]))
        earlier = frozenset(each for end in ends for each in before[end])
        begins[name] = ends - earlier
        before[name] = ends | earlier
        grouped.setdefault(begins[name], []).append(name)
    order = {name: number for number, name in enumerate(steps)}
    return tuple(Stage(tuple(sorted(ends, key=order.__getitem__)), tuple(names)) for ends, names in grouped.items())


def _asked_about(step: CampaignStep) -> list[str]:
    """The steps that a step asks about and does not take: of sets whose sizes count, and the send reacted to."""
    match step:
        case Test():
            return [name.partition(".")[0] for _, condition in step.arms for name in condition.sets if name]
        case Reacted(of=OwnSend() as of):
            return [of.step]
        case _:
            return []


def _end(name: str, step: CampaignStep, begins: frozenset[str]) -> frozenset[str]:
    """The steps by whose ends this step is over."""
    return frozenset({name}) if ends_later(step) else begins
