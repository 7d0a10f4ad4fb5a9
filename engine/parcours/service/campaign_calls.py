"""Calls about the campaigns of a running engine: how they stand, a run by hand, and what is changed of them."""

from __future__ import annotations

import asyncio
import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from typing import Any

from parcours.campaigns.campaign_due import occurrences
from parcours.errors import CallerError
from parcours.insight.explain import Explanation
from parcours.journey.publish.ledger import Verb
from parcours.service.campaign_state import CampaignState, campaign_state
from parcours.service.change_outcome import ChangeOutcome, Order
from parcours.service.engine_host import EngineHost
from parcours.service.keeper import Standing
from parcours.service.people_calls import check_text
from parcours.service.published import Published
from parcours.service.told_sets import SetsKept
from parcours.shard.requests import GetProfile
from parcours.wording import nearest, quoted


class CampaignCalls(ABC):
    """Those of a service."""

    _host: EngineHost
    _control: Published

    @abstractmethod
    def _check_open(self) -> None:
        """Raises CallerError unless it is open, on the running loop."""

    async def campaigns(self) -> list[CampaignState]:
        """Every campaign that there is or has been, by name, with the runs of which something is kept.

        Those among them by which audiences are kept up to date are called `kept.AUDIENCE`.
        """
        self._check_open()
        names = sorted(self._control.current.conducted_names())
        standing = await self._host.standing(names)
        return [self._campaign_state(name, standing[name]) for name in names]

    def campaign(self, campaign: str) -> Coroutine[Any, Any, CampaignState]:
        """How a campaign stands, and how far its runs are. Raises CallerError where there is none of this name."""
        check_text("campaign", campaign)
        return self._campaign(campaign)

    async def _campaign(self, name: str) -> CampaignState:
        self._check_open()
        self._check_conducted(name)
        return self._campaign_state(name, (await self._host.standing([name]))[name])

    def run_campaign(self, campaign: str, *, by: str | None = None) -> Coroutine[Any, Any, int]:
        """Let a run of a campaign begin now; returns its number, once it goes on whatever happens to this process.

        by  who does it: a name that is kept with the run
        Raises CallerError for a campaign that there is not, that is not open, or of which a run is under way already.
        """
        check_text("campaign", campaign)
        if by is not None:
            check_text("by", by)
        return self._run_campaign(campaign, by or "")

    async def _run_campaign(self, name: str, by: str) -> int:
        self._check_open()
        self._check_conducted(name)
        return await self._host.begin_run(name, by)

    def close_campaign(
        self, campaign: str, *, dry: bool = False, ledger: int | None = None, by: str | None = None
    ) -> Coroutine[Any, Any, ChangeOutcome]:
        """No further run begins; one that is under way goes on. A closed campaign is opened again by publishing it.

        `dry`, `ledger` and `by` are those of `publish`. Raises CallerError if there is no such campaign, as do all
        four; LedgerOutdated and ShardUnavailable as `publish` does.
        """
        return self._change_campaign("close", campaign, Order.of(dry, ledger, by))

    def stop_campaign(
        self, campaign: str, *, dry: bool = False, ledger: int | None = None, by: str | None = None
    ) -> Coroutine[Any, Any, ChangeOutcome]:
        """The run under way ends where it is, nothing more is sent for it, and no further run begins."""
        return self._change_campaign("stop", campaign, Order.of(dry, ledger, by))

    def pause_campaign(
        self, campaign: str, *, dry: bool = False, ledger: int | None = None, by: str | None = None
    ) -> Coroutine[Any, Any, ChangeOutcome]:
        """No step begins, nobody moves and nothing is sent, until it is resumed; waits keep their instants."""
        return self._change_campaign("pause", campaign, Order.of(dry, ledger, by))

    def resume_campaign(
        self, campaign: str, *, dry: bool = False, ledger: int | None = None, by: str | None = None
    ) -> Coroutine[Any, Any, ChangeOutcome]:
        """The run goes on, and makes up for what it has missed."""
        return self._change_campaign("resume", campaign, Order.of(dry, ledger, by))

    async def _change_campaign(self, verb: Verb, name: object, order: Order) -> ChangeOutcome:
        self._check_open()
        check_text("campaign", name)
        self._check_campaign(str(name))
        return await self._control.change(verb, str(name), order, "campaign")

    async def _with_sets(self, explanation: Explanation, names: Sequence[str]) -> Explanation:
        """Where she is in sets of runs; of nobody who is not known, as of somebody erased."""
        folder = self._host.campaigns_folder
        if folder is None or (await self._host.port_of(names[0]).ask(GetProfile(names[0]))).profile is None:
            return explanation
        kept = SetsKept(self._control.current.campaign_names(), folder)
        return await asyncio.to_thread(kept.added_to, explanation, names)

    def _check_conducted(self, name: str) -> None:
        """The same, but for those by which audiences are kept up to date."""
        if name not in {each.name for each in self._control.current.keeping}:
            self._check_campaign(name)

    def _check_campaign(self, name: str) -> None:
        """Raises CallerError where there is none of this name that an author has written."""
        if any(each.name == name for each in self._control.current.keeping):
            said = "it is as the newest publication says: take it out of insight/, or change its schedule there"
            raise CallerError(f"the campaign {name!r} makes an audience that is kept up to date; {said}")
        known = self._control.current.campaign_names()
        if name not in known:
            other = self._control.taken_otherwise(name, "campaign")
            raise CallerError(other or f"there is no campaign {quoted(name)}{nearest(name, known)}")

    def _campaign_state(self, name: str, standing: Standing) -> CampaignState:
        entry = self._control.publications.ledger.journeys.get(name)
        state = campaign_state(name, entry, standing.runs, standing.not_begun)
        return dataclasses.replace(state, next_ms=self._next_ms(name)) if state.state == "open" else state

    def _next_ms(self, name: str) -> int | None:
        """The next instant of the schedule by which the newest version is begun, None where there is none."""
        program, now_ms = self._control.current, self._host.now_ms()
        conducted = (each for each in (*program.campaigns, *program.keeping) if each.name == name)
        return next((at for each in conducted for at in occurrences(each, program.timezone, now_ms - 1)), None)
