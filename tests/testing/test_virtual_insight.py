"""Can a test ask what an engine is asked, of what it has let happen so far?"""

from __future__ import annotations

from pathlib import Path

from tests.cli.test_questions_of_doors import SHOP
from tests.projects import write_texts

from parcours.journey.project import Project
from parcours.testing.virtual_project import VirtualProject


def test_a_test_asks_for_funnels_reports_and_experiments_as_of_its_own_time(tmp_path: Path) -> None:
    write_texts(tmp_path / "shop", SHOP)
    with VirtualProject(Project.load(tmp_path / "shop")) as shop:
        insight = shop.insight()
        for number in range(6):
            shop.identify(f"u{number}", {"email": f"u{number}@a.example", "city": "Lille" if number % 2 else "Brest"})
            shop.track(f"u{number}", "Seen", {"page": "home"})
            shop.track(f"u{number}", "Added")
        before = insight.experiment("cart.test")
        shop.advance(days=1)
        shop.track("u1", "Order Completed", {"total": 5})

        funnel = insight.funnel("to-order")
        assert [step.reached for step in funnel.result.steps] == [6, 6, 1]
        assert funnel.as_of_ms == shop.now_ms()
        runs = insight.report("journey", "cart", by="northern").sections[0]
        assert [row[:3] for row in runs.rows] == [("(others)", "cart", 3), ("northern", "cart", 3)]
        shop.advance(days=8)
        after = insight.experiment("cart.test")
        counted = [sum(each.n for each in told.result.variants.values()) for told in (before, after)]
        assert counted == [0, 6]  # only then is the time for the goal over
        assert insight.metric("revenue").result.value == 5
