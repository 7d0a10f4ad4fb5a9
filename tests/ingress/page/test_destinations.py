"""What destinations have been told, and what waits for them: on /engine and in the figures of /metrics."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families
from tests.ingress.page.studio import Seen, Studio, at_the_studio

from parcours.service.figures import EngineFigures, ShardAnswer
from parcours.service.service import Service
from parcours.shard.fact_positions import FactStanding
from parcours.shard.figures import ShardFigures

TOLD = [(("ads", "sent"), 3), (("ads", "failed"), 1)]
MORE = [(("ads", "sent"), 4), (("list", "queued"), 2)]


def with_destinations(
    of: ShardFigures | None, synced: list[tuple[tuple[str, str], int]], taken: int, lag: int
) -> ShardAnswer:
    assert of is not None
    facts = {"lake": FactStanding(taken, 1, lag)}
    totals = replace(of.totals, synced=synced)
    return ShardAnswer(replace(of, totals=totals, facts_to=facts, outbox={"@list": 2, "email": 9}), 1.0)


def test_destinations_have_the_figures_of_the_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        one, other = (each.figures for each in (await studio.door.service.figures()).shards)
        shards = with_destinations(one, TOLD, 5, 0), with_destinations(other, MORE, 6, 7)

        async def figures(_service: Service) -> EngineFigures:
            return EngineFigures(shards, (0, 0), 0)

        monkeypatch.setattr(Service, "figures", figures)
        told = (await studio.json("/engine"))["destinations"]
        seen = Seen((await studio.look("/engine")).text)
        text = (await studio.client.get("/metrics", headers={"Authorization": "Bearer eve"})).text

        assert told == [
            {"name": "ads", "takes": "members", "outcomes": {"failed": 1, "sent": 7}, "waiting": 0},
            {"name": "list", "takes": "members", "outcomes": {"queued": 2}, "waiting": 4},
            {"name": "lake", "takes": "facts", "outcomes": {"taken": 11, "refused": 2}, "waiting": 7},
        ]
        assert seen.row("ads") == ["members", "1 failed, 7 sent", "nothing"]
        assert seen.row("list") == ["members", "2 queued", "4 changes"]
        assert seen.row("lake") == ["facts", "11 taken, 2 refused", "7 records"]
        samples = {
            (each.name.removeprefix("parcours_destination_"), *sorted(each.labels.values())): each.value
            for family in text_string_to_metric_families(text)
            for each in family.samples
            if each.name.startswith("parcours_destination_")
        }
        assert samples == {
            ("changes_total", "ads", "sent"): 7, ("changes_total", "ads", "failed"): 1,
            ("changes_total", "list", "queued"): 2, ("facts_total", "lake", "taken"): 11,
            ("facts_total", "lake", "refused"): 2, ("lag_records", "0", "lake"): 0, ("lag_records", "1", "lake"): 7,
        }  # fmt: skip

    at_the_studio(tmp_path, visit)


def test_where_there_are_none_nothing_is_said(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        assert (await studio.json("/engine"))["destinations"] == []
        assert "Destinations" not in Seen((await studio.look("/engine")).text).text

    at_the_studio(tmp_path, visit)
