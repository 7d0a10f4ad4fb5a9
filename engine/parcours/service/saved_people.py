"""Calls by which people become the members of a saved audience: those of a funnel, or those who are named."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from parcours.core.identity import person_asked_for
from parcours.errors import CallerError, EngineClosed
from parcours.expression.definition_keys import plain
from parcours.insight.windows import ALL_TIME, Window
from parcours.journey.compile.campaigns.found import SAVED
from parcours.journey.project import Project
from parcours.routing.calls import person_text
from parcours.service.engine_host import EngineHost
from parcours.service.following import ask_owner
from parcours.service.passed import until_passed
from parcours.service.people_calls import Id, check_bool, check_text
from parcours.service.published import Published
from parcours.shard.requests import GetProfile
from parcours.wording import shown_value

NAMED_MAX: Final = 5_000
"""People who are named in one call; with `append` others come in with the next one."""

Mode: TypeAlias = Literal["replace", "append"]

NO_OPTIONS: Final[Mapping[str, object]] = {}


@dataclass(frozen=True, slots=True)
class AudienceSaved:
    """
    people   how many were saved
    at       from when on they are in the audience, and others are not; ms
    unknown  of how many who were named nothing is known: they were left out
    """

    audience: str
    people: int
    at: int
    unknown: int = 0


class SavedPeopleCalls(ABC):
    """Those of a service."""

    _host: EngineHost
    _control: Published

    @abstractmethod
    def _check_open(self) -> None:
        """Raises CallerError unless it is open, on the running loop."""

    def save_people(
        self, audience: str, people: Iterable[Id], mode: Mode = "replace", *, by: str | None = None
    ) -> Coroutine[Any, Any, AudienceSaved]:
        """Let these people, up to 5,000, be the members of an audience that audiences.yaml declares as saved.

        Everybody enters and leaves at one instant, as by a campaign, and has when it returns; it happens though nobody
        waits for it any more.
        mode  replace: nobody else is in it then; append: they come in besides
        by    who does it: a name that is kept with the run `named.AUDIENCE`
        Raises CallerError for an audience that is not saved, with the line to add; ExtraMissing, ShardUnavailable.
        """
        check_text("audience", audience)
        _check_mode(mode)
        names = [person_asked_for(person_text(each, "save_people")) for each in people]
        if len(names) > NAMED_MAX:
            raise CallerError(f"these are {len(names):,} people, and {NAMED_MAX:,} can be named in one call: append")
        return self._save_people(audience, names, mode, by or "")

    async def _save_people(self, audience: str, names: list[str], mode: Mode, by: str) -> AudienceSaved:
        self._check_open()
        key, known = _saved_key(await self._control.project_in_force(), audience), set[str]()
        unknown = 0
        for name in dict.fromkeys(names):
            found = await ask_owner(self._host.port_of, name, GetProfile)
            unknown += found.profile is None
            known |= set() if found.profile is None else {found.owner}
        return await self._save(key, [*known], mode, by, unknown)

    def save_funnel(
        self,
        audience: str,
        funnel: str,
        who: str,
        mode: Mode = "replace",
        *,
        options: Mapping[str, object] = NO_OPTIONS,
        window: Window = ALL_TIME,
        stitch: bool = False,
        by: str | None = None,
    ) -> Coroutine[Any, Any, AudienceSaved]:
        """Let the people of a funnel, as of now, be the members of an audience that audiences.yaml declares as saved.

        funnel   in words, as for `parcours funnel`, or its name in insight/ of what is published
        who      `reached:2`, `lost:2` or `group:NAME`
        options  in place of its keys, by these: within, order, by, exclude, step_within, value, split, segment
        window   in which what happened counts
        stitch   what was before a merge is the person's, whatever the project says
        Else as `save_people`. Raises CallerError for what is wrong with the words too, and where facts lack what is
        asked for.
        """
        for name, text in (("audience", audience), ("funnel", funnel), ("who", who)):
            check_text(name, text)
        _check_mode(mode)
        check_bool("stitch", stitch)
        return self._save_funnel(audience, funnel, who, mode, options, window, by or "", stitch=stitch)

    async def _save_funnel(
        self,
        audience: str,
        words: str,
        who: str,
        mode: Mode,
        options: Mapping[str, object],
        window: Window,
        by: str,
        *,
        stitch: bool,
    ) -> AudienceSaved:
        self._check_open()
        key = _saved_key(await self._control.project_in_force(), audience)
        people = await self._host.funnel_people(words, options, who, window, stitch=stitch)
        return await self._save(key, people, mode, by)

    async def _save(self, key: str, people: Sequence[str], mode: Mode, by: str, unknown: int = 0) -> AudienceSaved:
        place = await self._host.save_members(key, people, mode, by)
        if place.ended is None:
            raise EngineClosed
        if place.state != "done":
            why = next((line.why for line in place.lines if line.is_failure), place.state)
            raise CallerError(f"the audience {plain(key)!r} was not saved: {why}")
        size, at = next(line.size for line in place.lines if line.step == SAVED), place.saves[SAVED]
        await until_passed(self._host.ports, at)
        return AudienceSaved(plain(key), size, at, unknown)


def _saved_key(published: Project, audience: str) -> str:
    """Raises CallerError for an audience that is not declared as saved, with the line to add."""
    fault = published.documents.audiences.saving_fault(audience)
    if fault is not None:
        raise CallerError(fault)
    return next(key for key in published.program.saved_audiences if plain(key) == audience)


def _check_mode(mode: object) -> None:
    if mode not in get_args(Mode):
        raise CallerError(f"mode={shown_value(mode)}: replace or append is expected")
