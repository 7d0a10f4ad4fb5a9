"""Which steps does a campaign have? At most twelve, those that make sets and those that do something."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.model.campaigns import terms
from tests.model.campaigns.chance import CHANNELS, LINKS
from tests.model.campaigns.drawn_sets import SetDrawing
from tests.model.campaigns.people import Document
from tests.model.campaigns.sets import PERSON
from tests.model.campaigns.terms import NOW, RUN_BEGAN, Term
from tests.model.reference.expression import Instant

STEPS_MAX = 12
WEIGHTS = {
    "read": 3, "filter": 3, "dedupe": 4, "split": 4, "random": 3, "union": 4, "intersect": 3, "exclude": 3,
    "enrich": 6, "save": 2, "update": 3, "export": 2, "wait": 4, "test": 2, "reacted": 3, "send": 7,
}  # fmt: skip


class StepDrawing(SetDrawing):
    """The steps of one campaign."""

    def drawn(self, size: int) -> list[Document]:
        self._add(self._read())
        while len(self.steps) < size:
            kinds = list(WEIGHTS)
            (kind,) = self.chance.random.choices(kinds, list(WEIGHTS.values()))
            if self.sends and not any("reacted" in each for each in self.steps) and self.chance.maybe(0.4):
                kind = "reacted"
            step = getattr(self, f"_{kind}")()
            if step is not None:
                self._add(step)
        return self.steps

    def _save(self) -> Any:
        if not self.unsaved or (taking := self._taking("save", of_people=True)) is None:
            return None
        step, taken = taking
        step["save"] = self.unsaved.pop()
        mode = self.chance.either("save", "replace", "append", "remove")
        if mode != "replace" or self.chance.maybe(0.3):
            step["mode"] = mode
        if self.chance.maybe(0.4):
            step["key"] = self.chance.scalar(taken.columns)
            self.chance.kind("save.key")
        return step, self._outputs(step, taken)

    def _update(self) -> Any:
        if (taking := self._taking("update", of_people=True)) is None:
            return None
        step, taken = taking
        chance = self.chance
        chance.kind("update")
        values = {"tier": chance.text(taken.columns), "score": chance.numeric(taken.columns)}
        values["loyal"] = chance.condition(taken.columns, 1)
        values = {name: values[name] for name in chance.some(list(values))}
        if chance.maybe(0.15):
            values["code"] = Term("null", lambda scope: None, "any")
        return {**step, "update": values}, self._outputs(step, taken)

    def _export(self) -> Any:
        if (taking := self._taking("export")) is None:
            return None
        step, taken = taking
        chance = self.chance
        form = chance.either("export", "csv", "ndjson")
        columns: list[Any] = [PERSON, *chance.some([terms.trait(name, "any") for name in ("score", "city", "seen_at")])]
        for name, each in taken.columns.items():
            if (form == "ndjson" or not each.fields) and chance.maybe(0.5):
                columns.append(replace(terms.column(name, each.kind), text=chance.pick((name, f"row.{name}"))))
        if chance.maybe(0.3):
            columns.append(chance.numeric(taken.columns))
        unlike = {each if each == PERSON else each.text: each for each in columns}
        step["export"] = {"file": f"{step['id']}-{{run}}.{form}", "columns": list(unlike.values())}
        return step, self._outputs(step, taken)

    def _wait(self) -> Any:
        if (taking := self._taking("wait", of_people=True)) is None:
            return None
        step, taken = taking
        chance = self.chance
        match chance.either("wait", "duration", "until", "time"):
            case "duration":
                step["wait"] = chance.duration()
            case "until":
                until = terms.later(chance.pick((NOW, RUN_BEGAN)), chance.duration()) if chance.maybe(0.4) else None
                step["wait"] = {"until": until or terms.literal(Instant(chance.instant_ms()))}
                if chance.maybe(0.5):
                    step["wait"]["offset"] = f"{chance.pick(('', '-'))}{chance.duration(12)}"
            case _:
                step["wait"] = {"time": chance.pick(("09:00", "18:30", "02:30"))}
                if chance.maybe(0.3):
                    step["wait"]["days"] = chance.some(("mon", "wed", "thu", "sat", "sun"), 1, 3)
        return step, self._outputs(step, taken)

    def _test(self) -> Any:
        if (taking := self._taking("test")) is None:
            return None
        step, taken = taking
        chance = self.chance
        chance.kind("test")
        arms: list[Document] = []
        for place in range(chance.number(1, 2)):
            other = chance.pick(self.sets).name if chance.maybe(0.3) else None
            size = terms.literal(chance.pick((2, 8, 20)))
            condition = terms.compared(terms.set_size(other), chance.pick((">", "<=")), size)
            if other is not None:
                step.setdefault("sizes", []).append(other)
            elif chance.maybe(0.15):
                condition = terms.is_run("push", 1)
            arms.append({"name": f"arm{place}", "when": condition})
        arms.append({"otherwise": "none"})
        outputs = self._outputs(step, taken, *(each.get("name", "none") for each in arms), main=None, others=0.5)
        return {**step, "test": arms}, [replace(each, tests=each.tests | {each.name}) for each in outputs]

    def _reacted(self) -> Any:
        if (taking := self._taking("reacted", of_people=True)) is None:
            return None
        step, taken = taking
        chance = self.chance
        own = [each["id"] for each in self.sends]
        if own and chance.maybe(0.6):
            taken = next(each for each in self.sets if each.name == own[-1])
            step["from"] = taken.name
        reacted: Document = {"reaction": chance.pick(("opened", "clicked", "clicked", "delivered"))}
        if reacted["reaction"] == "clicked" and chance.maybe(0.3):
            reacted["link"] = chance.pick(LINKS)
        if own and chance.maybe(0.75):
            chance.kind("reacted.own")
            reacted["of"] = own[-1] if chance.maybe(0.7) else chance.pick(own)
            if chance.maybe(0.9):
                reacted["within"] = chance.duration(60)
        else:
            kind, name, of = chance.pick(self.others)
            chance.kind(f"reacted.{kind}")
            reacted["of"] = {kind: name, "step": of}
            if chance.maybe(0.7):
                reacted["since"] = chance.duration(72)
            if chance.maybe(0.3):
                reacted["runs"] = "last"
                chance.kind("reacted.last")
        if chance.maybe(0.3):
            reacted["channel"] = "email"
        return {**step, "reacted": reacted}, self._outputs(step, taken, "rest", main=0.4, others=0.6)

    def _send(self) -> Any:
        if (taking := self._taking("send", of_people=True)) is None:
            return None
        step, taken = taking
        chance, message = self.chance, self.chance.pick(list(self.messages))
        chance.kind("send")
        named = [each for each in self.messages[message] if each in CHANNELS]
        step |= {"send": message, "channels": ["email", *chance.some([each for each in named if each != "email"], 0)]}
        if chance.maybe(0.3):
            step["channels"] = {"first": chance.random.sample(named, len(named))}
            chance.kind("send.first")
            if chance.maybe(0.5):
                step["channels"]["prefer"] = terms.trait("favourite", "string")
        if chance.maybe(0.2):
            step["to"] = {"email": terms.instead(terms.trait("email", "string"), "else@mail.example")}
        self._pace(step)
        self.sends.append(step)
        return step, self._outputs(step, taken, "refused", others=0.2)

    def _pace(self, step: Document) -> None:
        chance = self.chance
        if chance.maybe(0.5):
            step["rate"] = chance.pick(("1/s", "3/s", "7/s", "500/s"))
            chance.kind("send.rate")
        if chance.maybe(0.3):
            step["waves"] = {"parts": chance.number(1, 4), "every": chance.pick(("10m", "1h", "7h"))}
            chance.kind("send.waves")
        zone = {"zone": chance.pick(("profile", "Europe/Paris"))} if chance.maybe(0.6) else {}
        days = {"days": ["mon", "tue", "thu", "fri", "sun"]} if chance.maybe(0.3) else {}
        if chance.maybe(0.25):
            times = chance.pick((("09:00", "18:00"), ("22:00", "06:00"), ("10:00", "10:01"), ("01:30", "03:15")))
            step["window"] = {"from": times[0], "to": times[1], **zone, **days}
            chance.kind("send.window")
        elif chance.maybe(0.15):
            step["window"] = {"time": chance.pick(("09:00", "02:30", "23:59")), **zone, **days}
            chance.kind("send.local_time")
