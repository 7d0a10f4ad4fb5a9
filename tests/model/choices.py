"""Which offers, decisions and people does a seed stand for? Few values of everything, so that ties are frequent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from random import Random
from typing import Any

from tests.model.reference.chooser import DAY, HOUR, Somebody

from parcours.expression.duration import format_duration

NOW = 1_772_442_000_000
"""2 March 2026, 09:00 UTC."""

PLACES = ("hero", "line", "box")
TRAITS = ("age", "weight")
ATTRIBUTES = ("margin", "rank")
MARKS = ("shown", "shown", "clicked", "dismissed", "converted")

Conditions = tuple[str, Any, str, int] | None


def world(chance: Random) -> dict[str, Any]:
    """Offers and decisions."""
    names = chance.sample(["a", "b", "B", "ab", "a-1", "zeta", "Z", "_", "9", "x1"], chance.randint(1, 8))
    offers = {name: offer(chance) for name in names}
    for collection in ("yoga", "class"):
        offers[chance.choice(names)]["tags"].append(collection)
    for name in names:  # one in each collection has all attributes, for a name that nobody has is an error
        first = {each: next(x for x in names if each in offers[x]["tags"]) for each in ("yoga", "class")}
        if name in first.values():
            offers[name]["attributes"] = {each: chance.randint(-2, 2) for each in ATTRIBUTES}
    lessons = {name: (n := chance.choice((0, 5, 500)), chance.randint(0, n)) for name in names if chance.random() < 0.7}
    others = {name: (9, chance.randint(0, 9)) for name in names}
    rankings = {
        "margin": ("attribute", "margin"),
        "weighed": ("product", "rank", "weight"),
        "huge": ("huge", "margin"),
        "learned": ("bandit", chance.choice(((1, 19), (1, 1), (0.5, 3.5))), chance.choice((60, 3_600)), lessons),
        "exploring": ("bandit", (1, 19), 60, lessons, chance.choice((10, 50.25))),
        "apart": ("bandit", (1, 1), 60, {"": lessons, "1": others}, 0, "weight"),
    }
    decisions = {name: decision(chance, names, [*rankings, "priority"]) for name in ("best", "second")}
    return {
        "offers": offers,
        "collections": {"yoga": "yoga", "class": "class"},
        "rankings": rankings,
        "decisions": decisions,
    }


def offer(chance: Random) -> dict[str, Any]:
    attributes = {each: chance.randint(-2, 2) for each in ATTRIBUTES if chance.random() < 0.6}
    starts = chance.choice((None, None, None, NOW - 1, NOW, NOW + 1, NOW + DAY))
    return {
        "places": [each for each in PLACES if chance.random() < 0.8],
        "tags": [each for each in ("yoga", "class") if chance.random() < 0.4],
        "attributes": attributes,
        "starts": starts,
        "ends": chance.choice((None, None, None, None, (starts or NOW) + 1, NOW + DAY, NOW + 5 * DAY, NOW + 30 * DAY)),
        "eligible": condition(chance, ("profile", "profile", "context", "count", "offer")),
        "priority": chance.choice((0, 0, 1, 1, -3)),
        "caps": [cap(chance) for _ in range(chance.choice((0, 1, 1, 2)))],
        "totals": [total(chance) for _ in range(chance.choice((0, 0, 0, 1, 1, 2)))],
    }


def total(chance: Random) -> dict[str, Any]:
    return {"max": chance.randint(1, 6), "per": chance.choice((None, "day")), "by": "everybody"}


def cap(chance: Random) -> dict[str, Any]:
    return {
        "max": chance.choice((1, 1, 2, 3)),
        "per": chance.choice((None, HOUR // 2, DAY, 7 * DAY, 30 * DAY)),
        "of": chance.choice(("decided", "shown", "clicked", "Booked")),
    }


def condition(chance: Random, roots: tuple[str, ...]) -> Conditions:
    if chance.random() < 0.45:
        return None
    root = chance.choice(roots)
    name = {
        "profile": chance.choice(TRAITS),
        "context": "page",
        "count": chance.choice((DAY, 30 * DAY)),
        "offer": "priority",
    }[root]
    sign, number = chance.choice((">", "<=", "==")), chance.randint(-1, 2)
    return root, name, sign, number


def decision(chance: Random, names: list[str], rankings: list[str]) -> dict[str, Any]:
    return {
        "choose": [
            {
                "collection": chance.choice(("all", "yoga", "class")),
                "when": condition(chance, ("profile", "context", "count")),
                "ranking": chance.choice(rankings),
            }
            for _ in range(chance.randint(1, 3))
        ],
        "count": chance.choice((1, 1, 2, 3, 30)),
        "distinct": chance.random() < 0.6,
        "fallback": chance.choice((None, chance.choice(names))),
    }


def document(world: dict[str, Any]) -> dict[str, Any]:
    """The same as an author writes it."""
    return {
        "placements": {each: {"channel": "web", "format": "text"} for each in PLACES},
        "offers": {name: _offer(each) for name, each in world["offers"].items()},
        "collections": {name: {"tags": {"any": [tag]}} for name, tag in world["collections"].items()},
        "rankings": {name: _ranking(rule) for name, rule in world["rankings"].items()},
        "decisions": {
            name: {
                **{key: each[key] for key in ("count", "distinct", "fallback")},
                "choose": [{**strategy, "when": _text(strategy["when"])} for strategy in each["choose"]],
                "context": {"page": "number"},
            }
            for name, each in world["decisions"].items()
        },
    }


def _offer(offer: dict[str, Any]) -> dict[str, Any]:
    return {
        "tags": offer["tags"],
        "attributes": offer["attributes"],
        "eligible": _text(offer["eligible"]),
        "starts": _instant(offer["starts"]),
        "ends": _instant(offer["ends"]),
        "priority": offer["priority"],
        "caps": [
            *({**each, "per": None if each["per"] is None else format_duration(each["per"])} for each in offer["caps"]),
            *offer["totals"],
        ],
        "content": {place: {"text": "?"} for place in offer["places"]},
    }


def _instant(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC).isoformat()


def _text(condition: Conditions) -> str | None:
    if condition is None:
        return None
    root, name, sign, number = condition
    asked = f'count("Booked", {json.dumps(format_duration(name))})' if root == "count" else f"{root}.{name}"
    return f"{asked} {sign} {number}"


def _ranking(rule: tuple[Any, ...]) -> dict[str, Any]:
    match rule:
        case ("bandit", prior, every_s, _, *more):
            told = {"bandit": "clicked", "prior": list(prior), "every": f"{every_s}s"}
            told |= {"explore": f"{more[0]}%"} if more and more[0] else {}
            return told | ({"within": f"profile.{more[1]}"} if len(more) > 1 else {})
        case ("product", attribute, trait):
            return {"formula": f"offer.{attribute} * profile.{trait}"}
        case ("huge", attribute):
            return {"formula": f"offer.{attribute} * 1e308 * 10.0 - offer.{attribute} * 1e308 * 10.0"}
        case _:
            return {"formula": f"offer.{rule[1]}"}


def somebody(chance: Random) -> Somebody:
    traits = {each: chance.choice((-1, 0, 1, 1.5)) for each in TRAITS if chance.random() < 0.8}
    booked = sorted(NOW - chance.choice((-1, 0, HOUR // 2, DAY, DAY - 1, 8 * DAY)) for _ in range(chance.randint(0, 3)))
    return Somebody(f"person-{chance.randint(0, 99)}", traits, booked, [], chance.random() > 0.1)
