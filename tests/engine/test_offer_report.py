"""What a running engine tells of offers: each is shown, pending or never shown, and nothing that was tried counts."""

from __future__ import annotations

from pathlib import Path

from tests.projects import write_texts

from parcours import Engine, Project, Settings

SHOP = {
    "parcours.yaml": "project: shop\n",
    "profile.yaml": "traits: {city: string}\n",
    "events.yaml": "events: {Redeemed: {properties: {code: string}}}\n",
    "offers.yaml": """\
        placements: {agent: {channel: agent, format: text}}
        offers:
          free: {priority: 2, caps: [{max: 1}], content: {agent: {text: Free}}}
          pack: {content: {agent: {text: Pack}}}
        decisions: {best: {choose: [{collection: all}]}}
    """,
}


def test_a_running_engine_reports_what_its_offers_came_to(tmp_path: Path) -> None:
    write_texts(tmp_path / "shop", SHOP)
    project, store = Project.load(tmp_path / "shop"), f"sqlite:///{tmp_path / 'store'}"
    patient = Settings(decision_timeout_ms=10_000)
    with Engine.open(project, store, shards=2, runtime="local", settings=patient) as engine:
        for name in ("ann", "ben", "cem"):
            (offer,) = engine.decide(name, "best", placement="agent", request_id="r-1").result().offers
            assert offer.name == "free" and offer.proposition is not None
            if name == "ann":
                engine.mark_offer(name, offer.proposition, "clicked").result()
            if name == "ben":
                engine.mark_offer(name, offer.proposition, "dismissed").result()
        again = engine.decide("ann", "best", placement="agent", request_id="r-1").result()
        assert [each.name for each in again.offers] == ["free"], "which counts once"
        assert [each.name for each in engine.decide("ann", "best", placement="agent").result().offers] == ["pack"]
        engine.decide("cem", "best", placement="agent", dry=True).result()

        report = engine.insight().report("offer")

    offers, marks = report.sections[:2]
    assert [*marks.rows] == [("free", "agent", 1, 1, 0)]
    assert [dict(zip(offers.columns, row, strict=True)) for row in offers.rows] == [
        {
            "offer": "free", "placement": "agent", "decided": 3, "shown": 1, "pending": 1, "never shown": 1,
            "given back": 0, "capped": 1,
        },
        {
            "offer": "pack", "placement": "agent", "decided": 1, "shown": 0, "pending": 1, "never shown": 0,
            "given back": 0, "capped": 0,
        },
    ]  # fmt: skip
