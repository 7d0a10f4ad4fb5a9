"""What stands on the screens of audiences: what each means, who asks for it, and, if that is asked, who is in it."""

from __future__ import annotations

from pathlib import Path

from tests.ingress.page.gallery import KEYS, SETTINGS, TEXTS, come, run
from tests.ingress.page.studio import Seen, Studio, at_the_studio

from parcours.core.fact import Fact
from parcours.shard.requests import NewestFacts

SHORT = {**TEXTS, "campaigns/push.yaml": TEXTS["campaigns/push.yaml"].replace("wait: 1h", "wait: 1ms")}
"""Its run is over at once."""


async def looks(studio: Studio) -> list[Fact]:
    """What has been recorded of who looked at people."""
    facts = [each for port in studio.door.service._host.ports for each in (await port.ask(NewestFacts(0))).facts]
    return [each for each in facts if type(each).__name__ == "Looked"]


def test_the_list_says_what_each_means_who_asks_for_it_and_when_it_was_saved(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        before = Seen((await studio.look("/audiences")).text)
        await come(studio)
        await run(studio, "push", None)

        seen = Seen((await studio.look("/audiences")).text)
        told = {each["name"]: each for each in (await studio.json("/audiences"))["audiences"]}

        assert before.row("bestOur best visitors")[1] == "never: nobody is in it"
        meaning, saved, uses = seen.row("bestOur best visitors")
        assert (
            meaning == "whoever was saved" and saved.startswith("20") and saved.endswith(", 4 people, by run 1 of push")
        )
        assert uses == (
            "journey welcome: exitcampaign push: saved by step savedcampaign weekly: saved by step saved"
            "audience parisians: a condition"
        )
        assert seen.row("high") == [
            "profile.score > 3", "", "journey welcome: entrycampaign weekly: read by step inside",
        ]  # fmt: skip
        assert seen.row("parisians")[2] == "journey welcome: step choose"
        assert told["best"]["label"] == "Our best visitors" and told["high"]["last_save"] is None
        save = told["best"]["last_save"]
        assert (save["campaign"], save["run"], save["people"]) == ("push", 1, 4)
        assert told["parisians"]["used_by"] == [{"kind": "journey", "name": "welcome", "where": ["step choose"]}]
        assert seen.links["run 1 of"] == "/campaigns/push/runs/1#main"

    at_the_studio(tmp_path, visit, texts=SHORT, keys=KEYS, engine=SETTINGS)


def test_how_many_are_in_it_is_counted_when_that_is_asked_and_whom_only_some_may_see(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await come(studio)
        await studio.log_in()
        uncounted = await studio.look("/audiences/high")
        counted = await studio.look("/audiences/high?sample=5")
        told = await studio.json("/audiences/high?sample=5")
        assert await looks(studio) == []
        await studio.log_in("care")
        named = await studio.look("/audiences/high?sample=2")

        assert "In it" not in uncounted.text and 'http-equiv="refresh"' in uncounted.text
        seen = Seen(counted.text)
        assert f"In it{told['size']}" in seen.text and told["size"] == 4
        assert "guest" not in counted.text and 'http-equiv="refresh"' not in counted.text
        assert Seen(named.text).row("guest4") == ["profile.score = 4"]
        assert "guest6" not in named.text and len(await looks(studio)) == 1
        assert Seen(uncounted.text).links["Count who is in it now"] == "/audiences/high?sample=5"

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


def test_who_was_named_and_who_is_kept_by_a_funnel_are_saves_as_well(tmp_path: Path) -> None:
    kept = "audiences: {best: {funnel: buying, who: 'reached:2', mode: replace, schedule: {at: 2036-11-02T06:00:00}}}"
    texts = {**TEXTS, "insight/kept.yaml": kept}

    async def visit(studio: Studio) -> None:
        await come(studio)
        await studio.log_in()
        await studio.door.service.save_people("best", ["guest0", "guest1"])
        named = Seen((await studio.look("/audiences/best")).text)
        await run(studio, "kept.best", None)
        found = Seen((await studio.look("/audiences/best")).text)

        assert "2 people who were named" in named.text
        assert "4 people, by run 1 of kept.best" in found.text
        assert "campaign kept.best: saved by step save" in found.text

    at_the_studio(tmp_path, visit, texts=texts, keys=KEYS, engine=SETTINGS, store=f"sqlite:///{tmp_path}/store")


def test_what_is_not_there_or_cannot_be_asked_is_told_as_a_page(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("care")
        missing = await studio.look("/audiences/hihg")
        wrong = await studio.look("/audiences/high?sample=many")

        assert missing.status_code == 404 and "high" in missing.text
        assert wrong.status_code == 400 and "is a whole number" in wrong.text

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


def test_a_project_without_audiences_has_its_screen_as_well(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        assert "The project has no audience." in Seen((await studio.look("/audiences")).text).text

    at_the_studio(tmp_path, visit)
