"""What were everybody's columns at an instant, whenever a shard is asked, and whatever has happened since?"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.shard.moving_world import MovingWorld, name_in
from tests.shard.test_reads import change

from parcours.core.columns import PersonTold, read_columns, read_told
from parcours.journey.campaign_columns import shard_columns
from parcours.journey.project import Project
from parcours.shard.scans import AWAITED, PeopleAsked, Scan, StageAsked
from parcours.shard.shard import Shard

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

NewWorld = Callable[..., "World"]
NewShop = Callable[..., Project]

AT = 1_500_000
SCAN = Scan("people-1", AT, PeopleAsked((("email",), ("home", "city"))))
MAILERS = {"mailers": 'profile.email == "in"'}
CELLAR = Path(__file__).parent.parent / "journey" / "wishlist"


def known(person: str, email: str) -> bytes:
    return msgspec.json.encode({"type": "identify", "userId": person, "traits": {"email": email}})


@pytest.fixture
def scanned(new_shop: NewShop, new_world: NewWorld) -> World:
    """A shard with a scan of everybody under way, one second before its instant; anna and carl are inside."""
    world = new_world(project=new_shop(audiences=MAILERS), now_ms=AT - 1_000)
    world.take(known("anna", "in"), known("bert", "out"), known("carl", "in"))
    world.shard.reading.await_scans([SCAN])
    return world


def listed(shard: Shard, now_ms: int, scan: Scan = SCAN, most: int = 100) -> list[tuple[str, bytes]]:
    """Names and columns, by name, in slices of at most so many people."""
    rows: list[tuple[str, bytes]] = []
    after: tuple[int, str] | None = None
    while True:
        columns = shard.reading.list_columns(scan.name, after, most, now_ms)
        assert columns.state == "listed" and len(columns.rows) <= most
        rows += columns.rows
        after = columns.after
        if after is None:
            assert len({name for name, _ in rows}) == len(rows), "nobody is there twice"
            return sorted(rows)


def emails(world: World, most: int = 100) -> dict[str, object]:
    return {name: read_told(row).traits[0] for name, row in listed(world.shard, world.now_ms, most=most)}


def test_everybody_is_told_with_traits_audiences_and_consents(scanned: World) -> None:
    world = scanned
    world.take(
        msgspec.json.encode({"type": "identify", "userId": "bert", "traits": {"home": {"city": "Nantes"}}}),
        msgspec.json.encode({"type": "consent", "userId": "bert", "channel": "email", "granted": False}),
    )
    world.now_ms = AT + 1

    told = {name: read_told(row) for name, row in listed(world.shard, world.now_ms)}

    assert told["anna"] == PersonTold(["in", None], ["mailers"], told["anna"].consents)
    assert told["bert"].traits == ["out", "Nantes"]
    assert told["bert"].audiences == []
    assert "email" in told["anna"].consents and "email" not in told["bert"].consents


@pytest.mark.parametrize("most", [1, 2, 100])
def test_what_happens_after_the_instant_changes_nobody_s_columns(scanned: World, most: int) -> None:
    world = scanned
    world.now_ms = AT
    world.take(known("bert", "at"))  # an event of the instant goes before it

    world.now_ms = AT + 1
    world.take(known("anna", "later"), known("dora", "later"))

    expected = {"anna": "in", "bert": "at", "carl": "in"}
    assert emails(world, most) == expected
    world.now_ms += 10_000
    world.take(known("bert", "later"), known("carl", "later"))
    assert emails(world, most) == expected, "a list is always the same"
    world.reopen()
    assert emails(world, most) == expected, "also for whoever comes after a crash"
    world.now_ms += 10_000
    world.take(known("carl", "latest"))
    world.reopen()
    assert emails(world, most) == expected


def test_what_was_due_before_the_instant_has_happened_and_what_is_due_at_it_has_not(
    new_shop: NewShop, new_world: NewWorld, lines: Lines
) -> None:
    text = {
        "journey": "text",
        "entry": {"event": "Posted"},
        "steps": [{"id": "pause", "wait": "20s"}, {"id": "moved", "update": {"email": '"moved"'}}],
    }
    documents = json.loads(new_shop().to_json())
    documents["journeys"] = [text if each["journey"] == "text" else each for each in documents["journeys"]]
    world = new_world(project=Project.from_json(json.dumps(documents).encode()), now_ms=AT - 20_001)
    world.shard.reading.await_scans([SCAN])
    for person in ("early", "exact", "late"):
        world.take(known(person, "first"), lines.track(person, "Posted"))
        world.now_ms += 1

    world.now_ms = AT + 1_000
    assert emails(world) == {"early": "moved", "exact": "first", "late": "first"}
    world.pass_ms(10_000)
    assert emails(world) == {"early": "moved", "exact": "first", "late": "first"}


def test_a_list_is_refused_until_the_instant_has_passed_and_once_the_scan_has_ended(scanned: World) -> None:
    world = scanned
    reading = world.shard.reading
    assert reading.list_columns(SCAN.name, None, 100, AT).state == "early"
    assert reading.list_columns("another", None, 100, AT + 1).state == "gone"

    assert reading.list_columns(SCAN.name, None, 100, AT + 1).state == "listed"
    world.now_ms = AT
    world.reopen()
    assert world.shard.status().stamp_ms == AT + 1, "a list is made when its instant has durably passed"

    world.shard.reading.end_scan(SCAN.name)
    assert world.shard.reading.list_columns(SCAN.name, None, 100, AT + 1).state == "gone"


def test_nothing_is_kept_of_a_scan_that_has_ended(scanned: World) -> None:
    world = scanned
    world.now_ms = AT + 1
    world.take(known("anna", "later"))
    world.take(known("bert", "later"))
    own = world.shard._slots.own.profiles
    assert len([name for name in own if name.startswith(AWAITED)]) == 3, "the scan and two blocks"

    world.shard.reading.end_scan(SCAN.name)

    assert not [name for name in own if name.startswith(AWAITED)]
    world.reopen()
    world.take(known("anna", "latest"))
    assert not [name for name in world.shard._slots.own.profiles if name.startswith(AWAITED)]


def test_a_scan_of_a_time_that_has_passed_does_not_begin(scanned: World) -> None:
    scanned.now_ms = AT + 1
    scanned.take(known("anna", "later"))
    late = Scan("late", AT - 1, PeopleAsked(()))

    assert not scanned.shard.reading.await_scans([late])
    assert scanned.shard.reading.list_columns("late", None, 10, AT + 2).state == "gone"
    with pytest.raises(AssertionError, match="passed"):
        scanned.shard.reading.await_held([late])


def test_whoever_is_erased_is_in_no_list_and_in_no_block(scanned: World) -> None:
    world = scanned
    world.now_ms = AT + 1
    world.take(known("anna", "later"), known("bert", "later"))
    (name,) = [name for name in world.shard._slots.own.profiles if name.startswith(f"{AWAITED}/")]
    assert b"in" in world.shard._slots.own.profiles[name]

    world.shard.erasing.erase("anna", "1-a", b"salt", "ada", world.now_ms)
    world.take(known("carl", "later"))

    assert emails(world) == {"bert": "out", "carl": "in"}
    (before, _) = sorted(name for name in world.shard._slots.own.profiles if name.startswith(f"{AWAITED}/"))
    rows = msgspec.msgpack.decode(world.shard._slots.own.profiles[before])
    assert [row[2] is None for row in rows if row[1] == "anna"] == [True]


def test_a_publication_after_the_instant_changes_no_column(scanned: World, new_shop: NewShop) -> None:
    world = scanned
    world.now_ms = AT + 5
    change(world, new_shop(audiences={"mailers": 'profile.email == "out"', "others": "has(profile.email)"}))
    world.take(known("anna", "later"))
    for _ in range(3):
        world.pass_ms(10)

    told = {name: read_told(row).audiences for name, row in listed(world.shard, world.now_ms)}
    assert told == {"anna": ["mailers"], "bert": [], "carl": ["mailers"]}


@pytest.mark.parametrize("shards", [1, 2])
def test_whoever_has_become_somebody_else_is_told_as_she_was(new_shop: NewShop, shards: int) -> None:
    world = MovingWorld(new_shop(history="used"), shards)
    anna, visitor = name_in(0, shards, "anna"), name_in(shards - 1, shards, "@anonymous/v")
    world.identify(anna, email="a@shop.example")
    world.track(visitor, "Started")
    scan = Scan("people-1", world.now_ms + 1_000, PeopleAsked((("email",),)))
    for shard in world.each:
        shard.reading.await_scans([scan])
    world.pass_ms(1_001)

    world.identify(anna, visitor, email="new@shop.example")
    world.settle()
    assert world.identity(visitor).moved_to == anna

    rows = dict(row for shard in world.each for row in listed(shard, world.now_ms, scan))
    assert {name: read_told(row).traits[0] for name, row in rows.items()} == {anna: "a@shop.example", visitor: None}


@pytest.mark.parametrize("seed", range(20))
def test_a_list_of_any_life_is_that_of_a_shard_that_stood_still(
    new_shop: NewShop, new_world: NewWorld, lines: Lines, seed: int
) -> None:
    """What is listed late, from a shard that goes on and crashes, is what one tells that was stopped at the instant."""
    chance = random.Random(seed)
    audiences = {**MAILERS, "active": 'count("Looked", "10s") > 1'}
    project = new_shop(audiences=audiences)
    going, standing = (new_world(project=project, now_ms=AT - 60_000) for _ in range(2))
    for world in (going, standing):
        world.shard.reading.await_scans([SCAN])
    people = [f"p{number}é" for number in range(8)]

    def step() -> bytes:
        person = chance.choice(people)
        if chance.random() < 0.5:
            return known(person, chance.choice(["in", "out"]))
        return lines.track(person, chance.choice(["Looked", "Started", "Emptied", "Posted"]))

    while going.now_ms <= AT:
        line = step()
        for world in (going, standing):
            world.take(line)
            world.pass_ms(0)
        passed_ms = chance.choice([0, 500, 5_000])
        going.now_ms = standing.now_ms = going.now_ms + passed_ms
    expected = listed(standing.shard, AT + 1)

    for _ in range(12):
        going.take(step())
        if chance.random() < 0.3:
            going.reopen()
        if chance.random() < 0.5:
            going.pass_ms(chance.choice([0, 3_000, 30_000]))
        if chance.random() < 0.3:
            assert listed(going.shard, going.now_ms, most=chance.choice([1, 3, 100])) == expected

    assert listed(going.shard, going.now_ms) == expected
    assert len(expected) > 2


def test_a_stage_of_a_campaign_is_told_as_its_expressions_say(new_world: NewWorld) -> None:
    project = Project.load(CELLAR)
    (campaign,) = [each for each in project.program.campaigns if each.name == "autumn"]
    stage = next(number for number, each in enumerate(campaign.stages) if "risk" in each.steps)
    asked = shard_columns(campaign, campaign.stages[stage])
    world = new_world(program=project.program, now_ms=AT - 1_000)
    scan = Scan("autumn-1", AT, StageAsked("autumn", 1, stage))
    world.shard.reading.await_scans([scan])
    traits = {"email": "s@x.example", "churn": 0.5, "city": "Lyon"}
    world.take(msgspec.json.encode({"type": "identify", "userId": "sarah", "traits": traits}))
    world.now_ms = AT + 1

    ((name, row),) = listed(world.shard, world.now_ms, scan)

    told = read_columns(row)
    values = {each.text: value for each, value in zip(asked.expressions, told.values, strict=True)}
    assert name == "sarah"
    assert values["profile.email"] == "s@x.example"
    assert (values["profile.churn < 0.3"], values["profile.churn < 0.7"]) == (False, True)
    assert values["profile.score"] is None
    assert dict(zip(asked.paths, told.traits, strict=True))["city",] == "Lyon"
    assert len(told.inside) == len(asked.audiences) > 0
