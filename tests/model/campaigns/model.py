"""What do campaigns make of a recording? One loop over all instants at which anything happens, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.model.campaigns.case import Case
from tests.model.campaigns.crowd import Crowd
from tests.model.campaigns.people import World
from tests.model.campaigns.runs import CampaignRun
from tests.model.reference.times import parse_instant, recurrences, to_datetime, zone_named


@dataclass(frozen=True)
class Line:
    """A line about a campaign; `step` is None of an occurrence with which no run began."""

    at: int
    campaign: str
    run: int
    step: str | None
    output: str
    size: int = 0
    inflow: int = 0
    dropped: tuple[tuple[str, int], ...] = ()


@dataclass
class Outcome:
    """
    lines    in the order in which they became known
    told     of deliveries: at, person, campaign, run, step, channel, outcome, gate; of a copy for a seed `copy` and its
             address in place of the last two; of a part of a split that is compared its number in place of the last
             three
    exports  the rows of each file, in order, with values as they are
    goals    how many reached the goal of each campaign
    """

    lines: list[Line] = field(default_factory=list)
    told: list[tuple[Any, ...]] = field(default_factory=list)
    exports: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    goals: dict[str, int] = field(default_factory=dict)


def outcome_of(case: Case) -> Outcome:
    return _Simulation(case).result()


class _Simulation:
    def __init__(self, case: Case) -> None:
        self.case = case
        world = World(
            timezone=case.timezone,
            policies=case.policies,
            holdouts=case.holdouts,
            messages=case.messages,
            conditions=case.conditions,
            saved={name: set() for name in case.saved},
        )
        self.crowd = Crowd(world, case.campaigns, case.journeys)
        self.found = Outcome(told=world.told)
        self.runs: list[CampaignRun] = []
        self.numbers = dict.fromkeys((each["campaign"] for each in case.campaigns), 0)
        self.waiting = sorted(case.lines, key=lambda line: parse_instant(line["timestamp"]))
        self.occurrences = self._occurrences()
        self.later: list[tuple[int, Callable[[], None]]] = []

    def _occurrences(self) -> list[tuple[int, dict[str, Any]]]:
        found = []
        for campaign in self.case.campaigns:
            name = campaign["campaign"]
            if name in self.case.starts:
                found.append((self.case.starts[name], campaign))
            if "schedule" in campaign:
                schedule, zone = campaign["schedule"], zone_named(None, self.case.timezone)
                instants = recurrences(schedule["at"], schedule.get("rule"), None, zone)
                found += [(at_ms, campaign) for at_ms in instants if self._may_begin(campaign, at_ms)]
        return sorted(found, key=lambda each: each[0])

    def _may_begin(self, campaign: dict[str, Any], at_ms: int) -> bool:
        """Whether an occurrence is on one of the campaign's days, in the project's zone."""
        day = to_datetime(at_ms, zone_named(None, self.case.timezone)).date().isoformat()
        return bool(campaign.get("starts", day) <= day <= campaign.get("ends", day))

    def result(self) -> Outcome:
        while (now_ms := self._next()) is not None:
            while self.waiting and parse_instant(self.waiting[0]["timestamp"]) <= now_ms:
                self.crowd.apply(now_ms, self.waiting.pop(0))
            due = [each for each in self.later if each[0] <= now_ms]
            self.later = [each for each in self.later if each[0] > now_ms]
            for _, act in due:
                act()
            self._settle(now_ms)
            while self.occurrences and self.occurrences[0][0] <= now_ms:
                self._begin(now_ms, self.occurrences.pop(0)[1])
            self._settle(now_ms)
        self.found.goals = {each["campaign"]: self.crowd.goals(each["campaign"]) for each in self.case.campaigns}
        return self.found

    def _next(self) -> int | None:
        instants = [parse_instant(self.waiting[0]["timestamp"])] if self.waiting else []
        instants += [at_ms for at_ms, _ in (*self.occurrences, *self.later)]
        instants += [at_ms for run in self.runs for at_ms in run.instants()]
        return min(instants, default=None)

    def _begin(self, now_ms: int, campaign: dict[str, Any]) -> None:
        name = campaign["campaign"]
        number = self.numbers[name] + 1
        running = [run for run in self.runs if run.name == name]
        if running and campaign.get("overlap") != "allowed":
            self.found.lines.append(Line(now_ms, name, number, None, "skipped_running"))
            return
        self.numbers[name] = number
        self.crowd.newest_run[name] = number
        self.runs.append(CampaignRun(campaign, number, now_ms, self.case.tables, self.crowd))

    def _settle(self, now_ms: int) -> None:
        """All that happens at an instant: steps in their order, then whoever is due, until nothing more does."""
        busy = True
        while busy:
            busy = False
            for act in (CampaignRun.go_on, CampaignRun.let_be_due):
                for run in self.runs:
                    busy = act(run, now_ms) or busy
                    self._take_down(now_ms, run)
            self.runs = [run for run in self.runs if not run.is_over(now_ms)]

    def _take_down(self, now_ms: int, run: CampaignRun) -> None:
        for step, output, made in run.news():
            found = made.outputs[output]
            if found is not None:
                dropped = tuple(sorted((reason, number) for reason, number in made.dropped.items() if number))
                line = Line(now_ms, run.name, run.number, step, output, len(found.rows), made.inflow, dropped)
                self.found.lines.append(line)
            elif all(each is None for each in made.outputs.values()) and output == next(iter(made.outputs)):
                self.found.lines.append(Line(now_ms, run.name, run.number, step, "skipped"))
        self.found.exports |= run.exported
        run.exported = {}
        for change in run.saves:
            self.later.append((now_ms + 1, change))
        run.saves = []
