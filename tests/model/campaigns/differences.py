"""Does the engine make of a case what the model makes of it? What differs, in words."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from tests.model.campaigns.case import Case
from tests.model.campaigns.model import Line, Outcome
from tests.model.reference.expression import Instant
from tests.model.reference.times import to_text

from parcours.config import Settings
from parcours.core.fact import CopyReached, DeliveryReached, Moved
from parcours.journey.project import Project
from parcours.sets_settings import SetsSettings
from parcours.simulation.campaigning import CampaignsAsked
from parcours.simulation.simulation import simulate

OUTCOMES = ("sent", "held", "refused", "cancelled")
TOLD_MAX = 6


def simulated(case: Case, folder: Path, shards: int, engine: Literal["duckdb", "daft"] = "duckdb") -> Outcome:
    """What the engine makes of a case whose project lies in a folder, with sets by one of its engines of sets."""
    exports, settings = folder / f"exports-{shards}-{engine}", Settings(sets=SetsSettings(engine=engine))
    lines: list[Line] = []
    failed: list[str] = []

    def tell(line: Any) -> None:
        dropped = tuple(sorted(line.dropped.items()))
        if line.output == "failed":
            failed.append(f"{line.campaign}, run {line.run}, step {line.step}: {line.why}")
        lines.append(Line(line.at, line.campaign, line.run, line.step, line.output, line.size, line.inflow, dropped))

    asked = CampaignsAsked(exports, tuple(case.starts.items()), tell)
    project = Project.load(folder / "project")
    result = simulate(project, case.recorded, shards=shards, campaigns=asked, settings=settings)
    assert not failed, failed
    told: list[tuple[Any, ...]] = [
        (each.at, each.person, each.journey, each.run, each.step, each.channel, each.outcome, each.gate)
        for each in result.facts
        if isinstance(each, DeliveryReached) and each.outcome in OUTCOMES
    ]
    told += [
        (each.at, each.person, each.journey, each.run, each.step, each.channel, "copy", each.to)
        for each in result.facts
        if isinstance(each, CopyReached) and each.outcome == "sent"
    ]
    told += [
        (each.at, each.person, each.journey, each.run, each.step, int(each.why or ""))
        for each in result.facts
        if isinstance(each, Moved) and each.what == "split"
    ]
    files = {path.name: rows_of(path) for path in exports.iterdir()} if exports.exists() else {}
    goals = {name: each.goal for name, each in (result.summary.campaigns or {}).items()}
    return Outcome(lines, told, files, goals)


def rows_of(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".ndjson":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def shown(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The model's rows as a file of that name has them."""
    as_text = name.endswith(".csv")
    return [{column: _cell(value, as_text) for column, value in row.items()} for row in rows]


def _cell(value: Any, as_text: bool) -> Any:
    match value:
        case list():
            return [_cell(each, as_text) for each in value]
        case dict():
            return {name: _cell(each, as_text) for name, each in value.items()}
        case Instant():
            return to_text(value.ms)
        case Decimal():
            return str(value)
        case None if as_text:
            return ""
        case bool() if as_text:
            return str(value).lower()
        case int() | float() if as_text:
            return str(value)
    return value


def alike(one: Any, other: Any) -> bool:
    """Whether two cells say the same: 3 is 3.0, and money 1.5 is 1.50."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, str) and isinstance(other, str) and one != other:
        return _number(one) is not None and _number(one) == _number(other)
    same_kind = type(one) is type(other) or {type(one), type(other)} == {int, float}
    return same_kind and bool(one == other)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def differences(wanted: Outcome, found: Outcome) -> Iterator[str]:
    yield from _of_lines(wanted.lines, found.lines)
    yield from _of_rows("deliveries", sorted(wanted.told, key=repr), sorted(found.told, key=repr))
    if wanted.goals != found.goals:
        yield f"goals: {wanted.goals} wanted, {found.goals} found"
    for name in sorted(wanted.exports.keys() | found.exports.keys()):
        if name not in wanted.exports or name not in found.exports:
            yield f"{name}: only {'found' if name in found.exports else 'wanted'}"
            continue
        rows = shown(name, wanted.exports[name])
        if not alike(rows, found.exports[name]):
            yield from _of_exports(name, rows, found.exports[name])


def _of_lines(wanted: list[Line], found: list[Line]) -> Iterator[str]:
    for line in sorted((Counter(wanted) - Counter(found)).elements(), key=repr):
        yield f"line wanted: {line}"
    for line in sorted((Counter(found) - Counter(wanted)).elements(), key=repr):
        yield f"line found: {line}"


def _of_rows(name: str, wanted: list[Any], found: list[Any]) -> Iterator[str]:
    missing = [each for each in wanted if each not in found]
    beyond = [each for each in found if each not in wanted]
    if missing or beyond:
        yield f"{name}: {len(missing)} missing {missing[:TOLD_MAX]}, {len(beyond)} beyond {beyond[:TOLD_MAX]}"
    elif len(wanted) != len(found):
        yield f"{name}: {len(wanted)} wanted, {len(found)} found"


def _of_exports(name: str, wanted: list[Any], found: list[Any]) -> Iterator[str]:
    if len(wanted) != len(found):
        yield f"{name}: {len(wanted)} rows wanted, {len(found)} found"
    unlike = [(one, other) for one, other in zip(wanted, found, strict=False) if not alike(one, other)]
    for one, other in unlike[:2]:
        yield f"{name}: {one} wanted, {other} found"
