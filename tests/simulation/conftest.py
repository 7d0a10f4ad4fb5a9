"""What the scenarios share: recorded events written like a story, and what came of them.

Times are milliseconds from START unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest

from parcours.core.fact import DeliveryReached, Moved
from parcours.journey.project import Project
from parcours.simulation.result_files import write_results
from parcours.simulation.simulation import Result, simulate

START = datetime(2024, 3, 1, 10, tzinfo=UTC)
START_MS = 1_709_287_200_000

INTERNAL = ("queued", "claimed")


@dataclass
class Recording:
    """Lines of recorded events, in the order of telling."""

    lines: list[bytes] = field(default_factory=list)

    def call(self, at: int, **fields: object) -> Recording:
        moment = START + timedelta(milliseconds=at)
        timestamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.lines.append(msgspec.json.encode({"timestamp": timestamp, **fields}))
        return self

    def identify(self, at: int, who: str, **traits: object) -> Recording:
        return self.call(at, type="identify", userId=who, traits=traits)

    def track(self, at: int, who: str, event: str, properties: Mapping[str, object] | None = None) -> Recording:
        return self.call(at, type="track", userId=who, event=event, properties=properties or {})

    def react(self, at: int, who: str, reaction: str, to: str, channel: str) -> Recording:
        """`to` is journey.step."""
        journey, step = to.split(".")
        return self.call(
            at, type="reaction", userId=who, reaction=reaction, journey=journey, step=step, channel=channel
        )

    def play(self, project: Project, until: int | None = None, **options: Any) -> Played:
        until_ms = None if until is None else START_MS + until
        rejected: list[tuple[int, str]] = []
        result = simulate(
            project,
            self.lines,
            until_ms=until_ms,
            rejected=lambda number, reason: rejected.append((number, reason)),
            **options,
        )
        return Played(result, rejected)


@dataclass(frozen=True)
class Played:
    """What came of a recording; `rejected` holds (line number, reason)."""

    result: Result
    rejected: list[tuple[int, str]]

    def deliveries(self, who: str | None = None, outcome: str | None = "sent") -> list[tuple[int, str, str]]:
        """(time, step, channel) of each delivery that reached the outcome."""
        return [
            (fact.at - START_MS, fact.step, fact.channel)
            for fact in self.result.facts
            if isinstance(fact, DeliveryReached)
            and who in (None, fact.person)
            and (fact.outcome not in INTERNAL if outcome is None else fact.outcome == outcome)
        ]

    def addresses(self) -> list[tuple[str, str | None]]:
        """(channel, address) of everything sent."""
        return [
            (fact.channel, fact.to)
            for fact in self.result.facts
            if isinstance(fact, DeliveryReached) and fact.outcome == "sent"
        ]

    def way(self, who: str, journey: str | None = None) -> list[tuple[int, str, str | None]]:
        """(time, what, step) of each move of the person but waiting."""
        return [
            (fact.at - START_MS, fact.what, fact.step)
            for fact in self.result.facts
            if isinstance(fact, Moved)
            and (fact.person, fact.what != "waiting") == (who, True)
            and journey in (None, fact.journey)
        ]

    def moves(self, what: str) -> list[tuple[int, str, str | None]]:
        """(time, person, why) of each move of this kind."""
        return [
            (fact.at - START_MS, fact.person, fact.why)
            for fact in self.result.facts
            if isinstance(fact, Moved) and fact.what == what
        ]

    def files(self, folder: Path) -> dict[str, bytes]:
        """The three files, by name."""
        write_results(folder, self.result.facts, self.result.summary)
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def recording() -> Recording:
    return Recording()


@pytest.fixture(scope="session")
def luma() -> Project:
    """The Luma project that ships with the package."""
    return Project.load(Path(str(files("parcours.demo") / "luma")))


class Write(Protocol):
    """Writes a project's folder: `documents` holds each file's text after a line `# path`."""

    def __call__(self, documents: str, /) -> Path: ...


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_folder(documents: str, /) -> Path:
        folder = tmp_path / "project"
        for part in documents.split("# file ")[1:]:
            name, _, text = part.partition("\n")
            path = folder / name.strip()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return write_folder
