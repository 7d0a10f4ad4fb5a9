"""What stands on the screens of campaigns: the figures that JSON has, run by run, and why rows are in no set."""

from __future__ import annotations

from pathlib import Path

from tests.ingress.page.gallery import KEYS, SETTINGS, TEXTS, come, run
from tests.ingress.page.salon import SALON_KEYS
from tests.ingress.page.studio import Seen, Studio, at_the_studio

from parcours.config import Settings
from parcours.core.time_text import time_text


def steps_of(seen: Seen) -> dict[str, list[str]]:
    """What each step took, its sets and what it dropped, as the table has them."""
    (at,) = [at for at, row in enumerate(seen.rows) if row[:3] == ["Step", "What it does", "Took"]]
    return {row[0]: row[2:5] for row in seen.rows[at + 1 :]}


def test_each_size_is_one_that_programs_are_told(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await come(studio)
        await run(studio)
        await studio.log_in()

        (told,) = [await studio.json("/campaigns/push/runs/1")]
        together = await studio.json("/campaigns/push")
        shown = steps_of(Seen((await studio.look("/campaigns/push")).text))
        whole = steps_of(Seen((await studio.look("/campaigns/push?runs=all")).text))

        assert [*told["at_hand"]] == ["later"] and told["steps"]["both"]["dropped"] == {"double": 2}
        for page, steps in ((shown, told["steps"]), (whole, together["steps"])):
            for step, (took, sets, dropped) in page.items():
                known = steps.get(step)
                if known is None:
                    assert (took, sets, dropped) == ("", "not yet", "")
                    continue
                assert took == f"{known['inflow']}"
                words = "".join(
                    f"{size} {'in the set' if of == 'main' else of}" for of, size in known["outputs"].items()
                )
                assert sets == words
                assert dropped == ("2 in it already, by an equal row" if known["dropped"] else "")
        assert set(shown) == {"everybody", "unique", "value", "both", "mail", "later", "saved"}

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


def test_the_picture_has_the_sizes_of_the_run_and_marks_the_step_that_is_looked_at(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await come(studio)
        await run(studio)
        await studio.log_in()

        seen = Seen((await studio.look("/campaigns/push/runs/1?step=value")).text)

        boxes = {told["data-step"]: told for _, told in seen.elements if told.get("data-step")}
        assert "2 low, 2 high, 0 rest." in (boxes["value"]["aria-label"] or "")
        assert boxes["value"]["aria-current"] == "true"
        assert (boxes["later"]["aria-label"] or "").endswith("It is at hand.") and "at hand" in seen.text
        assert boxes["mail"]["href"] == "/campaigns/push/runs/1?step=mail#step"
        assert "Split." in seen.text and "It took 4." in seen.text
        assert seen.row("low") == ["profile.score < 4", "2"]
        assert "Its sets are as of" in seen.text
        assert seen.links["Close"] == "/campaigns/push/runs/1#main"

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


def test_the_list_says_how_each_stands_and_what_comes_next(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        before = Seen((await studio.look("/campaigns")).text)
        opened = await studio.json("/campaigns/weekly")
        await come(studio)
        await run(studio)
        await studio.door.service.pause_campaign("push")
        await studio.door.service.close_campaign("weekly")

        seen = Seen((await studio.look("/campaigns")).text)
        listed = {each["name"]: each for each in (await studio.json("/campaigns"))["campaigns"]}

        assert before.row("weekly") == ["open", "none yet", "", "", "2036-11-03 09:00:00 UTC", "0", "0"]
        push = seen.row("pushnews visitors")
        assert push[0].startswith("paused since 20")
        assert push[1].startswith("Run 1 under way at later ")
        assert "began 20" in push[1]
        assert push[2:] == ["8", "4", "by hand", "1", "0"]
        assert opened["next"] == "2036-11-03T09:00:00.000Z"
        assert listed["weekly"]["next"] is None and listed["push"]["next"] is None
        assert seen.row("weekly")[4] == "none"
        assert seen.links["Run 1"] == "/campaigns/push/runs/1#main"

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


def test_a_run_that_could_not_go_on_says_where_and_why_to_whoever_may_know_it(tmp_path: Path) -> None:
    texts = {
        **TEXTS,
        "tables.yaml": """
            tables: {wishes: {file: wishes.csv, person: row.mail, match: email,
                              columns: {mail: string, price: "decimal(2)"}}}
        """,
        "campaigns/wishes.yaml": """
            campaign: wishes
            steps:
              - {id: everybody, read: {where: has(profile.score)}}
              - {id: wished, enrich: {wish: {table: wishes, take: first}}}
        """,
        "wishes.csv": "mail,price\nm0@gallery.example,1.00\nm0@gallery.example,2.00\n",
    }

    async def visit(studio: Studio) -> None:
        await come(studio)
        await run(studio, "wishes", None)
        await studio.log_in()
        hidden = Seen((await studio.look("/campaigns/wishes")).text)
        step = Seen((await studio.look("/campaigns/wishes?step=wished")).text)
        await studio.log_in("care")
        whole = Seen((await studio.look("/campaigns/wishes")).text)
        listed = Seen((await studio.look("/campaigns")).text)

        assert "failed" in hidden.text and "m0@" not in hidden.text
        assert "wished: " in hidden.text and ("warning" in {told.get("class") for _, told in hidden.elements})
        assert "Nothing is known" not in step.text
        assert "wishes.csv" in whole.text
        assert next(row for row in listed.rows[1:])[0] == "wishes", "what has failed comes first"

    at_the_studio(tmp_path, visit, texts=texts, keys=KEYS, engine=SETTINGS)


def test_what_is_not_there_is_told_as_a_page(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        for path in ("/campaigns/none", "/campaigns/push/runs/7", "/campaigns/push?step=none"):
            page = await studio.look(path)
            assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        empty = Seen((await studio.look("/campaigns/push")).text)
        assert "No run has begun yet" in empty.text

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


def test_a_project_without_campaigns_has_its_screen_as_well(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        assert "No campaign is published yet." in Seen((await studio.look("/campaigns")).text).text

    at_the_studio(tmp_path, visit)


def test_a_step_that_is_about_to_begin_is_not_told_as_begun(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await come(studio)
        await run(studio, at="mail")
        await studio.log_in()

        ahead = Seen((await studio.look("/campaigns/push/runs/1?step=mail")).text).text
        began = (await studio.json("/campaigns/push/runs/1"))["at_hand"]["mail"]

        assert "It is at hand: it begins " in ahead and began > time_text(studio.door.now_ms())

    lead = Settings(campaign_lead_ms=600_000)
    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=lead)


def test_a_person_in_a_campaign_waits_until_that_goes_on(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await come(studio)
        await run(studio)
        await studio.door.service.drain(30)
        await studio.log_in("desk")

        text = Seen((await studio.look("/people/guest7")).text).text

        assert "If nothing happens, it waits on until the campaign goes on." in text and "no time" not in text

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=SALON_KEYS, engine=SETTINGS)
