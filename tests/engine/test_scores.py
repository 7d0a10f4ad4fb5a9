"""A running engine goes by scores and tells why, and they are judged by what it keeps: all as accounts by hand say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import sklearn.metrics
from tests.model.reference.scores import Asked, answer_of
from tests.projects import write_texts
from tests.training.conftest import BEGIN, CUT, STUDIO, month, viewed
from typer.testing import CliRunner

from parcours import Project, Service, explanation_text
from parcours.cli import build
from parcours.cli.fact_sources import open_facts
from parcours.clock import ManualClock
from parcours.config import DAY_MS, Settings
from parcours.core.fact import Changed, Fact, Moved
from parcours.errors import InputsMissing
from parcours.ingress.application import Application, door_of
from parcours.ingress.keys import Key, Keyring
from parcours.ingress.settings import ServeSettings
from parcours.instants import floor_ms
from parcours.simulation.simulation import simulate
from parcours.training.artefact import text_of
from parcours.training.since import since
from parcours.training.store_events import AS_TAKEN, events_of_store
from parcours.training.train import train

PEOPLE, WITHIN = 60, 7 * DAY_MS

COUNT = 'count("Class Viewed", "30d", \'event.kind == "yoga"\')'

FEATURES = [Asked("views"), Asked("age", None, 40.0), Asked("city", ["Atlanta", "Seattle"])]

MODEL: dict[str, Any] = {
    "format": 1,
    "score": "book",
    "kind": "logistic",
    "features": [
        {"name": "age", "text": "profile.age", "mean": 45.0, "scale": 10.0, "missing": 40},
        {"name": "views", "text": COUNT, "mean": 2.5, "scale": 1.5},
        {"name": 'city="Atlanta"', "text": "profile.city", "mean": 0.3},
        {"name": 'city="Seattle"', "text": "profile.city"},
        {"name": "city=else", "text": "profile.city"},
    ],
    "intercept": 0.2,
    "weights": [0.1, 1.5, 1.0, -0.25, 0.0],
}

INVITE = """\
    journey: invite
    entry: {event: Class Viewed}
    reentry: always
    steps:
      - {id: how, branch: [{when: 'score("book") > 0.4', next: likely}, {otherwise: unlikely}]}
      - {id: likely, end: true}
      - {id: unlikely, end: true}
"""


def studio(folder: Path, **parcours: object) -> Project:
    settings = {"project": "studio", "insight": {"inputs": True, "events": "all"}, **parcours}
    documents = {"parcours.yaml": json.dumps(settings), "journeys/invite.yaml": INVITE}
    write_texts(folder, {**STUDIO, **documents, "models/book.json": json.dumps(MODEL)})
    return Project.load(folder)


Call = dict[str, Any]


def calls(people: int = PEOPLE) -> list[tuple[int, Call]]:
    """The month of these people, each of whom looks at a class once more just before the cut."""
    lines = [json.loads(each) for each in month(people)]
    lines += [json.loads(viewed(f"p{number}", CUT - timedelta(hours=number))) for number in range(people)]
    timed = [(floor_ms(datetime.fromisoformat(each["timestamp"])), each) for each in lines]
    return sorted(timed, key=lambda each: each[0])


async def happen(service: Service, clock: ManualClock, happened: Sequence[tuple[int, Call]]) -> None:
    for at, call in happened:
        clock.move_to(max(at, clock.now_ms()))
        if call["type"] == "identify":
            await service.identify(call["userId"], call["traits"])
        else:
            await service.track(call["userId"], call["event"], call["properties"])


def by_hand(happened: Sequence[tuple[int, Call]]) -> dict[str, list[tuple[int, float]]]:
    """What the score says at each view of each person, in the order of happening."""
    traits: dict[str, dict[str, object]] = {}
    views: dict[str, list[int]] = {}
    said: dict[str, list[tuple[int, float]]] = {}
    for at, call in happened:
        who = call["userId"]
        if call["type"] == "identify":
            traits[who] = call["traits"]
        elif call["event"] == "Class Viewed":
            views.setdefault(who, []).append(at)
            answer = answer_of(MODEL, FEATURES, {**traits.get(who, {}), "views": len(views[who])})
            assert answer is not None
            said.setdefault(who, []).append((at, answer.probability))
    return said


def scored(facts: Sequence[Fact]) -> list[tuple[int, float]]:
    return [(each.at, float(each.value or "")) for each in facts if isinstance(each, Changed) and each.what == "scored"]


def ways(facts: Sequence[Fact]) -> list[str | None]:
    return [each.step for each in facts if isinstance(each, Moved) and each.what == "ended"]


def section(text: str) -> list[str]:
    """The lines of an explanation that tell of scores."""
    lines = text.splitlines()
    return lines[lines.index("scores") : lines.index("scores") + 2]


async def told_at_the_door(service: Service, person: str) -> str:
    door = door_of(service, ServeSettings())
    door.keys = Keyring((Key(name="care", sha256=sha256(b"care").hexdigest(), scopes=frozenset({"people"})),))
    transport = httpx.ASGITransport(Application(door))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        headers = {"Authorization": "Bearer care", "Accept": "text/plain"}
        return (await client.get(f"/people/{person}/explain", headers=headers)).text


def test_journeys_branch_by_scores_and_the_engine_and_its_store_tell_why_in_the_same_words(tmp_path: Path) -> None:
    project, store, happened = studio(tmp_path / "studio"), f"sqlite:///{tmp_path / 'store'}", calls()
    clock, expected = ManualClock(floor_ms(BEGIN)), by_hand(calls())
    texts: dict[str, str] = {}

    async def live() -> None:
        async with Service.open(
            project, store, shards=1, runtime="local", clock=clock, settings=Settings(score_sample=1)
        ) as service:
            await happen(service, clock, happened)
            for who, said in expected.items():
                facts = await service.facts(who)
                assert scored(facts) == said
                assert ways(facts) == ["likely" if score > 0.4 else "unlikely" for _, score in said]
            for who in ("p1", "p3"):
                texts[who] = explanation_text(await service.explain(who))
                assert section(await told_at_the_door(service, who)) == section(texts[who])

    asyncio.run(live())

    simulated = simulate(
        project, (json.dumps(each).encode() for _, each in happened), settings=Settings(score_sample=1)
    )
    facts = list(simulated.facts)
    for who, said in expected.items():
        assert scored([each for each in facts if getattr(each, "person", None) == who]) == said
    for who, text in texts.items():
        (line,) = section(text)[1:]
        assert f"book: {expected[who][-1][1]:.6f}, " in line and "on average, " in line
        asked = ["explain", str(tmp_path / "studio"), who, "--store", store]
        stored = CliRunner(env={"COLUMNS": "200"}).invoke(build(), asked)
        assert stored.exit_code == 0, stored.output
        assert section(stored.stdout) == section(text)


def test_an_explanation_says_why_there_is_no_score(tmp_path: Path) -> None:
    project, clock = studio(tmp_path / "studio"), ManualClock(floor_ms(BEGIN))

    async def live() -> list[str]:
        async with Service.open(project, "volatile:", shards=2, runtime="local", clock=clock) as service:
            await service.identify("idle", {"age": 20})
            await service.track("never", "Class Viewed", {"kind": "yoga"})
            await service.consent("never", "personalisation", granted=False)
            return [section(explanation_text(await service.explain(who)))[1] for who in ("idle", "never")]

    idle, never = asyncio.run(live())

    assert idle.endswith("book: missing, for it is not about her")
    assert never.endswith("book: missing, for she does not want to be personalised, or has not allowed it")


def test_a_score_is_trained_and_judged_with_what_its_store_keeps(tmp_path: Path) -> None:
    project, store, happened = studio(tmp_path / "studio"), f"sqlite:///{tmp_path / 'store'}", calls()
    clock = ManualClock(floor_ms(BEGIN))
    settings = Settings(score_sample=1, export_every_ms=50, export_records=50, export_lag_max_ms=365 * DAY_MS)

    async def live() -> None:
        async with Service.open(project, store, shards=2, runtime="local", clock=clock, settings=settings) as service:
            await happen(service, clock, happened)

    asyncio.run(live())

    few = {"score_cases_min": 5}
    with events_of_store(store) as lines:
        trained = train(project, "book", lines, [floor_ms(CUT)], AS_TAKEN.model_copy(update=few))
    recorded = [json.dumps(each).encode() for _, each in happened]
    assert text_of(trained) == text_of(train(project, "book", recorded, [floor_ms(CUT)], Settings(**few)))

    booked = {
        (call["userId"], at)
        for at, call in happened
        if call.get("event") == "Class Booked" and call["properties"]["kind"] == "yoga"
    }
    with open_facts(None, None, store, project).warehouse as warehouse:
        known, as_of = since(project, "book", warehouse, settings), warehouse.as_of_ms
    assert as_of is not None
    cases: dict[tuple[str, int], tuple[int, float]] = {}
    for who, said in by_hand(happened).items():
        for at, score in said:
            if at + WITHIN <= as_of:
                cases.setdefault((who, at // WITHIN), (at, score))
    came = [
        any(who == other and at < then <= at + WITHIN for other, then in booked) for (who, _), (at, _) in cases.items()
    ]
    assert (known.quality.cases, known.quality.positive) == (len(cases), sum(came)) and 0 < sum(came) < len(cases)
    expected = sklearn.metrics.roc_auc_score(came, [score for _, score in cases.values()])
    assert known.quality.auc == pytest.approx(expected, abs=1e-12)


def test_a_store_without_inputs_trains_nothing(tmp_path: Path) -> None:
    project, store = studio(tmp_path / "studio", insight={}), f"sqlite:///{tmp_path / 'store'}"

    async def live() -> None:
        async with Service.open(project, store, shards=1, runtime="local") as service:
            await service.track("p", "Class Viewed", {"kind": "yoga"})

    asyncio.run(live())

    with pytest.raises(InputsMissing, match="insight: {inputs: true}"), events_of_store(store):
        raise AssertionError("nothing is read")
