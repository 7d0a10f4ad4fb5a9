"""The same input gives the same bytes, for any number of shards and any size of batch, and the sums are right."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parcours.config import Settings
from parcours.core.fact import DeliveryReached, Moved
from parcours.demo.clickstream import read_clickstream
from parcours.demo.crowd import Habit, LumaCrowd
from parcours.demo.reactions import LUMA_CROWD
from parcours.journey.model.document import (
    AudiencesDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.project import Project
from parcours.simulation.result_files import write_results
from parcours.simulation.simulation import Result, simulate

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording

MINUTE = 60_000


def check_sums(result: Result) -> None:
    for journey in result.summary.journeys.values():
        for step in journey.steps.values():
            assert step.inflow == step.waiting + step.gone_on + step.ended
        assert journey.entered == sum(step.waiting + step.ended for step in journey.steps.values())


@pytest.fixture(scope="module")
def clickstream(luma: Project) -> Result:
    """All of Luma's people, who react, in one shard."""
    return simulate(luma, read_clickstream().lines, crowd=LUMA_CROWD)


def test_all_sums_are_right_over_the_clickstream(clickstream: Result) -> None:
    check_sums(clickstream)
    assert sum(step.inflow for each in clickstream.summary.journeys.values() for step in each.steps.values()) > 5_000


@pytest.mark.parametrize("shards, batch_events_max", [(2, 5_000), (7, 333)])
def test_the_clickstream_gives_the_same_files_in_any_number_of_shards(
    luma: Project, clickstream: Result, shards: int, batch_events_max: int
) -> None:
    apart = simulate(
        luma,
        read_clickstream().lines,
        crowd=LUMA_CROWD,
        shards=shards,
        settings=Settings(batch_events_max=batch_events_max),
    )

    assert bytes_of(apart) == bytes_of(clickstream)


def bytes_of(result: Result) -> dict[str, bytes]:
    """What the three files hold."""
    with TemporaryDirectory() as folder:
        write_results(Path(folder), result.facts, result.summary)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_the_files_themselves_are_the_same(luma: Project, recording: Recording, tmp_path: Path) -> None:
    for number in range(40):
        who = f"person-{number}"
        recording.identify(number, who, email=f"{who}@mail.example", phone="+33612345678", push_token="t")
        recording.track(number * 999, who, "Product Added", {"cart": {"total": 30 + number}, "cart_id": who})
        recording.track(number * 7_777, who, "Checkout Started", {"cart_id": who, "email": f"{who}@mail.example"})
        recording.track(number * 9_000, f"person-{number // 2}", "Order Completed", {"cart_id": who})

    folders = [recording.play(luma, shards=shards).files(tmp_path / str(shards)) for shards in (1, 2, 7)]

    assert folders[0] == folders[1] == folders[2]
    assert all(len(content) > 500 for content in folders[0].values())


# Journeys at random. Whatever they are, people must not notice in how many shards they live.

NAMES = ["A", "B", "C", "D"]
when = st.sampled_from([None, None, "event.total > 1", "event.total == profile.score", "entry.total < event.total"])
kinds = st.sampled_from(["wait", "time", "for", "branch", "split", "update"])
durations = st.sampled_from(["0s", "1m", "30m", "1h", "90m", "1d"])


@st.composite
def steps(draw: st.DrawFn) -> list[dict[str, object]]:
    """Every step falls through to the next, so each is reached; other ways lead on, or back after an event."""
    count = draw(st.integers(1, 7))
    sends = [number for number in range(count) if draw(st.integers(0, 2)) == 0]
    made: list[dict[str, object]] = []
    for number in range(count):
        later = st.sampled_from([f"s{other}" for other in range(number + 1, count)] or [f"s{count}"])
        step: dict[str, object] = {"id": f"s{number}"}
        kind = "send" if number in sends else draw(kinds)
        if kind == "send":
            step |= {"send": draw(st.sampled_from(["mail", "receipt"]))}
        elif kind == "wait":
            step |= {"wait": draw(durations)}
        elif kind == "time":
            step |= {"wait": {"time": draw(st.sampled_from(["09:00", "10:30", "02:30"]))}}
        elif kind == "for":
            any_step = st.sampled_from([f"s{other}" for other in range(count)])
            listeners: list[dict[str, object]] = [
                {"event": draw(st.sampled_from(NAMES)), "next": draw(any_step)} for _ in range(draw(st.integers(1, 2)))
            ]
            if before := [other for other in sends if other < number]:
                reaction = draw(st.sampled_from(["opened", "clicked"]))
                listeners.append({"reaction": reaction, "of": f"s{draw(st.sampled_from(before))}", "next": draw(later)})
            step |= {"wait_for": listeners, "timeout": draw(durations.filter(lambda text: text != "0s"))}
        elif kind == "branch":
            step |= {"branch": [{"when": "profile.score > 1", "next": draw(later)}]}
        elif kind == "split":
            step |= {"split": [{"percent": 40}, {"percent": 60, "next": draw(later)}]}
        else:
            step |= {"update": {"score": "event.total + 1"}}
        made.append(step)
    return [*made, {"id": f"s{count}", "end": True}]


@st.composite
def journeys(draw: st.DrawFn, name: str) -> JourneyDocument:
    def trigger() -> dict[str, object]:
        condition = draw(when)
        made: dict[str, object] = {"event": draw(st.sampled_from(NAMES))}
        return made | {"when": condition} if condition else made

    document: dict[str, object] = {
        "journey": name,
        "entry": {"event": draw(st.sampled_from(NAMES))},
        "priority": draw(st.integers(0, 2)),
        "reentry": draw(st.sampled_from(["always", "never", {"after": "30m"}])),
        "exit": [trigger() for _ in range(draw(st.integers(0, 1)))],
        "steps": draw(steps()),
    }
    if draw(st.booleans()):
        document["correlation"] = "event.cart"
    if draw(st.booleans()):
        document["goal"] = trigger() | draw(st.sampled_from([{}, {"within": "1h"}]))
    return JourneyDocument.model_validate(document)


def project_of(made: list[JourneyDocument]) -> Project:
    names = {name: {"properties": {"cart": "string", "total": "number"}} for name in NAMES}
    return Project.of(
        ProjectDocument.model_validate(
            {"project": "shop", "timezone": "Europe/Paris", "policies": {"consent": {"default": "opt_out"}}}
        ),
        ProfileDocument.model_validate({"traits": {"email": "string", "phone": "string", "score": "number"}}),
        EventsDocument.model_validate({"events": names}),
        AudiencesDocument(),
        [
            MessageDocument.model_validate({"message": "mail", "email": {"text": "x"}, "sms": {"text": "x"}}),
            MessageDocument.model_validate({"message": "receipt", "class": "transactional", "email": {"text": "x"}}),
        ],
        made,
    )


events = st.lists(
    st.tuples(
        st.integers(0, 40).map(lambda number: number * 15 * MINUTE),  # coarse, so that much falls together
        st.sampled_from(["sarah", "tom", "una", "vera"]),
        st.sampled_from([*NAMES, *NAMES, "identify"]),
        st.sampled_from(["a", "b", None]),
        st.integers(0, 3),
    ),
    min_size=5,
    max_size=40,
)
crowd = LumaCrowd(
    seed=7,
    habits={"email": Habit(opened=6_000, clicked=5_000, open_after_ms=(0, 60 * MINUTE), click_after_ms=(0, MINUTE))},
)


@given(journeys("first"), journeys("second"), events, st.integers(2, 9), st.integers(1, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_nobody_notices_in_how_many_shards_they_live(
    recording: Recording,
    first: JourneyDocument,
    second: JourneyDocument,
    happened: list[tuple[int, str, str, str | None, int]],
    shards: int,
    batch_events_max: int,
) -> None:
    project = project_of([first, second])
    recording.lines.clear()
    for at, who, name, cart, total in happened:
        if name == "identify":
            recording.identify(at, who, email=f"{who}@mail.example" if total else None, score=total)
        else:
            recording.track(at, who, name, {"cart": cart, "total": total})

    alone = recording.play(project, crowd=crowd, until=3 * 1_440 * MINUTE).result
    apart = recording.play(
        project,
        crowd=crowd,
        until=3 * 1_440 * MINUTE,
        shards=shards,
        settings=Settings(batch_events_max=batch_events_max),
    ).result

    assert bytes_of(apart) == bytes_of(alone)
    check_sums(alone)
    check_runs(alone)


def check_runs(result: Result) -> None:
    """What holds of every run, whatever the journey: time goes on, an end is an end, each key is one delivery."""
    clocks: dict[str, int] = defaultdict(int)
    over: set[tuple[str, str, int | None]] = set()
    claims: Counter[str] = Counter()
    for fact in result.facts:
        if isinstance(fact, Moved):
            run = fact.person, fact.journey, fact.run
            assert fact.at >= clocks[fact.person]
            clocks[fact.person] = fact.at
            assert run not in over or fact.what in ("goal", "not_entered") or fact.run is None
            if fact.what in ("ended", "exited"):
                over.add(run)
        elif isinstance(fact, DeliveryReached):
            assert fact.at >= clocks[fact.person]
            claims[fact.key] += fact.outcome == "claimed"
    assert set(claims.values()) <= {0, 1}
