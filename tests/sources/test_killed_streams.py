"""Is each message of Kafka applied once, and is who has to be told told, whatever happens to engines and the group?"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.engine.lives import ROOT
from tests.faults.mutants import Mutant, copy_to
from tests.sources.stream_mutants import MUTANTS
from tests.sources.streams.checker import RULES, Ended, check
from tests.sources.streams.life import PLACES
from tests.sources.streams.messages import POISON, Written, meant
from tests.sources.streams.storm import storms

import parcours

log = logging.getLogger(__name__)

FULL = "PARCOURS_FAULTS_FULL" in os.environ
"""Whether as much happens as before a release: about half an hour."""

SEED, KILLS = (20_261_130, 200) if FULL else (20_261_221, 1)
"""The one kill comes at a record, so that lines are read again."""


def test_engines_that_are_killed_and_a_group_that_takes_partitions_away_break_no_promise(tmp_path: Path) -> None:
    season = storms(SEED, KILLS, tmp_path)

    log.info("%s", season)
    assert season.violations == []
    assert season.kills >= KILLS
    assert season.strangers
    if FULL:
        assert season.at.keys() >= {*PLACES, "any time", "frozen"}
        assert season.outcomes.keys() >= {"duplicate", "set_aside", "ignored"}


FOUND_BY = [(rule, mutant) for rule, mutants in MUTANTS.items() for mutant in mutants]

KILLS_OF_MUTANTS = 8


@pytest.mark.skipif(not FULL, reason="each takes a minute or more")
@pytest.mark.parametrize("rule, mutant", FOUND_BY, ids=lambda each: each.name if isinstance(each, Mutant) else each)
def test_a_mutant_is_found_by_a_few_kills(rule: str, mutant: Mutant, tmp_path: Path) -> None:
    copy_to(tmp_path, Path(parcours.__file__).parent)
    mutant.apply(tmp_path)
    storm = ["-m", "tests.sources.streams.storm", "--seed", "7", "--kills", str(KILLS_OF_MUTANTS)]

    done = subprocess.run(
        [sys.executable, *storm], env={**os.environ, "PYTHONPATH": str(tmp_path)}, cwd=ROOT, capture_output=True,
        text=True,
    )  # fmt: skip

    assert done.returncode == 1, done.stdout + done.stderr
    assert f"\n{rule}: " in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("rule, mutant", FOUND_BY, ids=lambda each: each.name if isinstance(each, Mutant) else each)
def test_every_mutant_still_fits_the_source(rule: str, mutant: Mutant) -> None:
    assert rule in {each.__name__.replace("_", " ") for each in RULES}
    assert (Path(parcours.__file__).parent / mutant.file).read_text().count(mutant.text) == 1


def change(number: int, what: str, person: str, at: str = "1", snapshot: str | None = None) -> dict[str, Any]:
    told = {"id": str(number), "change": what, "key": person, "at": at}
    return told if snapshot is None else {**told, "snapshot": snapshot}


LOG = [
    Written("0", 0, b'{"type":"track","event":"Seen","userId":"u1","properties":{"n":1}}'),
    Written("0", 1, POISON[0]),
    Written("0", 2, b'{"type":"identify","userId":"u1","anonymousId":"v1","traits":{"city":"Paris","email":"u1@x"}}'),
    Written("0", 3, b'{"type":"track","event":"Seen","userId":"u1","properties":{"n":2}}'),
    Written("0", 4, b'{"type":"consent","userId":"u1","granted":true}'),
    Written("0", 5, None),
    Written("1", 0, b'{"type":"track","event":"Seen","anonymousId":"v1","properties":{"n":3}}'),
]

SOUND = Ended(
    meant=meant(LOG),
    applied=[(0, "u1", 1), (1, "v1", 3), (0, "u1", 2)],
    counts={"u1": 3},
    letters=["stream/0 at offset 1: no JSON"],
    moves={"u1": [("1", "entered")]},
    hook=[change(1, "entered", "u1@x"), change(1, "entered", "u1@x"), change(2, "member", "u1@x", "5", "5")],
    file=[change(3, "member", "u1", "6", "6")],
    buyers=[change(4, "entered", "@anonymous/v1"), change(5, "left", "@anonymous/v1"), change(6, "entered", "u1")],
    files=[[], [change(7, "member", "u1", "3", "3")], [change(8, "entered", "u1", "1")]],
)

WRONG: dict[str, dict[str, Any]] = {
    "event 2, at ('0', 3), was applied 0 times": {"applied": SOUND.applied[:2]},
    "event 3, at ('1', 0), was applied 2 times": {"applied": [*SOUND.applied, (0, "v1", 3)]},
    "event 9, at None, was applied 1 times": {"applied": [*SOUND.applied, (0, "u1", 9)]},
    "shard 0 has the event of u1 at ('0', 0) too late": {"applied": [(0, "u1", 2), (0, "u1", 1), (1, "v1", 3)]},
    "u1 has 2 events, and the log 3": {"counts": {"u1": 2}},
    "stream/0 at offset 1 was set aside 0 times, and 1 was meant": {"letters": []},
    "stream/0 at offset 1 was set aside 2 times, and 1 was meant": {"letters": [*SOUND.letters] * 2},
    "stream/0 at offset 7 was set aside 1 times, and 0 was meant": {
        "letters": [*SOUND.letters, "stream/0 at offset 7: "]
    },
    "the changes of the webhook, each once: [] too many, ['u1@x'] missing": {"hook": SOUND.hook[2:]},
    "the changes of the webhook, as they came: ['u2@x'] too many, [] missing": {
        "hook": [*SOUND.hook, change(9, "entered", "u2@x")]
    },
    "the webhook's snapshot 5: ['u2@x'] too many, [] missing": {
        "hook": [*SOUND.hook, change(9, "member", "u2@x", "5", "5")]
    },
    "the webhook's snapshot None: [] too many, ['u1@x'] missing": {"hook": SOUND.hook[:2]},
    "the change 4 is 2 times in the file": {"buyers": [SOUND.buyers[0], *SOUND.buyers]},
    "the file of changes: [] too many, ['u1'] missing": {"buyers": SOUND.buyers[:2]},
    "the file: [] too many, ['u1'] missing": {"file": [*SOUND.file, change(9, "left", "u1", "7")]},
    "the file has snapshots of ['3', '4']": {
        "files": [[change(7, "member", "u1", "3", "3"), change(8, "member", "u1", "4", "4")]]
    },
    "the file's snapshot of 0: ['u1'] too many, [] missing": {"files": [[change(7, "member", "u1", "0", "0")]]},
    "the change 8 of 2 is in the file beside the snapshot of 3": {
        "files": [[change(7, "member", "u1", "3", "3"), change(8, "entered", "u1", "2")]]
    },
}


def test_the_checker_finds_nothing_where_all_is_as_it_should_be() -> None:
    assert check(SOUND) == []


@pytest.mark.parametrize("violation", WRONG)
def test_the_checker_finds_what_is_wrong(violation: str) -> None:
    found = check(replace(SOUND, **WRONG[violation]))

    assert violation in [each.partition(": ")[2] for each in found]
