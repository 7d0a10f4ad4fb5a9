"""Do the inputs of a store hold whatever it has taken, however odd a line is, and is an edited file told from them?"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.engine.test_store_inputs import BEGIN_MS, LOST, Shop, arrive, twin_of

from parcours.config import DAY_MS, HOUR_MS, Settings
from parcours.errors import CallerError, StoreBusy
from parcours.shard.resharding import reshard
from parcours.simulation.simulation import simulate
from parcours.simulation.store_inputs import timed_line, write_inputs
from parcours.testing.doubles import TwilioServer

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with TwilioServer(refuses=lambda number: 21211 if number == LOST else None) as provider:
        yield Shop(tmp_path, provider, {"inputs": True})


def inputs_of(shop: Shop) -> list[bytes]:
    out = shop.folder.parent / "inputs.ndjson"
    write_inputs(shop.store, out)
    return out.read_bytes().splitlines()


def call(members: bytes) -> bytes:
    return b'{"userId":"u0",%b}' % members


BOUGHT = b'"type":"track","event":"Bought"'
SEEN = b'"type":"track","event":"Seen","effectiveAt":"x","properties":'


@pytest.mark.parametrize(
    "line",
    [
        # of two types the last one counts: these are no told lines, whatever they begin with
        b'{"type":"tick","keeps":"anew","records":["sms"],"userId":"u0",%b}' % BOUGHT,
        b'{"type":"publication","publications":[],"userId":"u0",%b}' % BOUGHT,
        b'{"type":"receipt","receipt":{"type":"claimed"},"userId":"u0",%b}' % BOUGHT,
        # a name may be written with escapes, and a time that nobody looks at may be anything
        call(BOUGHT + rb',"effective\u0041t":5'),
        # nobody looks at the properties of an event that moves nobody
        call(SEEN + b'{"n":%b}' % (b"1" * 5_000)),
        call(SEEN + b'{"text":"\xff"}'),
        call(SEEN + rb'{"text":"\ud800"},"half\ud800":1'),
        call(SEEN + b"{}," + b'"\xff":1'),
        # as long as a line may be
        call(BOUGHT + b',"more":"%b"' % (b"x" * (Settings().event_bytes_max - 58))),
    ],
)
def test_an_odd_line_does_in_the_twin_what_it_did(shop: Shop, line: bytes) -> None:
    with shop.open() as engine:
        arrive(engine, ["u0"])
        assert engine.ingest(line).result(30).accepted == 1
        shop.pass_time(engine, 3 * HOUR_MS)

    facts = shop.facts()

    assert twin_of(shop.project(), inputs_of(shop)) == facts


@pytest.mark.parametrize("kind", ["receipt", "read", "tick", "publication", "end"])
def test_nobody_can_hand_in_a_told_line(shop: Shop, kind: str) -> None:
    with shop.open() as engine:
        answer = engine.ingest([{"type": kind, "userId": "u0", "keeps": "anew", "publications": []}]).result(30)

    ((_, reason),) = answer.rejected
    assert reason.startswith(f"the type {kind!r} tells what became of somebody in a store: only the simulation of ")


def test_a_store_shared_out_anew_twice_has_the_inputs_and_facts_of_all_its_shards(shop: Shop, tmp_path: Path) -> None:
    for shards, people in ((3, ["u0", "u1"]), (1, ["u2", "u3"]), (2, ["u4", "u5"])):
        folder = Path(shop.store.removeprefix("sqlite:///"))
        if folder.exists():
            shop.clock.move_to(shop.clock.now_ms() + HOUR_MS)
            reshard(shop.store, f"sqlite:///{tmp_path}/of-{shards}", shards)
            shop.store = f"sqlite:///{tmp_path}/of-{shards}"
        with shop.open(shards) as engine:
            arrive(engine, people)
            shop.pass_time(engine, 3 * HOUR_MS)

    facts = shop.facts()

    assert all(facts[f"u{number}"] for number in range(6))
    assert twin_of(shop.project(), inputs_of(shop)) == facts


def test_what_was_before_a_change_of_its_instant_stays_before_it_where_shards_become_one(
    shop: Shop, tmp_path: Path
) -> None:
    with shop.open(5, settings=Settings(export_every_ms=DAY_MS)) as engine:
        arrive(engine, ["u0", "u1", "u4"])
        engine.pause_journey("cart")
        arrive(engine, ["u2", "u5"])
        shop.pass_time(engine, 3 * HOUR_MS)
    before = shop.facts()

    reshard(shop.store, f"sqlite:///{tmp_path}/of-1", 1)
    shop.store = f"sqlite:///{tmp_path}/of-1"

    assert twin_of(shop.project(), inputs_of(shop)) == shop.facts() == before


def test_the_documents_of_a_project_are_written_once(shop: Shop) -> None:
    with shop.open() as engine:
        arrive(engine, ["u0"])
        for _ in range(3):
            shop.pass_time(engine, HOUR_MS)
            engine.pause_journey("cart")
            shop.pass_time(engine, HOUR_MS)
            engine.resume_journey("cart")

    lines = inputs_of(shop)

    told = [json.loads(line)["publications"][1] for line in lines if line.startswith(b'{"type":"publication"')]
    assert [sorted(sources) for sources in told] == [["1"], [], [], [], [], [], []]
    assert twin_of(shop.project(), lines) == shop.facts()


def lived(shop: Shop) -> list[bytes]:
    with shop.open() as engine:
        arrive(engine, ["u0", "u4"])
        shop.pass_time(engine, 3 * HOUR_MS)
        engine.pause_journey("cart")
        shop.pass_time(engine, 24 * HOUR_MS)
    return inputs_of(shop)


@pytest.mark.parametrize(
    ("kind", "edit", "reason"),
    [
        ("read", lambda read: read.update(enterAt="2026-01-01T00:00:00"), "not a line of kept inputs"),
        ("read", lambda read: read.update(enterAt="9999-01-01T00:00:00Z"), "is not of the years 1970 to 9997"),
        ("receipt", lambda receipt: receipt.pop("effectiveAt"), "no timestamp"),
        ("receipt", lambda receipt: receipt.update(receipt={"type": "lost"}), "not a line of kept inputs"),
        ("publication", lambda change: change.update(effectiveAt="2026-01-01T00:00:00"), "not a line of kept inputs"),
        ("publication", lambda change: change.pop("effectiveAt"), "no timestamp"),
    ],
)
def test_a_told_line_that_was_edited_is_rejected_with_a_reason(shop: Shop, kind: str, edit: Edit, reason: str) -> None:
    lines = lived(shop)
    place = max(place for place, line in enumerate(lines) if json.loads(line)["type"] == kind)
    edited = json.loads(lines[place])
    edit(edited)
    rejected: list[tuple[int, str]] = []

    lines[place] = json.dumps(edited, separators=(",", ":")).encode()
    simulate(shop.project(), lines, rejected=lambda number, why: rejected.append((number, why)))

    ((number, why),) = rejected
    assert number == place + 1 and reason in why


@pytest.mark.parametrize("until", ["2026-01-01T00:00:00", "soon", "0001-01-01T00:00:00Z"])
def test_a_first_line_without_a_time_is_refused(shop: Shop, until: str) -> None:
    first, *lines = lived(shop)
    edited = json.dumps({**json.loads(first), "until": until}, separators=(",", ":")).encode()

    with pytest.raises(CallerError, match="the first line cannot be read"):
        simulate(shop.project(), [edited, *lines])


def test_blank_lines_before_the_first_one_count_for_nothing(shop: Shop) -> None:
    lines = lived(shop)

    assert twin_of(shop.project(), [b"", b" ", *lines]) == twin_of(shop.project(), lines) == shop.facts()


def test_the_last_line_says_how_many_are_before_it(shop: Shop) -> None:
    *lines, last = lived(shop)

    assert json.loads(last) == {"type": "end", "lines": len(lines)}


LAST_IS_MISSING = "are cut off after [0-9]+ lines, for the last line is missing"


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda lines: lines[:-1], LAST_IS_MISSING),  # cut between two lines
        (lambda lines: lines[:1], LAST_IS_MISSING),
        (lambda lines: [*lines[:-1], lines[-1][:-3]], LAST_IS_MISSING),  # within one
        (lambda lines: [*lines[:3], *lines[4:]], "[0-9]+ lines are before it, but there are [0-9]+"),
        (lambda lines: [*lines[:3], *lines[2:]], "[0-9]+ lines are before it, but there are [0-9]+"),
        (lambda lines: lines * 2, "follows the end of a store's inputs"),  # cat inputs inputs
        (lambda lines: [*lines, *lines[1:2]], "follows the end of a store's inputs"),
        (lambda lines: [*lines, b"{"], "follows the end of a store's inputs"),
        (lambda lines: [*lines, *lines[:-1]], "follows the end of a store's inputs"),
    ],
)
def test_inputs_that_are_cut_or_doubled_are_refused(
    shop: Shop, harm: Callable[[list[bytes]], list[bytes]], reason: str
) -> None:
    lines = lived(shop)

    for until_ms in (None, BEGIN_MS - 1):
        with pytest.raises(CallerError, match=reason):
            simulate(shop.project(), harm(lines), until_ms=until_ms)


def test_blank_lines_among_inputs_are_not_counted(shop: Shop) -> None:
    lines = lived(shop)

    assert twin_of(shop.project(), [*lines[:2], b" ", *lines[2:], b"", b" "]) == twin_of(shop.project(), lines)


def test_an_end_that_people_have_written_is_a_line_like_any_other_that_cannot_be_used(shop: Shop) -> None:
    event = b'{"type":"track","event":"Started","userId":"u0","timestamp":"2026-01-01T09:00:00Z"}'
    rejected: list[tuple[int, str]] = []

    result = simulate(
        shop.project(),
        [b'{"type":"end",', event, b'{"type":"end","lines":9,"timestamp":"2026-01-01T09:00:00Z"}', event],
        rejected=lambda number, why: rejected.append((number, why)),
    )

    assert [number for number, _ in rejected] == [1, 3]
    assert result.summary.events.used == 2


def test_nothing_has_happened_before_a_store_has_begun(shop: Shop) -> None:
    result = simulate(shop.project(), lived(shop), until_ms=BEGIN_MS - 1)

    assert result.facts == [] and result.summary.journeys["cart"].entered == 0


def test_nothing_is_read_while_an_engine_uses_the_store(shop: Shop, tmp_path: Path) -> None:
    lived(shop)
    with shop.open():
        for path in (tmp_path / "store/inputs/_done").glob("*.json"):
            path.write_text("an engine replaces it")

        with pytest.raises(StoreBusy):
            write_inputs(shop.store, tmp_path / "busy.ndjson")


def test_inputs_are_asked_for_from_before_all_time(shop: Shop, tmp_path: Path) -> None:
    lines = lived(shop)

    write_inputs(shop.store, tmp_path / "all.ndjson", -1)

    assert (tmp_path / "all.ndjson").read_bytes().splitlines()[1:] == lines[1:]


@pytest.mark.parametrize("documents", [b"{", b"[]", b"{}", b'{"settings":{"project":5}}'])
def test_documents_that_cannot_be_read_are_told(shop: Shop, documents: bytes) -> None:
    lines = [
        line.replace(json.dumps(json.loads(line)["publications"][1]["1"]).encode(), b'"%b"' % b64encode(documents))
        if b'{"1":"' in line
        else line
        for line in lived(shop)
    ]

    with pytest.raises(CallerError, match="what was published as number 1 cannot be read"):
        simulate(shop.project(), lines)


def test_inputs_without_what_was_published_are_refused(shop: Shop) -> None:
    *lines, _ = [line for line in lived(shop) if b'{"1":"' not in line]
    lines.append(b'{"type":"end","lines":%d}' % len(lines))

    with pytest.raises(CallerError, match="what was published as number 1 is in none of the lines"):
        simulate(shop.project(), lines)


@pytest.mark.parametrize(
    ("line", "timed"),
    [
        (b'{"effectiveAt":[{"effectiveAt":1}],"a":{"effectiveAt":2}}', b'{"a":{"effectiveAt":2}'),
        (b'{"a":"{\\",","effectiveAt":null , "b" : [1, 2]}', b'{"a":"{\\",","b" : [1, 2]'),
        (rb'{"\u0065ffectiveAt":"}","a":"\u00e9"}', rb'{"a":"\u00e9"'),
    ],
)
def test_an_effective_time_is_cut_out_of_a_line_that_stays_as_it_is(line: bytes, timed: bytes) -> None:
    assert timed_line(line, 1) == timed + b',"effectiveAt":"1970-01-01T00:00:00.001Z"}\n'
