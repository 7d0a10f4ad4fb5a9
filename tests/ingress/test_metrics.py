"""GET /metrics over a real engine: what happened is counted, every name is declared, and both formats can be read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from parcours import Project, Service
from parcours.examples import write_example
from parcours.ingress.application import Application, door_of
from parcours.ingress.settings import ServeSettings

CANARY = "canary-4711"

NAMES = {
    "http_server_request_duration_seconds", "parcours_commit_duration_seconds", "parcours_delivery_handover_seconds",
    "parcours_events_total", "parcours_runs_entered_total", "parcours_runs_ended_total",
    "parcours_entries_refused_total", "parcours_goals_total", "parcours_deliveries_total", "parcours_gates_total",
    "parcours_feedback_total", "parcours_limits_reached_total", "http_server_active_requests",
    "parcours_door_body_bytes", "parcours_door_streams", "parcours_router_waiting_lines", "parcours_shard_people",
    "parcours_shard_lag_seconds", "parcours_shard_epoch", "parcours_shard_journal_bytes",
    "parcours_timers_late_seconds", "parcours_runs", "parcours_outbox", "parcours_troubles",
    "parcours_key_last_used_timestamp_seconds", "parcours_build_info",
}  # fmt: skip


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
            app = Application(door_of(service, ServeSettings()))
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                await client.get(f"/{CANARY}?q={CANARY}")
                await client.request(CANARY.upper().replace("-", ""), "/health")
                answer = await client.get("/metrics", headers={"Accept": accept})
            return answer.text, answer.headers["content-type"]

    return asyncio.run(reading())


def sample(text: str, name: str, **labels: str) -> float:
    values = [
        each.value
        for family in prometheus(text)
        for each in family.samples
        if each.name == name and labels.items() <= each.labels.items()
    ]
    return sum(values)


def test_what_happened_is_counted(tmp_path: Path) -> None:
    text, _ = read(tmp_path)

    assert sample(text, "parcours_events_total", outcome="accepted") == 2
    assert sample(text, "parcours_events_total", outcome="undeclared") == 1
    assert sample(text, "parcours_events_total", outcome="duplicate") == 1
    assert sample(text, "parcours_runs_entered_total", journey="abandoned-cart") == 1
    assert sample(text, "parcours_runs", journey="abandoned-cart") == 1
    assert sample(text, "parcours_shard_people") == 1
    assert sample(text, "parcours_commit_duration_seconds_count") >= 3
    assert sample(text, "http_server_request_duration_seconds_count", http_response_status_code="404") == 1


def test_every_family_is_there_and_nobody_is_named(tmp_path: Path) -> None:
    text, _ = read(tmp_path)

    told = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert NAMES - told == set()
    assert CANARY not in text and CANARY.upper().replace("-", "") not in text


@pytest.mark.parametrize(
    "accept, kind, parse",
    [
        ("", "text/plain", prometheus),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", open_metrics),
    ],
)
def test_both_formats_can_be_read(tmp_path: Path, accept: str, kind: str, parse: object) -> None:
    text, media_type = read(tmp_path, accept)

    assert media_type.startswith(kind)
    assert callable(parse)
    families: Iterable[object] = parse(text)
    assert len(list(families)) >= len(NAMES)
