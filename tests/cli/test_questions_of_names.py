"""A person is explained by each of her names, from events, facts in files and a closed store alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Ask
from tests.projects import write_texts

from parcours.journey.project import Project
from parcours.service.engine import Engine

NAME = "@anonymous/7f3a"

MERGED = f"{NAME} was merged into her by identify; goes on in cart (run 1 is her run 1 now)"

CALLS: list[dict[str, Any]] = [
    {"type": "track", "event": "Started", "anonymousId": "7f3a", "properties": {"cart": "seen-before"}},
    {"type": "identify", "userId": "ann", "anonymousId": "7f3a", "traits": {}},
    {"type": "track", "event": "Bought", "userId": "ann"},
]


@pytest.fixture
def new_shop(tmp_path: Path) -> Callable[[str], Path]:
    def make(history: str) -> Path:
        documents = {
            "parcours.yaml": f"{{project: shop, anonymous_history: {history}}}",
            "events.yaml": "events: {Started: {properties: {cart: string}}, Bought: {}}",
            "journeys/cart.yaml": """
                journey: cart
                entry: {event: Started}
                steps:
                  - {id: way, wait_for: [{event: Bought, next: done}], timeout: 9d}
                  - {id: done, end: true}
            """,
        }
        write_texts(tmp_path / "shop", documents)
        return tmp_path / "shop"

    return make


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.ndjson"
    stamped = [{**call, "timestamp": f"2026-03-02T10:{20 * number:02}:00Z"} for number, call in enumerate(CALLS)]
    path.write_text("".join(json.dumps(call) + "\n" for call in stamped))
    return path


def test_events_and_their_facts_tell_whose_a_name_is_and_what_was_before(
    ask: Ask, new_shop: Callable[[str], Path], events: Path, tmp_path: Path
) -> None:
    shop = new_shop("used")
    ask("simulate", shop, "--events", events, "--out", tmp_path / "out", "--facts")

    for source in (("--events", events), ("--facts", tmp_path / "out" / "facts")):
        by_name, by_id = (ask("explain", shop, *source, person) for person in (NAME, "ann"))

        assert (by_name.exit_code, by_id.exit_code) == (0, 0), by_name.stderr + by_id.stderr
        assert by_name.stdout.splitlines() == [
            f"asked for as {NAME}, which is ann since 2026-03-02T10:20:00.000Z, by identify",
            "",
            "ann",
            "",
            "cart",
            "  run 1, version 1",
            f"    2026-03-02T10:00:00.000Z  {NAME}: entered by Started",
            f"    2026-03-02T10:00:00.000Z  {NAME}: way: reached",
            f"    2026-03-02T10:00:00.000Z  {NAME}: way: waits until 2026-03-11T10:00:00.000Z",
            f"    2026-03-02T10:20:00.000Z  way: goes on as hers, and was {NAME} run 1 before",
            "    2026-03-02T10:40:00.000Z  way: went on by Bought",
            "    2026-03-02T10:40:00.000Z  done: reached",
            "    2026-03-02T10:40:00.000Z  done: ended at the end step",
            "    now: ended at done",
            "",
            "besides",
            f"  2026-03-02T10:20:00.000Z  {MERGED}",
        ]
        assert by_id.stdout.splitlines() == by_name.stdout.splitlines()[2:]


def test_a_closed_store_is_asked_where_she_lives(ask: Ask, new_shop: Callable[[str], Path], tmp_path: Path) -> None:
    shop, store = new_shop("used"), f"sqlite:///{tmp_path / 'store'}"
    with Engine.open(Project.load(shop), store, shards=3, runtime="local") as engine:
        for call in CALLS:
            engine.ingest([call]).result(30)
            engine.drain(30)

    by_name, by_id = (ask("explain", shop, "--store", store, person) for person in (NAME, "ann"))

    lines = by_name.stdout.splitlines()
    assert lines[0].startswith(f"asked for as {NAME}, which is ann since ") and lines[0].endswith(", by identify")
    assert by_id.stdout.splitlines() == lines[2:] and f"{NAME}: entered by Started" in by_id.stdout
    told = json.loads(ask("explain", shop, "--store", store, NAME, "--json").stdout)
    assert (told["person"], told["asked_for"]["name"]) == ("ann", NAME)
    exported = [json.loads(ask("person", "export", who, "--store", store).stdout) for who in (NAME, "ann")]
    assert exported[0] == exported[1] and exported[0]["person"] == "ann"


def test_where_what_was_before_does_not_count_only_the_number_of_ended_runs_is_told(
    ask: Ask, new_shop: Callable[[str], Path], events: Path
) -> None:
    told = ask("explain", new_shop("unused"), "--events", events, NAME).stdout

    assert "1 open run ended, for what was before the merge is not used" in told
    assert "entered" not in told.replace("not entered", "") and "seen-before" not in told


def test_that_ids_of_a_namespace_are_never_linked_is_told_though_no_fact_tells_it(
    ask: Ask, new_shop: Callable[[str], Path], events: Path, tmp_path: Path
) -> None:
    shop, store = new_shop("used"), f"sqlite:///{tmp_path / 'store'}"
    (shop / "profile.yaml").write_text("identities: {anonymous: {link: never}}\n")
    with Engine.open(Project.load(shop), store, runtime="local") as engine:
        engine.ingest(CALLS).result(30)
        engine.track("ann", "Started").result(30)
        live = engine.explain("ann")

    for source in (("--events", events), ("--store", store)):
        lines = ask("explain", shop, *source, NAME).stdout.splitlines()
        assert lines[0] == NAME, "she is nobody else"
        assert lines[-1] == "  ids of anonymous are not merged, for profile.yaml says `link: never` of their namespace"
    assert live.unlinked == ("anonymous",) and not live.notes
