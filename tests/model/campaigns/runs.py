"""How does a run of a campaign go on? Each step acts at the instant at which all that it takes is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.model.campaigns import set_steps
from tests.model.campaigns.crowd import Crowd
from tests.model.campaigns.people import Delivery, Document, has_reacted
from tests.model.campaigns.sending import ask, channels_of, due_instants, in_window, pass_gates, pause_ms
from tests.model.campaigns.sets import Lot, PeopleSet, SetRow, is_empty
from tests.model.campaigns.tables import Table
from tests.model.campaigns.terms import Scope
from tests.model.reference.times import next_time_of_day, parse_duration, zone_named


@dataclass
class Made:
    """What a step gave; an output is None where it was skipped."""

    ends_ms: int
    outputs: dict[str, PeopleSet | None]
    inflow: int = 0
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass
class Sending:
    """A send under way.

    until_ms  when it may end: the last one is due by rate and waves, and then who is there by windows and gates
    asked     the deliveries of whoever has been due
    """

    taken: PeopleSet
    due: dict[str, int]
    later: dict[str, int]
    until_ms: int
    asked: dict[str, list[Delivery]] = field(default_factory=dict)


@dataclass
class Updating:
    """People whose traits are about to be set, or who are about to be made known: after all sets of the instant."""

    made: Made
    act: Callable[[], None]


@dataclass
class Waiting:
    """A set that waits for an instant."""

    taken: PeopleSet
    until_ms: int


def refs_of(step: Document, above: str | None) -> list[tuple[str, str]]:
    """The sets that a step takes, as (step, output)."""
    if "read" in step:
        return []
    if "union" in step or "intersect" in step:
        named = step.get("union") or step["intersect"]
    elif "exclude" in step:
        named = [step["exclude"].get("from", above), *step["exclude"]["minus"]]
    else:
        named = [step.get("from", above)]
    return [ref_of(each) for each in named]


def ref_of(name: str) -> tuple[str, str]:
    step, _, output = name.partition(".")
    return step, output or "main"


class CampaignRun:
    def __init__(self, campaign: Document, number: int, began_ms: int, tables: dict[str, Table], crowd: Crowd) -> None:
        self.campaign, self.number, self.began_ms = campaign, number, began_ms
        self.name: str = campaign["campaign"]
        self.key = (self.name, number)
        self.tables, self.crowd = tables, crowd
        self.steps: dict[str, Document] = {step["id"]: step for step in campaign["steps"]}
        self.refs = {
            step["id"]: refs_of(step, before and before["id"])
            for before, step in zip([None, *campaign["steps"]], campaign["steps"], strict=False)
        }
        self.made: dict[str, Made] = {}
        self.under_way: dict[str, Sending | Waiting | Updating] = {}
        self.untold: list[tuple[str, str, Made]] = []
        self.told: list[tuple[str, str, Made]] = []
        self.exported: dict[str, list[dict[str, Any]]] = {}
        self.saves: list[Callable[[], None]] = []

    def news(self) -> list[tuple[str, str, Made]]:
        """The outputs that have become known, with their steps."""
        told, self.untold = self.untold, []
        return told

    def is_over(self, now_ms: int) -> bool:
        if len(self.made) < len(self.steps):
            return False
        self.crowd.end(self.key)
        return True

    def instants(self) -> list[int]:
        """When something is due in it."""
        found = []
        for each in self.under_way.values():
            if isinstance(each, Waiting):
                found.append(each.until_ms)
            elif isinstance(each, Sending):
                found.append(each.until_ms)
                found += [due_ms for name, due_ms in each.due.items() if name not in each.asked]
                found += [delivery.release_ms or 0 for delivery in held_in(each)]
        return found

    # What is done at an instant.

    def go_on(self, now_ms: int) -> bool:
        """Lets steps end, and begin, in the order of the document; True if any did."""
        before, standing = (len(self.made), len(self.under_way)), list(self.under_way)
        for name, step in self.steps.items():
            if name in self.under_way:
                if name in standing:
                    self._end(now_ms, name, step)
            elif name not in self.made and self._is_ready(name, step):
                self._begin(now_ms, name, step)
        return before != (len(self.made), len(self.under_way))

    def _is_ready(self, name: str, step: Document) -> bool:
        needed = {above for above, _ in self.refs[name]} | set(step.get("after", []))
        needed |= {ref_of(each)[0] for each in step.get("sizes", [])}
        of = step.get("reacted", {}).get("of")
        return needed | ({of} if isinstance(of, str) else set()) <= self.made.keys()

    def _done(self, name: str, made: Made) -> None:
        self.made[name] = made
        told = [output for step, output, _ in self.told if step == name]
        for output in made.outputs:
            if output not in told:
                self._tell(name, output, made)

    def _tell(self, name: str, output: str, made: Made) -> None:
        self.untold.append((name, output, made))
        self.told.append((name, output, made))

    def _begin(self, now_ms: int, name: str, step: Document) -> None:
        sets = [self.made[above].outputs[output] for above, output in self.refs[name]]
        if sets and all(each is None for each in sets):
            outputs: dict[str, PeopleSet | None] = dict.fromkeys(set_steps.outputs_of(step))
            self._done(name, Made(now_ms, outputs))
            return
        taken = [each for each in sets if each is not None]
        kind = next(each for each in (*ACTS, "set") if each in step or each == "set")
        if kind == "set":
            lot = Lot(self.name, self.number, name)
            asked = set_steps.Asked(step, now_ms, self.began_ms, lot, self.crowd, self.tables)
            found = set_steps.make(asked, taken)
            made = Made(now_ms, dict(found.outputs), found.inflow, found.dropped)
            if "experiment" in step:
                self._assign(now_ms, name, list(found.outputs.values()))
            if found.created:
                self.under_way[name] = Updating(made, lambda: self._make_known(found.created))
            else:
                self._done(name, made)
        else:
            ACTS[kind](self, now_ms, name, step, taken[0])

    def _assign(self, now_ms: int, name: str, parts: Sequence[PeopleSet]) -> None:
        for number, part in enumerate(parts):
            for row in self._take_along(now_ms, part):
                self.crowd.world.told.append((now_ms, row.person, *self.key, name, number))

    def _make_known(self, names: Sequence[str]) -> None:
        for name in names:
            self.crowd.person(name)

    def scope(self, now_ms: int, row: SetRow) -> Scope:
        return Scope(now_ms, self.number, self.began_ms, self.crowd.people[row.person], row.columns)

    def _take_along(self, now_ms: int, taken: PeopleSet) -> list[SetRow]:
        """Opens her run for each person of a set; returns those who have not left theirs."""
        return [row for row in taken.rows if self.crowd.take(now_ms, row.person, self.key)]

    def _still_there(self, taken: PeopleSet) -> PeopleSet:
        return taken.of([row for row in taken.rows if not self.crowd.has_left(row.person, self.key)])

    def _save(self, now_ms: int, name: str, step: Document, taken: PeopleSet) -> None:
        kept = taken.rows
        if "key" in step:
            kept = [row for row in kept if not is_empty(step["key"].of(self.scope(now_ms, row)))]
        names, members = {row.person for row in kept}, self.crowd.world.saved
        audience, mode = step["save"], step.get("mode", "replace")

        def change() -> None:
            old = members[audience]
            members[audience] = {"replace": names, "append": old | names, "remove": old - names}[mode]

        self.saves.append(change)
        dropped = {"no_key": len(taken.rows) - len(kept)}
        self._done(name, Made(now_ms, {"main": taken.of(kept)}, len(taken.rows), dropped))

    def _update(self, now_ms: int, name: str, step: Document, taken: PeopleSet) -> None:
        there = self._take_along(now_ms, taken)

        def act() -> None:
            for row in there:
                scope, person = self.scope(now_ms, row), self.crowd.people[row.person]
                values = {trait: term.of(scope) for trait, term in step["update"].items()}
                person.set_traits({trait: each for trait, each in values.items() if _is_set(step, trait, each)})

        self.under_way[name] = Updating(Made(now_ms, {"main": taken}, len(taken.rows)), act)

    def _export(self, now_ms: int, name: str, step: Document, taken: PeopleSet) -> None:
        rows = []
        for row in taken.rows:
            scope, cells = self.scope(now_ms, row), {}
            for each in step["export"]["columns"]:
                if each == "person":
                    cells["person"] = row.person
                else:
                    # A column of the set is exported as it is, an expression as it is seen.
                    bare = each.text.removeprefix("row.")
                    cells[each.text] = row.columns[bare] if bare in row.columns else each.of(scope)
            rows.append(cells)
        self.exported[step["export"]["file"].replace("{run}", str(self.number))] = rows
        self._done(name, Made(now_ms, {"main": taken}, len(taken.rows)))

    def _test(self, now_ms: int, name: str, step: Document, taken: PeopleSet) -> None:
        def size(of: str) -> int:
            if not of:
                return len(taken.rows)
            above, output = ref_of(of)
            found = self.made[above].outputs[output]
            return 0 if found is None else len(found.rows)

        scope = Scope(now_ms, self.number, self.began_ms, sizes=size)
        outputs = set_steps.outputs_of(step)
        holding = [arm["name"] for arm in step["test"][:-1] if arm["when"].holds(scope)]
        chosen = [*holding, outputs[-1]][0]
        found = {output: taken if output == chosen else None for output in outputs}
        self._done(name, Made(now_ms, found, len(taken.rows)))

    def _wait(self, now_ms: int, name: str, step: Document, taken: PeopleSet) -> None:
        self._take_along(now_ms, taken)
        wait, zone = step["wait"], zone_named(self.campaign.get("timezone"), self.crowd.world.timezone)
        if isinstance(wait, str):
            until_ms = now_ms + parse_duration(wait)
        elif "until" in wait:
            until_ms = wait["until"].of(Scope(now_ms, self.number, self.began_ms)).ms + parse_duration(
                wait.get("offset", "0s")
            )
        else:
            until_ms = next_time_of_day(now_ms, wait["time"], wait.get("days"), zone)
        self.under_way[name] = Waiting(taken, max(now_ms, until_ms))

    def _reacted(self, now_ms: int, name: str, step: Document, taken: PeopleSet) -> None:
        self._take_along(now_ms, taken)
        until_ms, of = now_ms, step["reacted"]["of"]
        if isinstance(of, str):
            until_ms = max(now_ms, self.made[of].ends_ms + parse_duration(step["reacted"].get("within", "0s")))
        self.under_way[name] = Waiting(taken, until_ms)

    def _send(self, now_ms: int, name: str, step: Document, taken: PeopleSet) -> None:
        self._take_along(now_ms, taken)
        lot, names = Lot(self.name, self.number, name), [row.person for row in taken.rows]
        due = due_instants(step, taken.rows, self.crowd.people, now_ms, lot)
        later = [pause_ms(number, step.get("rate")) for number in range(len(names))]
        due_of = {person: due_ms for person, (_, due_ms) in zip(names, due, strict=True)}
        until_ms = max((planned_ms for planned_ms, _ in due), default=now_ms)
        self._copy(name, step, taken, due_of)
        self.under_way[name] = Sending(taken, due_of, dict(zip(names, later, strict=True)), until_ms)
        self._tell(name, "main", Made(now_ms, {"main": taken}, len(taken.rows)))

    def _copy(self, name: str, step: Document, taken: PeopleSet, due_of: dict[str, int]) -> None:
        """Each seed gets what is sent once, when the person is due whose data it has."""
        names = [row.person for row in taken.rows]
        channels = channels_of(step, self.crowd.world.messages)
        for seed in self.campaign.get("seeds", []) if names else []:
            whose = seed["as"] if seed.get("as") in names else names[0]
            there = [channel for channel in channels if channel in seed]
            for channel in there[:1] if isinstance(step.get("channels"), dict) else there:
                told = (due_of[whose], whose, *self.key, name, channel, "copy", seed[channel])
                self.crowd.world.told.append(told)

    def _end(self, now_ms: int, name: str, step: Document) -> None:
        """Ends what is under way, if it is time."""
        standing = self.under_way[name]
        if isinstance(standing, Updating):
            return
        if isinstance(standing, Sending):
            self._end_send(now_ms, name, standing)
            return
        if standing.until_ms > now_ms:
            return
        there = self._still_there(standing.taken)
        outputs: dict[str, PeopleSet | None] = {"main": there}
        if "reacted" in step:
            reacted = [row for row in there.rows if self._has_reacted(now_ms, row.person, step["reacted"])]
            outputs = {"main": there.of(reacted), "rest": there.of(there.without(reacted))}
        inflow = len(standing.taken.rows)
        del self.under_way[name]
        self._done(name, Made(now_ms, outputs, inflow, {"exited": inflow - len(there.rows)}))

    def _end_send(self, now_ms: int, name: str, standing: Sending) -> None:
        if standing.until_ms > now_ms:
            return
        coming = [each.release_ms or 0 for each in held_in(standing)]
        coming += [
            due_ms
            for person, due_ms in standing.due.items()
            if person not in standing.asked and not self.crowd.has_left(person, self.key)
        ]
        if coming:
            standing.until_ms = max(coming)
            return
        refused = [
            row
            for row in standing.taken.rows
            if (asked := standing.asked.get(row.person)) and all(each.state == "refused" for each in asked)
        ]
        del self.under_way[name]
        outputs: dict[str, PeopleSet | None] = {"main": standing.taken, "refused": standing.taken.of(refused)}
        self._done(name, Made(now_ms, outputs, len(standing.taken.rows)))

    def _has_reacted(self, now_ms: int, name: str, reacted: Document) -> bool:
        of = reacted["of"]
        source, step = (self.name, of) if isinstance(of, str) else (of.get("campaign") or of["journey"], of["step"])
        since_ms = now_ms - parse_duration(reacted["since"]) if "since" in reacted else None
        found = [
            each
            for each in self.crowd.people[name].left
            if (each.run[0], each.step) == (source, step) and each.channel == reacted.get("channel", each.channel)
        ]
        if isinstance(of, str):
            found = [each for each in found if each.run == self.key]
        if reacted.get("runs") == "last":
            newest = self.crowd.newest_run.get(source) or max((each.run[1] for each in found), default=0)
            found = [each for each in found if each.run[1] == newest]
        return any(has_reacted(each, reacted["reaction"], reacted.get("link"), since_ms, now_ms) for each in found)

    # Whoever is due.

    def let_be_due(self, now_ms: int) -> bool:
        """Lets people be sent to who are due, and releases whom a gate held; True if there was anybody."""
        busy = False
        for name, standing in list(self.under_way.items()):
            if isinstance(standing, Updating):
                standing.act()
                del self.under_way[name]
                self._done(name, standing.made)
                busy = True
            elif isinstance(standing, Sending):
                busy = self._send_to_due(now_ms, self.steps[name], standing) or busy
        return busy

    def _send_to_due(self, now_ms: int, step: Document, standing: Sending) -> bool:
        busy = False
        for row in standing.taken.rows:
            if row.person not in standing.asked:
                if standing.due[row.person] <= now_ms:
                    self._be_due(now_ms, step, row, standing)
                    busy = True
                continue
            person = self.crowd.people[row.person]
            for delivery in standing.asked[row.person]:
                if delivery.state == "held" and (delivery.release_ms or 0) <= now_ms:
                    pass_gates(person, now_ms, delivery)
                    busy = True
        return busy

    def _be_due(self, now_ms: int, step: Document, row: SetRow, standing: Sending) -> None:
        """Asks for her deliveries; where her time zone has changed she may be due at another opening of the window."""
        person, later_ms = self.crowd.people[row.person], standing.later[row.person]
        if self.crowd.has_left(row.person, self.key):
            standing.asked[row.person] = []
            return
        if "window" in step:
            standing.due[row.person] = in_window(step["window"], now_ms, person, later_ms)
        if standing.due[row.person] <= now_ms:
            standing.asked[row.person] = ask(person, now_ms, self.key, step, row.columns, later_ms)


def _is_set(step: Document, trait: str, value: Any) -> bool:
    """A trait whose value is missing stays as it is, but where `null` takes it away."""
    return value is not None or step["update"][trait].text == "null"


def held_in(standing: Sending) -> list[Delivery]:
    return [each for asked in standing.asked.values() for each in asked if each.state == "held"]


Act = Callable[[CampaignRun, int, str, Document, PeopleSet], None]
ACTS: dict[str, Act] = {
    kind: partial(getattr(CampaignRun, f"_{kind}"))
    for kind in ("save", "update", "export", "wait", "test", "reacted", "send")
}
