"""Who is known, and what does a line of the recording do to her? Traits, history, goals, exits and journeys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.model.campaigns.people import Document, Person, RunKey, Visit, World, react
from tests.model.campaigns.sending import ask, judge_anew
from tests.model.campaigns.terms import Scope
from tests.model.reference.times import parse_duration


class Crowd:
    def __init__(self, world: World, campaigns: list[Document], journeys: list[Document]) -> None:
        self.world = world
        self.campaigns = sorted(campaigns, key=lambda each: (-each.get("priority", 50), each["campaign"]))
        self.journeys = journeys
        self.people: dict[str, Person] = {}
        # Whom, or which rows, earlier runs took at a read of a campaign.
        self.taken_before: dict[tuple[str, str], set[Any]] = {}
        self.newest_run: dict[str, int] = {}

    def known(self) -> list[Person]:
        """Everybody who is known, in the order of names as bytes."""
        return sorted(self.people.values(), key=lambda person: person.name.encode())

    def person(self, name: str) -> Person:
        return self.people.setdefault(name, Person(self.world, name))

    def apply(self, now_ms: int, line: Document) -> None:
        person = self.person(line["userId"] if "userId" in line else f"@anonymous/{line['anonymousId']}")
        match line["type"]:
            case "identify":
                before = person.zone
                person.set_traits(line["traits"])
                if person.zone.key != before.key:
                    judge_anew(person, now_ms)
            case "consent":
                person.set_consent(line["channel"], line.get("purpose"), line["granted"])
            case "reaction":
                react(person, now_ms, line)
            case _:
                person.events.append((now_ms, line["event"], line["properties"]))
                self._happened(now_ms, person, line["event"], line["properties"])

    def _happened(self, now_ms: int, person: Person, event: str, properties: Mapping[str, Any]) -> None:
        scope = Scope(now_ms, person=person, row=properties)
        for campaign in self.campaigns:
            goal = campaign.get("goal")
            if goal is not None and _fits(goal, event, scope):
                self._credit(now_ms, person, campaign["campaign"], goal)
            if any(_fits(rule, event, scope) for rule in campaign.get("exit", [])):
                self._leave(now_ms, person, campaign["campaign"])
        for journey in self.journeys:
            if _fits(journey["entry"], event, scope):
                number = 1 + len([key for key in person.visits if key[0] == journey["journey"]])
                key = (journey["journey"], number)
                person.visits[key] = Visit(now_ms, is_open=False)
                for step in journey["steps"]:
                    ask(person, now_ms, key, step, None, 0)

    def _credit(self, now_ms: int, person: Person, campaign: str, goal: Document) -> None:
        for (name, _), visit in person.visits.items():
            in_time = (
                visit.is_open if "within" not in goal else now_ms <= visit.entered_ms + parse_duration(goal["within"])
            )
            if name == campaign and in_time:
                visit.has_goal = True

    def _leave(self, now_ms: int, person: Person, campaign: str) -> None:
        for key, visit in person.visits.items():
            if key[0] == campaign and visit.is_open:
                visit.is_open, visit.has_left = False, True
                for delivery in person.held(key):
                    person.tell(now_ms, delivery, "cancelled")

    def take(self, now_ms: int, name: str, key: RunKey) -> bool:
        """Opens her run of a campaign if it is the first step that takes her; False if she has left it."""
        return not self.people[name].visits.setdefault(key, Visit(now_ms)).has_left

    def has_left(self, name: str, key: RunKey) -> bool:
        visit = self.people[name].visits.get(key)
        return visit is not None and visit.has_left

    def end(self, key: RunKey) -> None:
        for person in self.people.values():
            if key in person.visits:
                person.visits[key].is_open = False

    def goals(self, campaign: str) -> int:
        visits = [
            visit for person in self.people.values() for key, visit in person.visits.items() if key[0] == campaign
        ]
        return sum(visit.has_goal for visit in visits)


def _fits(rule: Document, event: str, scope: Scope) -> bool:
    return rule["event"] == event and ("when" not in rule or rule["when"].holds(scope))
