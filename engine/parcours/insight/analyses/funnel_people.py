"""Whose units reached a step of a funnel, were lost after one, or are in a group?"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from parcours.errors import CallerError
from parcours.insight.analyses.funnel import Match, groups_of, matches
from parcours.insight.analyses.funnel_groups import GroupsOf
from parcours.insight.analyses.happenings import Events
from parcours.journey.analyses import Funnel


def funnel_people(asked: Funnel, units: Iterable[Events], who: str, grouped: GroupsOf | None = None) -> list[str]:
    """The people with at least one such unit, each once, sorted as bytes.

    who      `reached:2` or `lost:2`, with the number of a step, or `group:west`
    units    as for `funnel`, and so is `grouped`

    Raises CallerError for other words, and for a step that the funnel does not have or after which nobody is lost.
    """
    is_meant = _meant(asked, who, groups_of(asked, grouped))
    return sorted({match.unit.person for match in matches(asked, units) if is_meant(match)}, key=str.encode)


def _meant(asked: Funnel, who: str, groups: GroupsOf | None) -> Callable[[Match], bool]:
    word, _, which = who.partition(":")
    if word == "group":
        if groups is None:
            raise CallerError(f"{who}: the funnel {asked.name} has no groups; give it a `split`")
        grouping = groups
        return lambda match: which in grouping(match.unit, match.first)
    steps = len(asked.steps)
    if word == "reached":
        step = _step(asked, who, which, steps)
        return lambda match: len(match.chain) >= step
    if word == "lost":
        step = _step(asked, who, which, steps - 1)
        return lambda match: len(match.chain) == step
    raise CallerError(f"{who}: expected reached:STEP, lost:STEP or group:NAME, such as lost:2")


def _step(asked: Funnel, who: str, which: str, steps_max: int) -> int:
    if not (which.isascii() and which.isdecimal() and 1 <= int(which) <= steps_max):
        raise CallerError(f"{who}: of the funnel {asked.name} the number of a step here is from 1 to {steps_max}")
    return int(which)
