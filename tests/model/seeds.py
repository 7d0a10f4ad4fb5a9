"""From which seeds are the random cases of a run drawn? The same ones each time; their sum is what a run promises."""

from __future__ import annotations

import os

FULL = "PARCOURS_MODEL_FULL" in os.environ
"""Whether as many cases are tried as before a release. Always enough are to show what tests of the model look for."""

WAYS_OF_RUNS = range(550 if FULL else 200)
GATES_AUDIENCES_HISTORY = range(1_300 if FULL else 400)
LIVES_OF_JOURNEYS = range(150 if FULL else 60)
MOVES_BETWEEN_ZONES = range(100)
LIVES_BETWEEN_ZONES = range(60)
INBOXES = range(250 if FULL else 100)
INBOXES_BETWEEN_ZONES = range(50 if FULL else 30)
INBOXES_OF_FORGOTTEN_RUNS = range(50 if FULL else 30)
LIVES_OF_INBOXES = range(60 if FULL else 30)
FORGETFUL_LIVES_OF_INBOXES = range(30 if FULL else 20)
FORGOTTEN_RUNS = range(120 if FULL else 60)
FORGETFUL_LIVES = range(30 if FULL else 20)
PEOPLE_WHO_BECOME_ONE = range(20)
LIVES_OF_PEOPLE_WHO_BECOME_ONE = range(5)
CAMPAIGNS = range(500 if "PARCOURS_CAMPAIGNS_FULL" in os.environ else 15)
CAMPAIGNS_BY_BOTH_ENGINES = range(500 if "PARCOURS_CAMPAIGNS_FULL" in os.environ else 12)


def blocks(seeds: range, size: int) -> list[range]:
    """The seeds, so many to a test: few enough that a failure is found soon, enough to make a test's name worth it."""
    return [seeds[start : start + size] for start in range(0, len(seeds), size)]


def name_of(seeds: range) -> str:
    return f"seeds {seeds[0]} to {seeds[-1]}"


def told() -> str:
    """What a run says of them before it begins."""
    parts = {"ways of runs": WAYS_OF_RUNS, "gates, audiences, history": GATES_AUDIENCES_HISTORY}
    parts |= {"lives of journeys": LIVES_OF_JOURNEYS, "moves between zones": MOVES_BETWEEN_ZONES}
    parts["lives between zones"] = LIVES_BETWEEN_ZONES
    parts |= {"inboxes": INBOXES, "inboxes between zones": INBOXES_BETWEEN_ZONES}
    parts |= {"inboxes of forgotten runs": INBOXES_OF_FORGOTTEN_RUNS, "lives of inboxes": LIVES_OF_INBOXES}
    parts["forgetful lives of inboxes"] = FORGETFUL_LIVES_OF_INBOXES
    parts |= {"forgotten runs": FORGOTTEN_RUNS, "forgetful lives": FORGETFUL_LIVES}
    parts["people who become one"] = PEOPLE_WHO_BECOME_ONE
    parts["lives of people who become one"] = LIVES_OF_PEOPLE_WHO_BECOME_ONE
    parts |= {"campaigns": CAMPAIGNS, "campaigns by both engines of sets": CAMPAIGNS_BY_BOTH_ENGINES}
    total = sum(map(len, parts.values()))
    drawn = "; ".join(f"{name}: {name_of(seeds)}" for name, seeds in parts.items())
    return f"model: {total:,} random cases ({drawn})"
