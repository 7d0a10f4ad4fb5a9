"""A studio whose visitors book the more probably the more classes they have looked at, and a month of what they did."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from math import exp
from pathlib import Path
from random import Random

import pytest
from tests.projects import write_texts

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
CUT = BEGIN + timedelta(days=14)

STUDIO = {
    "parcours.yaml": "project: studio\n",
    "profile.yaml": "traits: {city: string, age: number}\n",
    "events.yaml": """\
        events:
          Class Viewed: {properties: {kind: string}}
          Class Booked: {properties: {kind: string, price: number}}
    """,
    "scores.yaml": """\
        scores:
          book:
            predicts: {event: Class Booked, when: event.kind == "yoga", within: 7d}
            among: count("Class Viewed", "30d") > 0
            features:
              views: count("Class Viewed", "30d", 'event.kind == "yoga"')
              age: {value: profile.age, missing: 40}
              city: {value: profile.city, one_of: [Atlanta, Seattle]}
            model: {file: models/book.json, kind: logistic}
    """,
}


def line(kind: str, who: str, at: datetime, **fields: object) -> str:
    return json.dumps({"type": kind, "userId": who, "timestamp": at.isoformat(), **fields})


def viewed(who: str, at: datetime, kind: str = "yoga") -> str:
    return line("track", who, at, event="Class Viewed", properties={"kind": kind})


def booked(who: str, at: datetime, kind: str = "yoga") -> str:
    return line("track", who, at, event="Class Booked", properties={"kind": kind, "price": 20})


def month(people: int = 1_500, seed: int = 5) -> list[str]:
    """What everybody does: looks at classes before the cut, and then books yoga, or not."""
    chance, lines = Random(seed), list[str]()
    for number in range(people):
        who = f"p{number}"
        traits = {"city": chance.choice(["Atlanta", "Seattle", "Boise"])} | (
            {"age": 20 + number % 50} if number % 3 else {}
        )
        lines.append(line("identify", who, BEGIN, traits=traits))
        views = chance.randrange(6)
        lines += [viewed(who, BEGIN + timedelta(hours=1 + each + number % 7)) for each in range(views)]
        margin = views - 3.5 + (1 if traits["city"] == "Atlanta" else 0)
        if chance.random() < 1 / (1 + exp(-margin)):
            lines.append(booked(who, CUT + timedelta(hours=1 + number % 150)))
        if number % 4 == 0:  # neither another kind nor a later week is what is predicted
            lines += [booked(who, CUT + timedelta(days=1), "boxing"), booked(who, CUT + timedelta(days=8))]
    return sorted(lines, key=lambda each: json.loads(each)["timestamp"])


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    """The folder of the project, without a model."""
    write_texts(tmp_path / "studio", STUDIO)
    return tmp_path / "studio"
