"""A name that is no person any more is counted by no read and filled by no publication; cut loose, it is a new one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tests.model.cases import project

from parcours import Project
from parcours.core.fact import Moved
from parcours.testing.virtual_project import VirtualProject

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
GOLD = 'profile.tier == "gold"'
ANONYMOUS = "@anonymous/a"


def of(audiences: dict[str, str], entry: dict[str, str]) -> Project:
    documents = project([{"id": "rest", "wait": "1h"}], audiences=audiences, entry=entry)
    documents["project"]["anonymous_history"] = "used"
    whole = {"settings" if kind == "project" else kind: document for kind, document in documents.items()}
    return Project.from_json(json.dumps(whole).encode())


def identify(user: str | None, anonymous: str | None, **traits: Any) -> dict[str, Any]:
    ids = {"userId": user, "anonymousId": anonymous}
    return {"type": "identify", "traits": traits} | {name: text for name, text in ids.items() if text}


def entered(virtual: VirtualProject) -> list[str]:
    return [fact.person for fact in virtual.facts() if isinstance(fact, Moved) and fact.what == "entered"]


def test_a_read_counts_whoever_has_the_name_now_and_not_the_name() -> None:
    everybody = {"everybody": f"!({GOLD}) || {GOLD}"}
    with VirtualProject(of(everybody, {"read": "everybody", "at": "2026-01-05T12:00:00Z"}), start=START) as virtual:
        virtual.happen(identify(None, "a", age=1))
        virtual.happen(identify("ann", "a"))
        virtual.advance(minutes=1)
        virtual.publish(of({"everybody": f"{GOLD} || !({GOLD})"}, {"read": "everybody", "at": "2026-01-05T12:00:00Z"}))
        virtual.advance(hours=5)

        assert entered(virtual) == ["ann"]


def test_a_name_stays_a_forwarding_address_whatever_is_published() -> None:
    entry = {"event": "Start"}
    with VirtualProject(of({"rich": GOLD}, entry), start=START) as virtual:
        virtual.happen(identify("ann", "a"))
        virtual.publish(of({"rich": f"!({GOLD})"}, entry))
        virtual.advance(minutes=1)
        virtual.happen({"type": "track", "event": "Start", "anonymousId": "a", "properties": {}})

        assert entered(virtual) == ["ann"]
        found = virtual.profile("ann")
        assert found is not None and found.audiences == {"rich"}


def test_a_name_that_was_cut_loose_is_somebody_new_who_enters_what_holds_for_her() -> None:
    with VirtualProject(of({"poor": f"!({GOLD})"}, {"audience": "poor"}), start=START) as virtual:
        virtual.happen(identify(None, "a", age=1))
        virtual.happen(identify("ann", "a"))
        virtual.advance(hours=2)
        virtual.happen(identify("bob", "a"))
        virtual.happen(identify(None, "a", age=2))

        assert sorted(entered(virtual)) == [ANONYMOUS, ANONYMOUS, "ann", "bob"]
        runs = [fact.run for fact in virtual.facts() if isinstance(fact, Moved) and fact.person == ANONYMOUS]
        assert max(run for run in runs if run is not None) == 2, "her runs are counted on"
