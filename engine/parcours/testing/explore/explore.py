"""The exploration of a project: traffic is generated, simulated and checked, and each violation is shrunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Final, Protocol

import msgspec

from parcours.core.fact import DeliveryReached, Fact, Merged
from parcours.core.identity import USER, namespace_of
from parcours.dispatch.recorded_rendering import RecordedRendering
from parcours.insight.summary import Summary
from parcours.journey.project import Project
from parcours.simulation.simulation import Result, simulate
from parcours.testing.clocks import PersonClocks
from parcours.testing.explore.properties import PROPERTIES, Breach, World, beyond_clocks, policies_of
from parcours.testing.explore.reproduction import reproduction
from parcours.testing.explore.shrink import shrink
from parcours.testing.explore.traffic import Act, Traffic

REACTION_ROUNDS: Final = 2
"""Reactions are generated for what was sent, and once more for what was sent because of them."""

REPRODUCTIONS_MAX: Final = 3
ATTEMPTS_MAX: Final = 300
"""Simulations of one person's events spent on shrinking a violation."""


class Player(Protocol):
    """Runs lines through a project's journeys. `simulate` is one; a test may pass an engine with a fault."""

    def __call__(self, project: Project, lines: Sequence[bytes], *, rejected: Callable[[int, str], None]) -> Result: ...


@dataclass(frozen=True, slots=True)
class Violation:
    """A property that one person's facts break, with a few of her events that reproduce it.

    acts   none where her events alone do not reproduce it
    names  of those who were merged into her
    fact   the one at which it shows, None where something is missing
    often  how often that fact happened
    """

    property: str
    person: str
    text: str
    fact: Fact | None = None
    often: int = 0
    acts: tuple[Act, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exploration:
    """The result of an exploration.

    gates       how many deliveries each gate refused or held
    refused     lines that the engine could not use, with the reason: traffic has to be usable
    unreached   steps, as JOURNEY.STEP, that nobody reached
    untried     policies that never applied, in words
    unrendered  templates that failed for somebody, in words
    unjudged    people who were sent something while their local time is unknown, because an update step had set the
                zone to a computed value; quiet hours are not checked for them
    """

    seed: int
    events: int
    people: int
    deliveries: int
    gates: Mapping[str, int]
    violations: tuple[Violation, ...]
    refused: tuple[str, ...]
    unreached: tuple[str, ...]
    untried: tuple[str, ...]
    unrendered: tuple[str, ...] = ()
    unjudged: int = 0


def explore(project: Project, events: int, seed: int, play: Player | None = None) -> Exploration:
    """Generate and check so many events. The same seed generates the same ones.

    play  None: `simulate`, with every message rendered
    """
    traffic = Traffic(project, seed)
    explorer = _Explorer(project, play or partial(simulate, rendering=RecordedRendering.of(project, keep=False)))
    acts = traffic.acts(events)
    for number in range(REACTION_ROUNDS):
        acts = [*acts, *traffic.reactions(explorer.play(acts).facts, number)]
    acts.sort(key=lambda act: act.at)
    played = explorer.play(acts)
    violations = list(explorer.violations(acts, played))
    shown = [explorer.smaller(each, acts) for each in violations[:REPRODUCTIONS_MAX]]
    sent = sum(outcomes.get("sent", 0) for outcomes in played.summary.channels.values())
    return Exploration(
        seed=seed,
        events=events,
        people=len({act.person for act in acts if namespace_of(act.person) == USER}),
        deliveries=sent,
        gates=played.summary.gates,
        violations=(*shown, *violations[REPRODUCTIONS_MAX:]),
        refused=tuple(played.refused),
        unreached=tuple(_unreached(played.summary)),
        untried=tuple(_untried(project, played.summary.gates)),
        unrendered=tuple(_unrendered(played.facts)),
        unjudged=explorer.unjudged(acts, played),
    )


@dataclass(frozen=True, slots=True)
class _Played:
    facts: Sequence[Fact]
    summary: Summary
    refused: list[str]
    settled: bool


class _Explorer:
    def __init__(self, project: Project, play: Player) -> None:
        self._project = project
        self._play = play
        self._policies = policies_of(project)

    def play(self, acts: Sequence[Act]) -> _Played:
        refused: list[str] = []
        lines = [msgspec.json.encode(act.as_call()) for act in acts]
        result = self._play(
            self._project,
            lines,
            rejected=lambda number, reason: refused.append(f"{reason}: {acts[number - 1].call}"),
        )
        return _Played(result.facts, result.summary, refused, not result.unsettled)

    def violations(self, acts: Sequence[Act], played: _Played) -> Iterator[Violation]:
        """The first breach of each property by each person."""
        world = self._world(acts, played)
        for person, told in _by_person(played.facts):
            for name, holds in PROPERTIES.items():
                breach = next(holds(world, told), None)
                if breach is not None:
                    names = tuple(fact.name for fact in told if isinstance(fact, Merged))
                    yield Violation(name, person, breach.text, breach.fact, _often(told, breach), names=names)

    def unjudged(self, acts: Sequence[Act], played: _Played) -> int:
        """How many people quiet hours could not be checked for."""
        world = self._world(acts, played)
        return sum(beyond_clocks(world, told) for _, told in _by_person(played.facts))

    def _world(self, acts: Sequence[Act], played: _Played) -> World:
        known = [(act.at, act.person, act.call["traits"]) for act in acts if act.call["type"] == "identify"]
        clocks = PersonClocks(self._project.program, known)
        return World(self._project.program, clocks, self._policies, played.settled)

    def smaller(self, violation: Violation, acts: Sequence[Act]) -> Violation:
        """The violation with as few of the person's acts as still break the property, those before a merge included."""
        own = [act for act in acts if act.person == violation.person or act.person in violation.names]
        if self._broken(own, violation.property) is None:
            return violation
        enough = shrink(own, lambda fewer: self._broken(fewer, violation.property) is not None, ATTEMPTS_MAX)
        found = self._broken(enough, violation.property)
        assert found is not None, "the same acts break the same property"
        return replace(found, acts=tuple(enough))

    def _broken(self, acts: Sequence[Act], name: str) -> Violation | None:
        found = self.violations(acts, self.play(acts))
        return next((violation for violation in found if violation.property == name), None)


def _by_person(facts: Iterable[Fact]) -> Iterator[tuple[str, list[Fact]]]:
    """The facts of each person, and of those who were merged into her, in the order of happening."""
    told = list(facts)
    owners = {fact.name: fact.person for fact in told if isinstance(fact, Merged)}

    def owner(fact: Fact) -> str:
        return owners.get(fact.person, fact.person)

    return ((person, list(own)) for person, own in groupby(sorted(told, key=owner), owner))


def _often(facts: Sequence[Fact], breach: Breach) -> int:
    """How often the same fact happened at that moment, keys and run numbers aside."""
    return sum(_happening(fact) == _happening(breach.fact) for fact in facts)


def _happening(fact: Fact | None) -> tuple[object, ...]:
    fields = ("at", "journey", "step", "channel", "outcome", "what")
    return (type(fact), *(getattr(fact, name, None) for name in fields))


def _unreached(summary: Summary) -> Iterator[str]:
    for name, journey in summary.journeys.items():
        for step, count in journey.steps.items():
            if count.inflow == 0:
                yield f"{name}.{step}"
    for name, campaign in (summary.campaigns or {}).items():
        for step, taken in campaign.steps.items():
            if taken.inflow == 0:
                yield f"{name}.{step}"


def _untried(project: Project, gates: Mapping[str, int]) -> Iterator[str]:
    if project.program.policies.caps and "cap" not in gates:
        yield "nothing came up against a cap"
    if project.program.policies.quiet_hours and "quiet_hours" not in gates:
        yield "nothing fell into quiet hours"
    if project.program.policies.holdouts and "holdout" not in gates:
        yield "nobody who is held out was sent marketing"


def _unrendered(facts: Iterable[Fact]) -> Iterator[str]:
    failed = Counter(
        (fact.channel, fact.message, fact.reason)
        for fact in facts
        if isinstance(fact, DeliveryReached) and fact.outcome == "failed" and fact.code == "render"
    )
    for (channel, message, reason), count in failed.most_common():
        yield f"{channel} {message} failed {count:,} times: {reason}"


def exploration_lines(exploration: Exploration) -> Iterator[str]:
    """The findings, each violation with a test that reproduces it."""
    yield (
        f"Seed {exploration.seed}: {exploration.events:,} events of {exploration.people:,} people, "
        f"{exploration.deliveries:,} deliveries."
    )
    if exploration.gates:
        yield "Gates: " + ", ".join(f"{gate} {count:,}" for gate, count in exploration.gates.items()) + "."
    for name in PROPERTIES:
        broken = [each for each in exploration.violations if each.property == name]
        yield f"{'BROKEN' if broken else 'holds '}  {name}" + (f": {len(broken):,} people" if broken else "")
        for violation in broken:
            yield from _shown(exploration.seed, violation)
    for refused in exploration.refused[:REPRODUCTIONS_MAX]:
        yield f"warning: an event could not be used: {refused}"
    for step in exploration.unreached:
        yield f"warning: nobody reached {step}"
    for untried in exploration.untried:
        yield f"warning: {untried}"
    if exploration.unjudged:
        people = "1 person" if exploration.unjudged == 1 else f"{exploration.unjudged:,} people"
        yield f"warning: an update step set the time zone of {people}, who are not held against the quiet hours"
    for unrendered in exploration.unrendered[:REPRODUCTIONS_MAX]:
        yield f"warning: {unrendered}"


def _shown(seed: int, violation: Violation) -> Iterator[str]:
    """A test for tests/*.yaml, if the violation could be shrunk."""
    if violation.acts:
        yield f"  {violation.person}: {violation.text}. As a test for tests/*.yaml:"
        title = f"seed {seed}, {violation.person}: {violation.property}"
        lines = reproduction(title, violation.text, violation.acts, violation.fact, violation.often)
        yield from (f"    {line}" for line in lines)
