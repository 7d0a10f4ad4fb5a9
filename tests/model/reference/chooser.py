"""Who gets which offer, written once more and otherwise: from everything that ever happened, and no counts kept.

It takes documents as plain data, whose conditions and formulas are tuples that it evaluates by itself, and goes through
the whole past for each cap. Of those that may be chosen it takes the best, again and again. Nothing here is imported
from the engine.
"""

from __future__ import annotations

import hashlib
import math
import operator
from dataclasses import dataclass, field
from typing import Any

from scipy import stats

HOUR = 3_600_000
DAY = 24 * HOUR
COMPARED = {">": operator.gt, "<=": operator.le, "==": operator.eq}


@dataclass
class Got:
    """An offer that somebody got; `marks` has the first time of each. Of fallbacks there is always one left."""

    offer: str
    at: int
    is_fallback: bool = False
    marks: dict[str, int] = field(default_factory=dict)
    returned: bool = False


@dataclass
class Somebody:
    """
    booked  when she has booked
    past    the offers that she got, in order
    """

    name: str
    traits: dict[str, Any]
    booked: list[int]
    past: list[Got]
    personalise: bool = True

    def marked(self, number: int, what: str, at: int, remembered: int) -> None:
        """Something became of the offer at this place of her past, which is remembered if it is among the newest."""
        got = self.past[number]
        newest = [each for each in self.past if each.at <= at and not each.returned][-remembered:]
        if all(each is not got for each in newest) or at - got.at >= 90 * DAY:
            return
        for each in ("shown", "clicked") if what == "clicked" else (what,):
            got.marks.setdefault(each, at)

    def took_back(self, number: int, remembered: int) -> None:
        """The offer at this place of her past has not reached her."""
        got = self.past[number]
        kept = [each for each in self.past if not each.returned][-remembered:]
        if any(each is got for each in kept) and "shown" not in got.marks:
            got.returned = True


@dataclass
class Choosing:
    """One answer in the making.

    everybody  what all people got, she too
    silent     the offers of which nobody says how many everybody got
    out        the offers that are in it already, and those of them that were chosen
    standing   (placement, offer) of each that is in it
    """

    world: dict[str, Any]
    person: Somebody
    now: int
    everybody: list[Got]
    silent: set[str]
    out: list[str] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    standing: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, decision: str, placement: str, count: int | None, context: dict[str, Any]) -> tuple[Any, Any]:
        """The offers, each with its score and strategy; and by strategy the reason of each offer, None: passed over."""
        rules = self.world["decisions"][decision]
        wanted = count or rules["count"]
        before = [name for where, name in self.standing if rules["distinct"] or where == placement]
        chosen: list[tuple[str, Any, int | None]] = []
        reasons: dict[int, Any] = {}
        for number, strategy in enumerate(rules["choose"]):
            if len(chosen) == wanted:
                break
            members = self.members(strategy["collection"])
            if not self.person.personalise:
                reasons[number] = dict.fromkeys(members, "no_personalisation")
                continue
            if strategy["when"] is not None and not self.holds(strategy["when"], context, None):
                reasons[number] = None
                continue
            taken = before + [each[0] for each in chosen]
            told = {each: self.against(each, placement, taken, context) for each in members}
            left = [each for each, reason in told.items() if reason is None]
            scores = {each: self.score(strategy["ranking"], decision, each) for each in left}
            while left:
                best = left[0]
                for each in left[1:]:
                    if self.goes_before(each, best, scores):
                        best = each
                left.remove(best)
                if len(chosen) == wanted:
                    told[best] = "outranked"
                elif (gone := self.gone(best)) is not None:
                    told[best] = gone
                else:
                    told[best] = "chosen"
                    chosen.append((best, scores[best], number))
                    self.out.append(best)
                    self.chosen.append(best)
            reasons[number] = told
        fallback = rules["fallback"]
        if not chosen and fallback is not None and placement in self.world["offers"][fallback]["places"]:
            chosen.append((fallback, None, None))
            self.out.append(fallback)
        self.standing += [(placement, name) for name, _, _ in chosen]
        return chosen, reasons

    def members(self, collection: str) -> list[str]:
        if collection == "all":
            return list(self.world["offers"])
        tag = self.world["collections"][collection]
        return [name for name, each in self.world["offers"].items() if tag in each["tags"]]

    def against(self, name: str, placement: str, taken: list[str], context: dict[str, Any]) -> str | None:
        offer = self.world["offers"][name]
        if placement not in offer["places"]:
            return "no_content"
        if offer["starts"] is not None and self.now < offer["starts"]:
            return "not_started"
        if offer["ends"] is not None and self.now > offer["ends"]:
            return "ended"
        if offer["eligible"] is not None and not self.holds(offer["eligible"], context, name):
            return "not_eligible"
        if any(self.counted(name, cap) >= cap["max"] for cap in offer["caps"]):
            return "capped"
        return "already_chosen" if name in taken else None

    def counted(self, name: str, cap: dict[str, Any]) -> int:
        since = -math.inf if cap["per"] is None else self.now - cap["per"]
        if cap["of"] == "Booked":
            since = self.now - 3650 * DAY if cap["per"] is None else since
            return sum(since < at <= self.now for at in self.person.booked)
        had = [each for each in self.person.past if each.offer == name]
        ahead = self.out.count(name)
        if cap["of"] == "decided":
            return ahead + len([each for each in had if not each.returned and since < each.at <= self.now])
        times = [each.marks[cap["of"]] for each in had if cap["of"] in each.marks]
        waiting = [
            each
            for each in had
            if not each.returned
            and not {"shown", "clicked", "dismissed"} & each.marks.keys()
            and self.now - HOUR < each.at <= self.now
        ]
        return ahead + len(waiting) + len([at for at in times if since < at <= self.now])

    def gone(self, name: str) -> str | None:
        """Why everybody together can get no more of it."""
        caps = self.world["offers"][name]["totals"]
        if caps and name in self.silent:
            return "capped_total_unknown"
        got = [each for each in self.everybody if each.offer == name and not each.returned and not each.is_fallback]
        for cap in caps:
            had = [each for each in got if cap["per"] is None or each.at // DAY == self.now // DAY]
            if len(had) + self.chosen.count(name) >= cap["max"]:
                return "capped_total"
        return None

    def holds(self, condition: tuple[Any, ...], context: dict[str, Any], offer: str | None) -> bool:
        root, name, sign, number = condition
        if root == "count":
            found: Any = sum(self.now - name < at <= self.now for at in self.person.booked)
        else:
            own = {} if offer is None else {"priority": self.world["offers"][offer]["priority"]}
            found = {"profile": self.person.traits, "context": context, "offer": own}[root].get(name)
        return found is not None and COMPARED[sign](found, number)

    def score(self, ranking: str, decision: str, name: str) -> Any:
        offer = self.world["offers"][name]
        if ranking == "priority":
            return offer["priority"]
        rule = self.world["rankings"][ranking]
        if rule[0] == "bandit":
            return self.learned(rule, decision, name)
        value = offer["attributes"].get(rule[1])
        if value is None:
            return None
        if rule[0] == "huge":
            value = value * 1e308 * 10 - value * 1e308 * 10
        if rule[0] == "product":
            by = self.person.traits.get(rule[2])
            value = None if by is None else value * by
        return None if value is None or math.isnan(value) else value

    def learned(self, rule: tuple[Any, ...], decision: str, name: str) -> float:
        _, (a, b), every_s, cases, *more = rule
        tick = self.now // (every_s * 1_000)
        if more and hashed(f"explore\0{decision}\0\0{self.person.name}\0{tick}") % 10_000 < more[0] * 100:
            return (hashed(f"explore\0{decision}\0{name}\0{self.person.name}\0{tick}") + 0.5) / 2**64
        if len(more) > 1:
            cases = cases["1" if self.person.traits.get(more[1]) == 1 else ""]
        looked_at, wanted = cases.get(name, (0, 0))
        a, b = a + wanted, b + max(looked_at - wanted, 0)
        share = (hashed(f"{decision}\0{name}\0{self.person.name}\0{tick}") + 0.5) / 2**64
        beta = stats.beta(a, b)
        return float(stats.norm(beta.mean(), beta.std()).ppf(share))

    def goes_before(self, one: str, other: str, scores: dict[str, Any]) -> bool:
        if scores[one] != scores[other]:
            if scores[one] is None or scores[other] is None:
                return scores[other] is None
            return bool(scores[one] > scores[other])
        priorities = [self.world["offers"][each]["priority"] for each in (one, other)]
        if priorities[0] != priorities[1]:
            return bool(priorities[0] > priorities[1])
        return one.encode() < other.encode()


def hashed(said: str) -> int:
    return int(hashlib.blake2b(said.encode()).hexdigest()[:16], 16)
