"""What is given in a scene, as the calls that a caller would make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

import msgspec

from parcours.core.time_text import time_text
from parcours.dispatch.recorded_rendering import RecordedRendering
from parcours.errors import CallerError
from parcours.instants import floor_ms
from parcours.journey.channels import leaving_steps
from parcours.journey.program import Journey
from parcours.journey.project import Project
from parcours.simulation.campaigning import CampaignsAsked
from parcours.simulation.simulation import simulate
from parcours.testing.cases import people
from parcours.testing.cases.decisions import newest_proposition
from parcours.testing.cases.document import (
    CallGiven,
    CampaignGiven,
    ConsentGiven,
    DecisionGiven,
    EventGiven,
    IdentifyGiven,
    MarkGiven,
    MergeGiven,
    ReactionGiven,
    Scene,
)
from parcours.testing.cases.message import MessageGiven, called_by
from parcours.testing.cases.moment import at_ms


class SceneCalls:
    """The calls of a scene.

    calls    in the order in which they are given; those that make people known come first
    places   of each its place in `given`, below 0 for those that make people known
    refused  what cannot be said: (place in `given`, reason)
    """

    def __init__(self, project: Project, scene: Scene) -> None:
        self._project = project
        self._scene = scene
        self._start_ms = floor_ms(scene.start)
        self._marked: dict[int, str | None] = {}
        self._messages: dict[int, dict[str, object]] = {}
        self.refused = list(self._read_messages())
        for place in sorted(range(len(scene.given)), key=self._moment):
            if isinstance(given := scene.given[place], MarkGiven):
                self._marked[place] = self._proposition(place, given)
        known, said = self._known(), self._said()
        self.calls = [*known, *(each for _, each in said)]
        self.places = [*range(-len(known), 0), *(place for place, _ in said)]
        unknown = [place for place, key in sorted(self._marked.items()) if key is None]
        self.refused += [(place, "she has got no such offer until then") for place in unknown]

    def begun_by_hand(self) -> list[tuple[str, int | None]]:
        """The runs of campaigns that are begun."""
        begun = (each for each in self._scene.given if isinstance(each, CampaignGiven))
        return [(each.campaign, at_ms(each.at, self._start_ms)) for each in begun]

    def _read_messages(self) -> Iterator[tuple[int, str]]:
        """Find what messages of sources mean; those that mean nothing that could be said, each with the reason."""
        for place, given in enumerate(self._scene.given):
            if isinstance(given, MessageGiven):
                at = at_ms(given.at, self._start_ms)
                try:
                    call = called_by(self._project, given.message, given.value, given.key, given.headers, at)
                except CallerError as error:
                    yield place, str(error)
                else:
                    self._messages |= {} if call is None else {place: call}

    def _moment(self, place: int) -> tuple[int, int]:
        """When something given happens, and after what else of that instant."""
        return at_ms(self._scene.given[place].at, self._start_ms), place

    def _known(self) -> list[dict[str, object]]:
        first = {"type": "identify", "timestamp": time_text(self._start_ms)}
        return [
            {**first, **people.ids(who, self._project.program), "traits": traits}
            for who, traits in self._scene.people.items()
            if traits is not None
        ]

    def _said(self) -> list[tuple[int, dict[str, object]]]:
        """The calls that can be said by now, each with its place."""
        said: list[tuple[int, dict[str, object]]] = []
        for place, given in enumerate(self._scene.given):
            if isinstance(given, MessageGiven):
                said += [(place, self._messages[place])] if place in self._messages else []
            elif not isinstance(given, CampaignGiven | MarkGiven) or self._marked.get(place):
                assert not isinstance(given, CampaignGiven), "nobody calls by it"
                said.append((place, self._call(place, given)))
        return said

    def _proposition(self, place: int, mark: MarkGiven) -> str | None:
        """The proposition that a mark means, by what has happened until then, the marks before it included."""
        until = self._moment(place)
        said = [*self._known(), *(each for before, each in self._said() if self._moment(before) < until)]
        happened = simulate(
            self._project,
            [msgspec.json.encode(each) for each in said],
            until_ms=until[0],
            rendering=RecordedRendering.of(self._project, keep=False),
            rejected=lambda number, reason: None,  # that is told once all of the scene is played
            campaigns=CampaignsAsked(starts=self.begun_by_hand()),
        )
        return newest_proposition(happened.facts, people.name_of(mark.who, self._project.program), mark.of)

    def _call(self, place: int, given: CallGiven) -> dict[str, object]:
        """The call of the event format for something given."""
        program = self._project.program
        who = {**people.ids(given.who, program), "timestamp": time_text(at_ms(given.at, self._start_ms))}
        match given:
            case EventGiven():
                return {"type": "track", "event": given.event, "properties": given.properties, **who}
            case IdentifyGiven():
                return {**people.identified(given.who, given.identify, program), **who}
            case MergeGiven():
                return {"type": "merge", "name": people.name_of(given.merge, program), **who}
            case ReactionGiven():
                return {"type": "reaction", **reaction((*program.journeys, *program.taking), given), **who}
            case ConsentGiven():
                terms = {"channel": given.consent.channel, "granted": given.consent.granted}
                purpose = {"purpose": given.consent.purpose} if given.consent.purpose else {}
                return {"type": "consent", **terms, **purpose, **who}
            case DecisionGiven():
                asked = [{"decision": given.decide, "placement": given.placement}]
                request = {"requestId": f"given-{place}", "context": given.context}
                return {"type": "decision", "decisions": asked, **request, **who}
            case MarkGiven():
                return {"type": "proposition", "proposition": self._marked[place], "mark": given.mark, **who}
            case _:
                assert_never(given)


def reaction(journeys: Iterable[Journey], given: ReactionGiven) -> dict[str, object]:
    """The fields of a reaction: where a step sends on one channel only, it need not be named."""
    ((journey, step), channels) = next(iter(leaving_steps(journeys, given.of).items()))
    link = {"link": given.link} if given.link else {}
    answer = {} if given.answer is None else {"answer": given.answer}
    channel = given.channel or channels[0]
    return {"reaction": given.reaction, "journey": journey, "step": step, "channel": channel, **link, **answer}
