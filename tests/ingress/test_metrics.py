"""GET /metrics over a real engine: what happened is counted, every name is declared, and both formats can be read."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

import parcours
from parcours import Project, Service
from parcours.core.totals import Totals
from parcours.durations import Durations
from parcours.examples import write_example
from parcours.ingress.application import Application, door_of
from parcours.ingress.metrics import EngineCollector
from parcours.ingress.rejections import KINDS, kind_of_rejection
from parcours.ingress.settings import ServeSettings
from parcours.service.figures import EngineFigures, ShardAnswer
from parcours.shard.fact_positions import FactStanding
from parcours.shard.figures import ShardFigures
from parcours.shard.messages import Status
from parcours.sources.partition_reader import PartitionState
from parcours.sources.pump import SourceState
from parcours.testing.doubles import Log, LogSource

CANARY = "canary-4711"

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "http.md"

ROW = re.compile(r"^\| (histogram|counter|gauge) \| (.*) \|$", re.MULTILINE)
NAME = re.compile(r"`(\w+)(?:\{([\w,]+)\})?`")

TABLE = {
    name: (kind, set(labels.split(",")) - {""})
    for kind, names in ROW.findall(PAGE.read_text())
    for name, labels in NAME.findall(names)
}
"""The type and the labels of each figure, as the page on the door has them."""

REASONS = {
    "something that nobody has thought of": "other",
    "longer than event_bytes_max=32768": "too_long",
    "timestamp is not a time": "timestamp",
    "it was set aside as a dead letter: not a call": "set_aside",
    "a track call without an event": "missing",
    "'purchased' on 'email': an outbound call is answered or failed, and nothing else is answered": "report",
}


def read(folder: Path, accept: str = "") -> tuple[str, str]:
    """The metrics of an engine to which a person has come, and their media type."""
    write_example(folder, "abandoned-cart")

    async def reading() -> tuple[str, str]:
        channels = ["email", "sms", "push"]
        project = Project.load(folder)
        async with Service.open(project, f"sqlite:///{folder}/store", runtime="local", records=channels) as service:
            cart = {"cart": {"total": 80, "currency": "EUR", "items": 1}, "shipping": {"country": "FR"}}
            await service.identify(CANARY, {"email": f"{CANARY}@shop.example"})
            await service.track(CANARY, "Cart Left", cart, message_id="m-1")
            await service.track(CANARY, "Cart Left", cart, message_id="m-1")
            await service.track(CANARY, f"Unheard {CANARY}", {})
            await take_of_a_log(service)
            door = door_of(service, ServeSettings())
            door.keys.used_ms["shop"] = 1_767_261_600_000
            app = Application(door)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                await client.get(f"/{CANARY}?q={CANARY}")
                calls = [{"type": CANARY}, {"type": "track", "userId": CANARY}, {"userId": CANARY}, 7]
                assert (await client.post("/v1/batch", json={"batch": calls})).json()["accepted"] == 0
                await client.request(CANARY.upper().replace("-", ""), "/health")
                answer = await client.get("/metrics", headers={"Accept": accept})
            return answer.text, answer.headers["content-type"]

    return asyncio.run(reading())


async def take_of_a_log(service: Service) -> None:
    """Read one line of a source."""
    log = Log()
    log.append("0", b'{"type":"identify","userId":"%b"}' % CANARY.encode())
    await service.read_source("stream", LogSource(log.settings()))
    async with asyncio.timeout(20):
        while not (await service.sources())[0].outcomes:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)


def sample(text: str, name: str, **labels: str) -> float:
    values = [
        each.value
        for family in prometheus(text)
        for each in family.samples
        if each.name == name and labels.items() <= each.labels.items()
    ]
    return sum(values)


def test_a_partition_is_known_by_its_name() -> None:
    partition = PartitionState("5e1f", "may/a.ndjson", "reading", 0, 3, None)
    figures = EngineFigures((), (), 0, (SourceState("files", False, [partition], {}, None),))

    families = EngineCollector(figures, "1", {}).collect()

    (lag,) = [sample for family in families if family.name == "parcours_source_lag" for sample in family.samples]
    assert (lag.labels, lag.value) == ({"source": "files", "partition": "may/a.ndjson"}, 3)


def test_what_happened_is_counted(tmp_path: Path) -> None:
    text, _ = read(tmp_path)

    assert sample(text, "parcours_events_total", outcome="accepted") == 3
    assert sample(text, "parcours_source_lines_total", source="stream", outcome="accepted") == 1
    assert sample(text, "parcours_source_lag", source="stream", partition="0") == 0
    assert sample(text, "parcours_events_total", outcome="undeclared") == 1
    assert sample(text, "parcours_events_total", outcome="duplicate") == 1
    assert sample(text, "parcours_runs_entered_total", journey="abandoned-cart") == 1
    assert sample(text, "parcours_runs", journey="abandoned-cart") == 1
    assert sample(text, "parcours_shard_people") == 1
    assert sample(text, "parcours_commit_duration_seconds_count") >= 3
    assert sample(text, "parcours_ack_duration_seconds_count") == 1, "a request, whatever it holds, that went to disk"
    assert sample(text, "parcours_events_rejected_total", reason="no_call") == 1
    assert sample(text, "parcours_events_rejected_total", reason="missing") == 2
    assert sample(text, "parcours_events_rejected_total", reason="nobody") == 1
    assert sample(text, "http_server_request_duration_seconds_count", http_response_status_code="404") == 1


def test_rejected_lines_are_those_of_shards_whoever_handed_them_in_and_rejected_calls_those_of_answers(
    tmp_path: Path,
) -> None:
    write_example(tmp_path, "abandoned-cart")

    async def reading() -> str:
        project = Project.load(tmp_path)
        async with Service.open(project, "memory:", runtime="local", records=["email", "sms", "push"]) as service:
            app = Application(door_of(service, ServeSettings()))
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
                await service.ingest([{"type": "consent", "userId": "u1", "channel": "sms"}])  # not by the door
                calls = [
                    7,  # comes to no shard
                    {"type": "consent", "userId": "u1", "messageId": "m", "channel": "email"},
                ]
                for _ in range(2):
                    assert len((await client.post("/v1/batch", json={"batch": calls})).json()["rejected"]) == 2
                return (await client.get("/metrics")).text

    text = asyncio.run(reading())

    assert sample(text, "parcours_events_total", outcome="rejected") == 3
    assert sample(text, "parcours_events_rejected_total", reason="missing") == 2
    assert sample(text, "parcours_events_rejected_total", reason="no_call") == 2


def test_what_the_page_says_is_there_and_nothing_else_and_nobody_is_named(tmp_path: Path) -> None:
    text, _ = read(tmp_path)

    told = [line.split()[2:] for line in text.splitlines() if line.startswith("# TYPE")]
    assert {name: kind for name, kind in told if not name.startswith("process_")} == {
        name: kind for name, (kind, _) in TABLE.items()
    }
    assert CANARY not in text and CANARY.upper().replace("-", "") not in text


def test_each_figure_has_the_labels_that_the_page_says(tmp_path: Path) -> None:
    step = ("cart", 1, "wait")
    totals = Totals(
        steps=[(step, (2, 1, 0))],
        ways=[((*step, what, "why"), 1) for what in ("entered", "not_entered", "goal", "ended")],
        deliveries=[((*step, "email", outcome, "quiet_hours"), 1) for outcome in ("held", "opened")],
        limits=[("runs_max", 1)],
        merges=[("merged", 1)],
        synced=[(("vip", "sent"), 1)],
    )
    status = Status(1, 0, None, {"email": 1}, 0, 0, {}, {})
    shard = ShardFigures(
        status,
        totals,
        1,
        0,
        0,
        Durations(),
        {"email": Durations()},
        {"email": 1},
        facts_to={"lake": FactStanding(1, 0, 0)},
    )
    of_engine = EngineCollector(EngineFigures((ShardAnswer(shard, 1.0),), (0,), 0), "1", {"shop": 0}).collect()
    text, _ = read(tmp_path)

    labels: dict[str, set[str]] = {}
    for family in [*of_engine, *prometheus(text)]:
        for each in family.samples:
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels.setdefault(name, set()).update(each.labels.keys() - {"le"})

    assert {name: labels.get(name) for name in TABLE} == {name: told for name, (_, told) in TABLE.items()}


def test_a_reason_is_told_by_one_of_a_few_words_whatever_it_quotes() -> None:
    assert {reason: kind_of_rejection(reason) for reason in REASONS} == REASONS
    named = re.findall(r"`(\w+)`", PAGE.read_text().partition("its `reason` is one of")[2].partition(". ")[0])
    assert {kind for kind, _ in KINDS} | {"other"} == set(named)


def test_every_reason_for_which_a_call_is_refused_has_a_word_of_its_own() -> None:
    sources = Path(parcours.__file__).parent
    said = [
        (path.name, _text_of(call.args[0]))
        for folder in ("segment", "ingress")
        for path in (sources / folder).glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("Unusable", "Refused")
        and isinstance(call.args[0], ast.Constant | ast.JoinedStr)
    ]

    assert len(said) > 30
    assert [each for each in said if kind_of_rejection(each[1]) == "other"] == []


def _text_of(written: ast.expr) -> str:
    """A text as it stands in the code, with a word in place of what is put in."""
    parts = written.values if isinstance(written, ast.JoinedStr) else [written]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "word" for part in parts)


@pytest.mark.parametrize(
    "accept, kind, parse",
    [
        ("", "text/plain", prometheus),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", open_metrics),
    ],
)
def test_both_formats_can_be_read(tmp_path: Path, accept: str, kind: str, parse: object) -> None:
    text, media_type = read(tmp_path, accept)

    assert "_created" not in text
    assert media_type.startswith(kind)
    assert callable(parse)
    families: Iterable[object] = parse(text)
    assert len(list(families)) >= len(TABLE)
