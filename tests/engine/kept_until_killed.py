"""Makes an audience that is kept up to date, and is killed at a place of its own, or from outside.

Started by test_killed_kept_audiences.py.
"""

from __future__ import annotations

import time
from collections import Counter

from tests.engine.campaign_until_killed import POLL_S, SETTINGS, WITHIN_S, prepare
from tests.engine.lives import Place, die_at, fork_lives, say

from parcours import Engine, Project
from parcours.campaigns import people
from parcours.campaigns.live_people import LivePeople
from parcours.campaigns.run_place import LiveBook
from parcours.campaigns.run_sets import RunSets
from parcours.campaigns.saved_members import SavedMembers
from parcours.core.fact import Changed, Moved
from parcours.service.campaign_state import RunOfCampaign
from parcours.service.found_people import FoundPeople

PEOPLE = 120
NAME = "kept.almost"

PLACES: dict[str, Place] = {
    "asked": (FoundPeople, "__call__", True),
    "found": (RunSets, "found", True),
    "made": (RunSets, "make", True),
    "prepared": (SavedMembers, "begin", True),
    "staged": (LivePeople, "stage", True),
    "saved": (LivePeople, "save", True),
    "noted": (SavedMembers, "note", True),
    "kept": (LiveBook, "keep", True),
}
"""Where the process may end itself."""


def lines() -> list[dict[str, object]]:
    """Everybody has seen something, and every third one has bought it."""
    said: list[dict[str, object]] = []
    for each in range(PEOPLE):
        who = {"userId": f"u{each}"}
        said.append({"type": "identify", "traits": {"email": f"u{each}@mail.example"}, "messageId": f"i{each}", **who})
        for event in ("Seen", "Bought")[: 1 if each % 3 else 2]:
            said.append({"type": "track", "event": event, "properties": {}, "messageId": f"{event}{each}", **who})
    return said


def told(engine: Engine, run: RunOfCampaign) -> dict[str, object]:
    """How many are in the audience, how often anybody entered, at how many instants, and who is in the journey."""
    facts = [fact for each in range(PEOPLE) for fact in engine.facts(f"u{each}")]
    changes = [fact for fact in facts if isinstance(fact, Changed) and fact.what == "audience"]
    entered = Counter(fact.person for fact in facts if isinstance(fact, Moved) and fact.what == "entered")
    return {
        "state": run.state,
        "sizes": {name: dict(step.outputs) for name, step in run.steps.items()},
        "changes": dict(Counter(str(fact.value) for fact in changes)),
        "instants": len({fact.at for fact in changes}),
        "inside": engine.audience("almost").size,
        "journey": dict(Counter(entered.values())),
        "runs": len(engine.campaign(NAME).runs),
        "troubles": engine.troubles(),
    }


def live(folder: str, store: str, place: str = "", call: str = "0") -> None:
    people.SLICE_PEOPLE = 20  # type: ignore[misc]  # so that there are many
    if place in PLACES:
        die_at(PLACES[place], int(call))
    project, until = Project.load(folder), time.monotonic() + WITHIN_S
    with Engine.open(project, store, shards=2, runtime="local", records=["email", "sms"], settings=SETTINGS) as engine:
        say(word="open")
        engine.ingest(lines()).result()
        if not engine.campaign(NAME).runs:
            engine.run_campaign(NAME)
        while (run := engine.campaign(NAME).runs[0]).state == "under_way" and time.monotonic() < until:
            time.sleep(POLL_S)
        engine.drain(timeout_s=60)
        say(word="over", **told(engine, run))


if __name__ == "__main__":
    prepare()
    fork_lives(live)
