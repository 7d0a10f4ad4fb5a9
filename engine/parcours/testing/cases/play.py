"""The player of scenes: what is given becomes recorded calls, which go through the engine's own simulation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from parcours.campaigns.campaign_line import CampaignLine
from parcours.core.fact import Fact
from parcours.dispatch.recorded_rendering import RecordedRendering, Remark, Said
from parcours.instants import floor_ms
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.simulation.campaigning import CampaignsAsked
from parcours.simulation.simulation import simulate
from parcours.testing.cases import people
from parcours.testing.cases.calls import SceneCalls
from parcours.testing.cases.document import IdentifyGiven, Scene
from parcours.testing.cases.moment import at_ms
from parcours.testing.clocks import PersonClocks


@dataclass(frozen=True, slots=True)
class Played:
    """The result of a scene.

    facts     everything that happened, in the order of happening for each person
    refused   calls that could not be used: (place in `given`, reason)
    clocks    people's local times
    contents  the rendered content of each delivery, by its key
    remarks   what the channels' checks have told of those contents, counted
    reads_ended  the journeys whose reads recur without end, and ended with what is given, `until` being left out
    lines     what was told of campaigns, in the order in which it became known
    """

    start_ms: int
    facts: Sequence[Fact]
    refused: list[tuple[int, str]]
    clocks: PersonClocks
    contents: Mapping[str, Said]
    remarks: Mapping[Remark, int]
    reads_ended: tuple[str, ...] = ()
    lines: Sequence[CampaignLine] = ()


def play(project: Project, scene: Scene, rendering: RecordedRendering | None = None) -> Played:
    """Simulate the scene. Its names have been checked against the project.

    rendering  the project's, where several scenes are played
    Raises ProjectInvalid for a content that its channel rejects.
    """
    rendered = rendering or RecordedRendering.of(project)
    start_ms = floor_ms(scene.start)
    until_ms = None if scene.until is None else at_ms(scene.until, start_ms)
    given = SceneCalls(project, scene)
    refused = list(given.refused)
    lines: list[CampaignLine] = []

    def reject(number: int, reason: str) -> None:
        refused.append((given.places[number - 1], reason))

    result = simulate(
        project,
        [msgspec.json.encode(each) for each in given.calls],
        until_ms=until_ms,
        rendering=rendered,
        rejected=reject,
        campaigns=CampaignsAsked(starts=given.begun_by_hand(), told=lines.append),
    )
    clocks = PersonClocks(project.program, _traits(project.program, start_ms, scene))
    said, remarks = rendered.collect(), rendered.remarks()
    return Played(start_ms, result.facts, refused, clocks, said, remarks, result.reads_ended, lines)


def _traits(program: Program, start_ms: int, scene: Scene) -> Iterator[tuple[int, str, Mapping[str, object]]]:
    """The changes of people's traits in the order of time; those of `people` come before anything else."""
    for who, traits in scene.people.items():
        yield start_ms - 1, people.name_of(who, program), traits or {}
    told = [(at_ms(each.at, start_ms), each) for each in scene.given if isinstance(each, IdentifyGiven)]
    for at, given in sorted(told, key=lambda pair: pair[0]):
        yield at, people.name_of(given.who, program), given.identify
