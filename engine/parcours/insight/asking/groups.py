"""Whose people are in a segment, and by what do groups go? Answered from facts, for one window."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Final, assert_never

from parcours.core.paths import pick
from parcours.expression.dotted import joined_path, split_path
from parcours.expression.expression import Expression, Scope
from parcours.insight.analyses.funnel_groups import GroupsOf, by_person, by_property
from parcours.insight.analyses.happenings import Events, Happening
from parcours.insight.analyses.triggers import Triggers
from parcours.insight.asking.profiles import known_traits
from parcours.insight.experiments.ways import check_told, name_of, ways_by_version
from parcours.insight.segment_people import SegmentPeople
from parcours.journey.analyses import (
    ByAudience,
    ByProperty,
    BySegments,
    ByTrait,
    ByVariant,
    EventSegment,
    Grouping,
    Segment,
    TraitSegment,
)

if TYPE_CHECKING:
    from parcours.insight.warehouse.questions import Questions
    from parcours.journey.program import Program

IN: Final = "in"
NOT_IN: Final = "not in"
"""The groups of those who were in an audience at the instant of the event, and of those who were not."""


class Groups:
    """Asks for people. What is asked for twice is asked twice.

    from_ms, to_ms  the window, in which the events of a segment count
    """

    def __init__(self, questions: Questions, program: Program, from_ms: int | None, to_ms: int | None) -> None:
        self._questions, self._program = questions, program
        self._from_ms, self._to_ms = from_ms, to_ms

    def people_of(self, name: str) -> Container[str]:
        """The people of a segment of the project. Raises CallerError where facts lack what it asks for."""
        members = self.members_of(name)
        return members if members.all_but else members.people

    def members_of(self, name: str) -> SegmentPeople:
        """The same, each by her name; of a segment of whoever lacks something it is all but those who have it."""
        segment: Segment = self._program.analyses.segments[name]
        match segment:
            case TraitSegment(condition=condition):
                known = known_traits(self._questions, self._program.disclosure, _traits_in(condition))
                all_but = condition.holds(Scope())  # of whoever has no traits, and so of all of whom none are known
                differing = (each for each in known if condition.holds(Scope(profile=each.traits)) is not all_but)
                return SegmentPeople(frozenset(each.person for each in differing), all_but)
            case EventSegment(match=match):
                triggers = Triggers([match])
                events = self._questions.happenings(
                    [match.name],
                    self._from_ms,
                    self._to_ms,
                    properties=match.when is not None,
                    in_any_order=True,
                )
                return SegmentPeople(frozenset(each.person for each in events if triggers.sightings(each.happenings)))
            case _:
                assert_never(segment)

    def by(self, split: Grouping | None) -> GroupsOf | None:
        """The groups of a unit, by the first event of its match. Raises CallerError where facts lack it."""
        match split:
            case None:
                return None
            case ByProperty(path):
                return by_property(path)
            case ByTrait(path):
                known = known_traits(self._questions, self._program.disclosure, [path])
                return by_person({each.person: pick(each.traits, path) for each in known})
            case ByAudience(name):
                return self._by_audience(name)
            case ByVariant(journey, step):
                return self._by_variant(journey, step)
            case BySegments(first, second):
                people = {name: self.people_of(name) for name in (first, second)}
                return lambda unit, happening: tuple(name for name, inside in people.items() if unit.person in inside)
            case _:
                assert_never(split)

    def _by_variant(self, journey: str, step: str) -> GroupsOf:
        """By the way that each person took first: by its name, or by its number where it has none."""
        check_told(journey, step, self._program)
        versions = ways_by_version(self._program, self._questions.published(journey), journey, step)
        first = {each.person: each.assignments[0] for each in self._questions.assigned(journey, step)}
        return by_person({person: name_of(way, versions) or way.way for person, way in first.items()})

    def _by_audience(self, name: str) -> GroupsOf:
        members = {each.person: each for each in self._questions.members(name)}

        def groups(unit: Events, happening: Happening) -> tuple[str, ...]:
            member = members.get(unit.person)
            return (IN if member is not None and member.at(happening.at) else NOT_IN,)

        return groups


def _traits_in(condition: Expression) -> list[str]:
    """The paths of the traits that a condition reads."""
    paths = (split_path(each) for each in condition.paths)
    return [joined_path(keys) for root, *keys in sorted(paths) if root == "profile" and keys]
