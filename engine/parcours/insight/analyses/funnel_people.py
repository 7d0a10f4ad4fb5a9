"""Whose units reached a step of a funnel, were lost after one, or are in a group?"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from parcours.errors import CallerError
from parcours.insight.analyses.funnel import Match, groups_of, matches
from parcours.insight.analyses.funnel_groups import GroupsOf
from parcours.insight.analyses.happenings import Events
from parcours.journey.analyses import Funnel, who_fault


def funnel_people(asked: Funnel, units: Iterable[Events], who: str, grouped: GroupsOf | None = None) -> list[str]:
    """The people with at least one such unit, each once, sorted as bytes.

    who      `reached:2` or `lost:2`, with the number of a step, or `group:west`
    units    as for `funnel`, and so is `grouped`

    Raises CallerError for other words, and for a group or a step that the funnel cannot have.
    """
    is_meant = _meant(asked, who, groups_of(asked, grouped))
    return sorted({match.unit.person for match in matches(asked, units) if is_meant(match)}, key=str.encode)


def _meant(asked: Funnel, who: str, groups: GroupsOf | None) -> Callable[[Match], bool]:
    if (fault := who_fault(who, asked)) is not None:
        raise CallerError(f"{who}: {fault}")
    word, _, which = who.partition(":")
    if word == "group":
        assert groups is not None, "a funnel with a split has groups"
        grouping = groups
        return lambda match: which in grouping(match.unit, match.first)
    step = int(which)
    return (lambda match: len(match.chain) >= step) if word == "reached" else (lambda match: len(match.chain) == step)
