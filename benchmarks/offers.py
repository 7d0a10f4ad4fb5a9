"""How long does a decision take: over how many offers, with conditions, caps and a formula for each?

Each offer has a condition of three clauses that holds for most people, a cap of what was shown, and a formula that
ranks it. People are made by chance from a seed and have got some of the offers already. The answer of each is compared
with the best that a look at each offer by hand finds. Prints the fastest run of each in microseconds for one decision,
in time of the processor, since other processes are no part of it; and one line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import time
from random import Random
from typing import Any

from parcours.config import DAY_MS, Settings
from parcours.core.history import scope_at
from parcours.core.offers.choosing import Asked, Asker, choose
from parcours.core.offers.remembering import mark, remember
from parcours.core.offers.state import OffersKept, Proposition
from parcours.core.profile import Profile
from parcours.journey.model.document import ProfileDocument, ProjectDocument
from parcours.journey.model.offers import OffersDocument
from parcours.journey.program import Program
from parcours.journey.project import Project

NOW = 1_772_442_000_000
SETTINGS = Settings()
ASKED = (Asked("best", "banner"),)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offers", type=int, nargs="+", default=[1, 10, 50, 200, 1_000])
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--runs", type=int, default=15)
    asked = parser.parse_args()
    figures = {f"{count} offers": measured(count, asked.people, asked.runs) for count in asked.offers}
    for name, each in figures.items():
        print(f"{name}: {each}")
    print(json.dumps(figures))


def documents_of(count: int) -> dict[str, dict[str, Any]]:
    """The documents of a project with so many offers, each by the name of its file."""
    offers = {
        f"offer-{number}": {
            "attributes": {"margin": number * 37 % 100},
            "eligible": f'profile.loyal && profile.age > {number % 40} && profile.city != "Rome"',
            "caps": [{"max": 3, "per": "30d", "of": "shown"}],
            "content": {"banner": {"text": "?"}},
        }
        for number in range(count)
    }
    return {
        "parcours": {"project": "shop"},
        "profile": {"traits": {"loyal": "boolean", "age": "number", "city": "string"}},
        "offers": {
            "placements": {"banner": {"channel": "web", "format": "text"}},
            "offers": offers,
            "rankings": {"margin": {"formula": "offer.margin * profile.age"}},
            "decisions": {"best": {"choose": [{"collection": "all", "ranking": "margin"}]}},
        },
    }


def program_of(count: int) -> Program:
    documents = documents_of(count)
    return Project.of(
        ProjectDocument.model_validate(documents["parcours"]),
        ProfileDocument.model_validate(documents["profile"]),
        offers=OffersDocument.model_validate(documents["offers"]),
    ).program


def person(chance: Random, program: Program) -> Asker:
    """Somebody who got a few of the offers, some of them so often that a cap is full."""
    traits: dict[str, object] = {"loyal": True, "age": chance.randint(18, 80), "city": chance.choice(["Paris", "Oslo"])}
    kept = OffersKept()
    for name in chance.choices(sorted(program.offers.offers), k=12):
        for number in range(chance.choice((1, 3))):
            at = NOW - chance.randint(1, 40) * DAY_MS
            remember(kept, program.offers, Proposition(f"{name}{at}{number}", name, "best", "banner", at), SETTINGS)
            mark(kept, program.offers, f"{name}{at}{number}", "shown", at, SETTINGS)
    return Asker("sarah", scope_at(Profile(traits=traits), NOW, program, SETTINGS), kept)


def measured(count: int, people: int, runs: int) -> float:
    chance, program = Random(4), program_of(count)
    askers = [person(chance, program) for _ in range(people)]
    for each in askers:
        check(program, each)
    best = float("inf")
    for _ in range(runs):
        begun = time.process_time()
        for each in askers:
            choose(program.offers, each, ASKED, SETTINGS)
        best = min(best, time.process_time() - begun)
    return round(best / people * 1e6, 1)


def check(program: Program, asker: Asker) -> None:
    """Raises SystemExit where the answer is not the best of what she may get."""
    may: list[tuple[int, str]] = []
    age = asker.scope.profile["age"]
    assert isinstance(age, int), "everybody has an age here"
    for name, offer in program.offers.offers.items():
        tally, number = asker.kept.tallies.get(name), int(name.removeprefix("offer-"))
        shown = [] if tally is None else [at for at in tally.shown.times if NOW - 30 * DAY_MS < at <= NOW]
        if age > number % 40 and len(shown) < 3:
            may.append((-int(str(offer.attributes["margin"])) * age, name))
    (answer,) = choose(program.offers, asker, ASKED, SETTINGS)
    if [each.offer for each in answer.chosen] != [name for _, name in sorted(may)[:1]]:
        raise SystemExit(f"{answer} is not the best of {sorted(may)[:3]}")


if __name__ == "__main__":
    main()
