"""What stands on the screen of offers: the figures that programs are told, by offer and placement."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.engine.test_asked_offers import SHOP
from tests.ingress.page.studio import Seen, Studio, at_the_studio
from tests.ingress.page.test_screens import IMAGE, LONG, SCRIPT, TURNED, looks_harmless

from parcours.config import Settings

PATIENT = Settings(decision_timeout_ms=60_000)

TEN = "ten: {title: Ten, tags: [few], caps: [{max: 7, by: everybody}], priority: 5,"

TEXTS = {**SHOP, "offers.yaml": SHOP["offers.yaml"].replace("ten: {priority: 5,", TEN)}


def test_each_figure_is_one_that_programs_are_told(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        service = studio.door.service
        for number in range(3):
            await service.identify(f"guest{number}", {"city": "Rome"})
            told = await service.decide(f"guest{number}", "best", placement="banner", context={"page": "yoga"}, count=2)
            for offer in told.offers:
                assert offer.proposition is not None
                await service.mark_offer(f"guest{number}", offer.proposition, "clicked" if number else "shown")
        await service.drain(30)
        await studio.log_in()

        seen = Seen((await studio.look("/offers")).text)
        offers = {each["name"]: each for each in (await studio.json("/offers"))["offers"]}
        report = (await studio.json("/report"))["summary"]["offers"]

        assert {name: each["placements"] for name, each in offers.items() if each["placements"]} == report
        count = offers["free"]["placements"]["banner"]
        assert (count["decided"], count["shown"], count["clicked"]) == (3, 3, 2)
        heads = {row[0]: row[1:] for row in seen.rows}
        free = next(cells for head, cells in heads.items() if head.startswith("free"))
        assert free == ["banner", *(f"{count[each]}" for each in (
            "decided", "shown", "clicked", "dismissed", "converted", "given_back", "capped",
        ))]  # fmt: skip
        ten = next(head for head in heads if head.startswith("ten"))
        assert "by bare, best" in ten and "at most 7 ever, for everybody together" in ten and "few" in ten
        assert next(cells for head, cells in heads.items() if head.startswith("news"))[0] == "nowhere yet"
        found = Seen((await studio.look("/offers?q=FEW")).text)
        assert [row[0].startswith("ten") for row in found.rows[1:]] == [True]
        assert "No offer is like that." in Seen((await studio.look("/offers?q=none")).text).text

    at_the_studio(tmp_path, visit, texts=TEXTS, engine=PATIENT)


def test_a_project_without_offers_has_its_screen_as_well(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        assert "The project has no offers." in Seen((await studio.look("/offers")).text).text

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize("text", [SCRIPT, IMAGE, TURNED, LONG], ids=["script", "image", "turned", "long"])
def test_a_title_is_no_more_than_a_text(text: str, tmp_path: Path) -> None:
    told, tag = json.dumps(text), json.dumps(text[:100])
    texts = {
        **SHOP,
        "offers.yaml": f"""
            placements: {{banner: {{channel: web, format: json}}}}
            offers: {{wild: {{title: {told}, tags: [{tag}], content: {{banner: {{json: {{text: Hi}}}}}}}}}}
        """,
    }

    async def visit(studio: Studio) -> None:
        await studio.log_in()
        page = await studio.look("/offers")
        assert page.status_code == 200
        looks_harmless(page.text)

    at_the_studio(tmp_path, visit, texts=texts, engine=PATIENT)
