"""How is a scene played? What is given becomes recorded calls, and these go through the engine's own simulation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

import msgspec

from parcours.core.fact import Fact
from parcours.core.identity import user_name
from parcours.core.time_text import time_text
from parcours.dispatch.recorded_rendering import RecordedRendering, Said
from parcours.journey.leaving_steps import leaving_steps
from parcours.journey.program import Journey
from parcours.journey.project import Project
from parcours.simulation.simulation import simulate
from parcours.testing.cases.document import ConsentGiven, EventGiven, Given, IdentifyGiven, ReactionGiven, Scene
from parcours.testing.cases.moment import at_ms, to_ms
from parcours.testing.clocks import PersonClocks


@dataclass(frozen=True, slots=True)
class Played:
    """
    facts     everything that happened, in the order of happening for each person
    refused   what was given and could not be used: (its place in `given`, the reason)
    clocks    what people's own clocks show
    contents  what each delivery said, by its key
    """

    start_ms: int
    facts: list[Fact]
    refused: list[tuple[int, str]]
    clocks: PersonClocks
    contents: Mapping[str, Said]


def play(project: Project, scene: Scene, rendering: RecordedRendering | None = None) -> Played:
    """Let it happen. The scene's names have been checked against the project.

    rendering  the project's, where several scenes are played
    Raises ProjectInvalid for a content that its channel rejects.
    """
    rendered = rendering or RecordedRendering.of(project)
    start_ms = to_ms(scene.start)
    until_ms = None if scene.until is None else at_ms(scene.until, start_ms)
    known = [identified(start_ms, who, traits) for who, traits in scene.people.items()]
    calls = known + [call(project, start_ms, given) for given in scene.given]
    refused: list[tuple[int, str]] = []

    def reject(number: int, reason: str) -> None:
        refused.append((number - 1 - len(known), reason))

    lines = [msgspec.json.encode(each) for each in calls]
    result = simulate(project, lines, until_ms=until_ms, rendering=rendered, rejected=reject)
    clocks = PersonClocks(project.program, _traits(start_ms, scene))
    return Played(start_ms, result.facts, refused, clocks, rendered.collect())


def identified(at: int, who: str, traits: Mapping[str, object]) -> dict[str, object]:
    """The call by which something becomes known of a person."""
    return {"type": "identify", "userId": who, "traits": traits, "timestamp": time_text(at)}


def call(project: Project, start_ms: int, given: Given) -> dict[str, object]:
    """What is given, as a call of the event format."""
    at = at_ms(given.at, start_ms)
    who = {"userId": given.who, "timestamp": time_text(at)}
    match given:
        case EventGiven():
            return {"type": "track", "event": given.event, "properties": given.properties, **who}
        case IdentifyGiven():
            return identified(at, given.who, given.identify)
        case ReactionGiven():
            return {"type": "reaction", **reaction(project.program.journeys, given), **who}
        case ConsentGiven():
            terms = {"channel": given.consent.channel, "granted": given.consent.granted}
            purpose = {"purpose": given.consent.purpose} if given.consent.purpose else {}
            return {"type": "consent", **terms, **purpose, **who}
        case _:
            assert_never(given)


def reaction(journeys: Iterable[Journey], given: ReactionGiven) -> dict[str, object]:
    """The fields of a reaction: where a step sends on one channel only, it need not be named."""
    ((journey, step), channels) = next(iter(leaving_steps(journeys, given.of).items()))
    link = {"link": given.link} if given.link else {}
    answer = {} if given.answer is None else {"answer": given.answer}
    channel = given.channel or channels[0]
    return {"reaction": given.reaction, "journey": journey, "step": step, "channel": channel, **link, **answer}


def _traits(start_ms: int, scene: Scene) -> Iterator[tuple[int, str, Mapping[str, object]]]:
    """What became known of people, in the order of time; who they are is known before anything happens."""
    for who, traits in scene.people.items():
        yield start_ms - 1, user_name(who), traits
    told = [(at_ms(each.at, start_ms), each) for each in scene.given if isinstance(each, IdentifyGiven)]
    for at, given in sorted(told, key=lambda pair: pair[0]):
        yield at, user_name(given.who), given.identify
