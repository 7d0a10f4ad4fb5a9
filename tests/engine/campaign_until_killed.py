"""Conducts a campaign, and is killed at a place of its own, or from outside. Started by test_killed_campaigns.py.

What each life would import for a second and a half before it does anything, all of them have in common (lives.py).
"""

from __future__ import annotations

import time
from collections import Counter

import pyarrow as pa
from tests.engine.lives import Place, die_at, fork_lives, say

from parcours import Engine, Project, Settings
from parcours.campaigns import live_campaigns, people  # noqa: F401  # each life needs the first
from parcours.campaigns.live_people import LivePeople
from parcours.campaigns.run_place import LiveBook
from parcours.campaigns.run_sets import RunSets
from parcours.campaigns.sets import duck  # noqa: F401  # as above
from parcours.campaigns.sets.people_file import PeopleWriter
from parcours.core.fact import Changed, DeliveryReached, Moved
from parcours.dispatch.registry import Registry
from parcours.insight.exporter import opening, upkeep  # noqa: F401  # as above
from parcours.service.campaign_state import RunOfCampaign

PEOPLE = 120
POLL_S = 0.02
WITHIN_S = 120.0

SETTINGS = Settings(campaign_lead_ms=50, ambiguous_resend_after_ms=1)

PLACES: dict[str, Place] = {
    "scanned": (PeopleWriter, "write", False),
    "collected": (LivePeople, "end_scan", False),
    "before_sets": (RunSets, "make", False),
    "after_sets": (RunSets, "make", True),
    "chosen": (RunSets, "choose", True),
    "staged": (LivePeople, "stage", True),
    "slice": (LivePeople, "room", True),
    "noted": (LiveBook, "keep", False),
    "kept": (LiveBook, "keep", True),
}
"""Where the process may end itself."""


def lines() -> list[dict[str, object]]:
    traits = [{"email": f"u{each}@mail.example", "score": each, "city": "Paris"} for each in range(PEOPLE)]
    return [
        {"type": "identify", "userId": f"u{each}", "traits": given, "messageId": f"m{each}"}
        for each, given in enumerate(traits)
    ]


def told(engine: Engine, run: RunOfCampaign) -> dict[str, object]:
    """The sizes of all sets, how often steps have reached whom, everybody's parts, and how many were saved at once."""
    facts = [fact for each in range(PEOPLE) for fact in engine.facts(f"u{each}")]
    sent = Counter(
        (fact.step, fact.person) for fact in facts if isinstance(fact, DeliveryReached) and fact.outcome == "sent"
    )
    reached: dict[str, Counter[int]] = {}
    who: dict[str, list[str]] = {}
    for (step, person), times in sorted(sent.items()):
        reached.setdefault(step, Counter())[times] += 1
        who.setdefault(step, []).append(person)
    parts = [[fact.person, fact.step, fact.why] for fact in facts if isinstance(fact, Moved) and fact.what == "split"]
    saved = Counter(fact.at for fact in facts if isinstance(fact, Changed) and fact.name == "best")
    return {
        "state": run.state,
        "sizes": {
            f"{name}.{output}": size for name, step in run.steps.items() for output, size in step.outputs.items()
        },
        "reached": {step: dict(times) for step, times in reached.items()},
        "who": who,
        "saved": [*saved.values()],
        "parts": parts,
        "troubles": engine.troubles(),
    }


def live(folder: str, store: str, place: str = "", call: str = "0") -> None:
    people.SLICE_PEOPLE = 16  # type: ignore[misc]  # so that there are many
    if place in PLACES:
        die_at(PLACES[place], int(call))
    project, until = Project.load(folder), time.monotonic() + WITHIN_S
    with Engine.open(project, store, shards=2, runtime="local", records=["email", "sms"], settings=SETTINGS) as engine:
        say(word="open")
        engine.ingest(lines()).result()
        if not engine.campaign("push").runs:
            engine.run_campaign("push")
        while (run := engine.campaign("push").runs[0]).state == "under_way" and time.monotonic() < until:
            time.sleep(POLL_S)
        engine.drain(timeout_s=60)
        say(word="over", **told(engine, run))


def prepare() -> None:
    """Let everything be imported that is looked for when it is first needed."""
    Registry.installed()
    pa.array([1])  # looks whether pandas is there


if __name__ == "__main__":
    prepare()
    fork_lives(live)
