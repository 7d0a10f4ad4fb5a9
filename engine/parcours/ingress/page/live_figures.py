"""What is told of each topic that somebody follows: the figures of its screen, and the parts of it in HTML.

The same for everybody who looks on, so nothing is in it that takes more than `operate:read`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from parcours.config import MINUTE_MS
from parcours.errors import ShardUnavailable
from parcours.ingress.door import Door
from parcours.ingress.exchange import Problem, Request
from parcours.ingress.journey_figures import counts_asked, journeys_of
from parcours.ingress.keys import Key
from parcours.ingress.live_topics import Figures, Topic
from parcours.ingress.page.frame import trouble_mark
from parcours.ingress.page.journey import live_parts
from parcours.ingress.page.journeys import cells
from parcours.ingress.page.session import SCOPE
from parcours.ingress.page.standing import Standing, standing
from parcours.ingress.page.step import live_parts_of_step
from parcours.ingress.page.ways_taken import Taken, WaysTaken
from parcours.insight.health import Sign
from parcours.insight.page.markup import Child, together
from parcours.service.figures import EngineFigures
from parcours.service.live_report import LiveReport

HOT_MS: Final = MINUTE_MS
"""For so long a way is shown as one that somebody has just taken."""

LOOKS_BETWEEN: Final = 20
"""Looks at what has changed, 5 s, until signs are looked for again and shards asked where they stand."""

ONLOOKER: Final = Key(name="", sha256="", scopes=frozenset({SCOPE}))
"""Whoever looks on may be shown as much as with this key at least."""


class LiveFigures:
    """Those of a door's engine, for its streams."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._counts = door.service.live_counts()
        self._looks = 0
        self._ledger = -1
        self._troubles = 0
        self._signs: Mapping[str, Sequence[Sign]] = {}
        self._lately: Mapping[str, int] = {}
        self._engine: Figures = {}
        self._reports: dict[str, LiveReport] = {}
        self._hot: dict[Topic, _Hot] = {}
        self._unseen: set[str] = set()
        self._changed: set[str] = set()
        """The journeys of which anything may have changed by the newest look."""

    def now_ms(self) -> int:
        return self._door.now_ms()

    async def look(self) -> None:
        if self._looks % LOOKS_BETWEEN == 0:
            with suppress(ShardUnavailable):  # then the next line says so, or only the signs are older
                await self._look_at_all()
        self._unseen |= await self._counts.look()
        self._looks += 1
        ledger = self._door.service.ledger
        if (ledger.number, self._door.troubles.number) != (self._ledger, self._troubles):
            self._ledger, self._troubles = ledger.number, self._door.troubles.number
            self._unseen |= ledger.journeys.keys() | self._reports.keys()
        self._changed, self._unseen = self._unseen, set()
        for name in self._changed:
            self._reports.pop(name, None)

    async def _look_at_all(self) -> None:
        door = self._door
        report = await door.service.report()
        signs = {name: report.signs(name) for name, _ in journeys_of(door, report.ledger)}
        lately = {name: report.entered_lately(name) for name in signs}
        self._unseen |= {name for name in signs if signs[name] != self._signs.get(name)}
        self._unseen |= {name for name in lately if lately[name] != self._lately.get(name)}
        self._signs, self._lately = signs, lately
        self._engine = _engine(await door.figures.of_engine(door.service, door.now_ms()))

    def figures(self, topic: Topic, before: Figures | None) -> Figures:
        match topic.kind:
            case "engine":
                return self._engine
            case "journeys":
                return self._journeys(topic, before)
            case "journey" | "step":
                is_same = before is not None and topic.journey not in self._changed
                if is_same and not (topic in self._hot and self._hot[topic].cools(self.now_ms())):
                    assert before is not None
                    return before
                of = self._standing(topic)
                if of is None:
                    return {}
                return self._journey(topic, of) if topic.kind == "journey" else self._step(topic, of)

    def _journeys(self, topic: Topic, before: Figures | None) -> Figures:
        if before is not None and not self._changed:
            return before
        known: Mapping[str, object] = {} if before is None else before["lines"]
        request, lines = _request(topic), dict[str, object]()
        for name, entry in journeys_of(self._door, self._door.service.ledger):
            if name in known and name not in self._changed:
                lines[name] = known[name]
                continue
            report = self._report(name)
            of = standing(report, name, entry, report.counts.get(name, []))
            of = replace(of, lately=self._lately.get(name, 0))
            lines[name] = _written(cells(of, self._signs.get(name, ()), request))
        return {"ledger": self._ledger, "lines": lines, "parts": _written(self._marks())}

    def _journey(self, topic: Topic, of: Standing) -> Figures:
        counts = {
            step: [each.inflow, each.waiting, each.gone_on, each.ended, of.parked.get(step, 0)]
            for step, each in of.count.steps.items()
        }
        signs = self._signs.get(topic.journey, ())
        hot = self._hot.setdefault(topic, _Hot())
        return {
            "ledger": self._ledger,
            "counts": counts,
            "parts": _written({**live_parts(of, signs, _request(topic)), **self._marks()}),
            "hot": hot.now(self._report(topic.journey), of, self.now_ms()),
        }

    def _marks(self) -> Mapping[str, Child]:
        """What is on top of each screen."""
        return {"troubles": trouble_mark(self._door)}

    def _step(self, topic: Topic, of: Standing) -> Figures:
        if topic.step not in of.count.steps:
            return {}
        parts = live_parts_of_step(self._report(topic.journey), of, topic.step, _request(topic))
        return {"parts": _written(parts)}

    def _standing(self, topic: Topic) -> Standing | None:
        """None of a journey or a version that is there no more."""
        name, report = topic.journey, self._report(topic.journey)
        entry = report.ledger.journeys.get(name)
        if entry is None or name in self._door.service.program.campaign_names():
            return None
        try:
            return standing(report, name, entry, counts_asked(report, name, _request(topic)))
        except Problem:
            return None

    def _report(self, name: str) -> LiveReport:
        if name not in self._reports:
            self._reports[name] = self._counts.report(name, self.now_ms())
        return self._reports[name]


class _Hot:
    """The ways of a journey that somebody has just taken, since somebody looks on."""

    def __init__(self) -> None:
        self._ways = WaysTaken()
        self._taken: Taken | None = None
        self._since_ms: dict[str, int] = {}

    def now(self, report: LiveReport, of: Standing, now_ms: int) -> list[str]:
        """Them, sorted, each as the picture has it."""
        taken, before = self._ways.taken(report, of), self._taken
        if before is not None:
            self._since_ms |= {way: now_ms for way, number in taken.items() if number > before.get(way, 0)}
        self._taken = taken
        self._since_ms = {way: at_ms for way, at_ms in self._since_ms.items() if now_ms - at_ms < HOT_MS}
        return sorted(self._since_ms)

    def cools(self, now_ms: int) -> bool:
        """Whether one of them is not hot any more."""
        return any(now_ms - at_ms >= HOT_MS for at_ms in self._since_ms.values())


def _request(topic: Topic) -> Request:
    """As one for the topic's screen."""
    query = {} if topic.version is None else {"version": topic.version}
    return Request(method="GET", path="", params={"name": topic.journey}, query=query, key=ONLOOKER, root=topic.root)


def _written(parts: Mapping[str, Child]) -> dict[str, str]:
    return {name: str(together(part)) for name, part in parts.items()}


def _engine(figures: EngineFigures) -> Figures:
    """Where the shards stand; nobody is named in it."""
    shards = {}
    for number, (answer, waiting) in enumerate(zip(figures.shards, figures.waiting_lines, strict=True)):
        told: Figures = {"lag_ms": round(answer.lag_ms, 1), "waiting_lines": waiting}
        if (of := answer.figures) is not None:
            told |= {
                "people": of.status.people,
                "stamp_ms": of.status.stamp_ms,
                "late_ms": of.timers_late_ms,
                "ready": sum(of.status.ready.values()),
                "claimed": of.status.claimed,
                "journal_bytes": of.journal_bytes,
                "epoch": of.epoch,
            }
        shards[f"{number}"] = told
    return {"shards": shards, "troubles": figures.troubles}
