"""Destinations record in a simulation: what they were told adds up to the members, in the same bytes on any shards."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec
import pytest
from tests.projects import write_texts
from tests.simulation.conftest import Recording

from parcours.config import HOUR_MS
from parcours.journey.project import Project
from parcours.simulation.result_files import write_results
from parcours.simulation.simulation import simulate

SHOP = {
    "parcours.yaml": "project: shop\nanonymous_history: used\npolicies: {consent: {default: opt_in}}\n",
    "profile.yaml": "traits: {email: string, city: string}\n",
    "events.yaml": "events:\n  Bought: {properties: {total: number}}\n",
    "audiences.yaml": 'audiences:\n  parisians: profile.city == "Paris"\n  buyers: count("Bought", "3h") > 0\n',
    "destinations.yaml": """
        destinations:
          ads:
            audience: parisians
            to: {webhook: {url: "https://ads.example/in"}}
            key: profile.email
            fields: {mail: {value: profile.email, hash: true}, bought: 'count("Bought", "3h")'}
            consent: {channel: email, purpose: ads}
            full: {at: 2024-01-01T10:00:00+00:00, rule: "FREQ=HOURLY"}
          crm: {audience: buyers, to: {file: out/crm.ndjson}}
        """,
}

PEOPLE = [f"u{number}" for number in range(5)]


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    write_texts(tmp_path / "shop", SHOP)
    return Project.load(tmp_path / "shop")


def lines_of(seed: int) -> list[bytes]:
    """What people do and say, some of it at the same instant, and some before they are known."""
    chance, recording = Random(seed), Recording()
    for at in sorted(chance.randrange(0, 12) * HOUR_MS // 2 for _ in range(80)):
        who = chance.choice(PEOPLE)
        match chance.randrange(6):
            case 0 | 1:
                recording.identify(at, who, city=chance.choice(["Paris", "Rome"]))
            case 2:
                recording.identify(at, who, email=chance.choice(["a@mail.example", "b@mail.example", None]))
            case 3:
                recording.track(at, who, "Bought", {"total": 1})
            case 4:
                said = chance.random() < 0.7
                recording.call(at, type="consent", userId=who, channel="email", purpose="ads", granted=said)
            case _:
                recording.call(at, type="track", anonymousId=f"v{who}", event="Bought", properties={"total": 1})
                if chance.random() < 0.5:
                    recording.call(at, type="identify", userId=who, anonymousId=f"v{who}", traits={})
    return recording.lines


def members_of(rows: Sequence[dict[str, object]], until: str) -> dict[tuple[object, object], set[object]]:
    """By destination and person, the keys that the other side has by then if it does as it is told."""
    members = defaultdict[tuple[object, object], set[object]](set)
    for row in rows:
        if str(row["at"]) <= until and row["change"] != "member":
            keys = members[row["destination"], row["profile"]]
            (keys.add if row["change"] == "entered" else keys.discard)(row["key"])
    return members


@pytest.mark.parametrize("seed", range(10))
def test_what_was_told_adds_up_to_the_members_in_the_same_bytes(shop: Project, tmp_path: Path, seed: int) -> None:
    files, lines = [], lines_of(seed)
    for shards in (1, 2, 8):
        found = simulate(shop, lines, shards=shards)
        write_results(tmp_path / str(shards), found.facts, found.summary)
        files.append({path.name: path.read_bytes() for path in (tmp_path / str(shards)).iterdir()})
    assert files[0] == files[1] == files[2]
    rows = [json.loads(line) for line in files[0]["destinations.ndjson"].splitlines()]
    assert [(row["at"], row["profile"], row["destination"]) for row in rows] == sorted(
        (row["at"], row["profile"], row["destination"]) for row in rows
    )
    for person, wanted in expected(lines).items():
        keys = members_of(rows, "9")["ads", person]
        assert keys == ({wanted} if wanted else set()), person
    check_snapshots(rows)


def check_snapshots(rows: Sequence[dict[str, object]]) -> None:
    """At each instant of a snapshot the other side should have just its members, by all that it was told until then."""
    snapshots = defaultdict[str, set[tuple[object, object]]](set)
    for row in rows:
        if row["change"] == "member":
            snapshots[str(row["at"])].add((row["profile"], row["key"]))
    assert snapshots
    for at, found in snapshots.items():
        members = members_of([row for row in rows if row["destination"] == "ads"], at)
        assert found == {(who, key) for (_, who), keys in members.items() for key in keys}, at


def expected(lines: Sequence[bytes]) -> dict[str, str | None]:
    """The key that ads should have of everybody at the end, by the last word of each kind."""
    traits, agreed = defaultdict[str, dict[str, object]](dict), dict[str, bool]()
    for call in map(msgspec.json.decode, lines):
        if call["type"] == "identify":
            traits[call["userId"]] |= call["traits"]
        elif call["type"] == "consent":
            agreed[call["userId"]] = call["granted"]
    return {
        person: str(traits[person]["email"])
        if traits[person].get("city") == "Paris" and agreed.get(person) and traits[person].get("email")
        else None
        for person in PEOPLE
    }


def test_a_line_says_what_the_other_side_was_told(shop: Project, recording: Recording, tmp_path: Path) -> None:
    recording.call(0, type="consent", userId="ann", channel="email", purpose="ads", granted=True)
    recording.identify(1, "ann", email="Ann@Mail.Example", city="Paris")
    recording.track(2, "ann", "Bought")
    recording.identify(3, "ann", city="Rome")
    rows = list(map(json.loads, recording.play(shop).files(tmp_path / "out")["destinations.ndjson"].splitlines()))
    assert [(row["at"][-5:], row["destination"], row["change"], row["key"]) for row in rows] == [
        (".001Z", "ads", "entered", "Ann@Mail.Example"),
        (".002Z", "crm", "entered", "ann"),
        (".003Z", "ads", "left", "Ann@Mail.Example"),
        (".002Z", "crm", "left", "ann"),
    ]
    assert list(rows[0]) == ["at", "destination", "profile", "change", "key", "fields"]
    assert rows[0]["fields"]["bought"] == 0 and len(rows[0]["fields"]["mail"]) == 64


def test_a_project_that_tells_nobody_has_no_such_file(shop: Project, recording: Recording, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "destinations.ndjson").write_text("of another time")
    recording.identify(0, "ann", city="Rome")
    assert "destinations.ndjson" not in recording.play(shop).files(tmp_path / "out")


def test_a_merge_leaves_the_other_side_with_the_person_alone(
    shop: Project, recording: Recording, tmp_path: Path
) -> None:
    recording.call(0, type="track", anonymousId="v", event="Bought", properties={})
    recording.identify(HOUR_MS, "ann", city="Rome")
    recording.call(2 * HOUR_MS, type="identify", userId="ann", anonymousId="v", traits={})
    rows = list(map(json.loads, recording.play(shop).files(tmp_path / "out")["destinations.ndjson"].splitlines()))
    assert [(row["profile"], row["change"], row["key"]) for row in rows] == [
        ("@anonymous/v", "entered", "@anonymous/v"),
        ("ann", "left", "@anonymous/v"),
        ("ann", "entered", "ann"),
        ("ann", "left", "ann"),
    ]
