"""Whoever may operate the engine begins, previews, pauses, closes and stops a campaign by forms that say before what
they do."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from tests.ingress.page.gallery import KEYS, SETTINGS, TEXTS, come, run
from tests.ingress.page.studio import Seen, Studio, at_the_studio

WAYS = ("run", "pause", "resume", "close", "stop")


async def sent(studio: Studio, way: str, page: httpx.Response | None = None, *, name: str = "") -> httpx.Response:
    """The form of a page, as it was shown, with what somebody fills in."""
    page = page or await studio.look(f"/campaigns/push/{way}")
    assert page.status_code == 200, page.text
    return await studio.send(f"/campaigns/push/{way}", {**Seen(page.text).fields, "name": name})


def said(page: httpx.Response) -> str:
    """The text of a page, on one line."""
    return " ".join(Seen(page.text).text.split())


async def state(studio: Studio) -> str:
    return str((await studio.json("/campaigns/push"))["state"])


async def buttons(studio: Studio, campaign: str = "push") -> list[str]:
    links = Seen((await studio.look(f"/campaigns/{campaign}")).text).links
    return [each for each in ("Preview", "Run…", "Pause…", "Resume…", "Close…", "Stop…") if each in links]


def test_each_button_opens_a_page_that_says_what_would_happen_in_figures(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await come(studio)
        await run(studio)
        await studio.log_in("ada")

        pause = said(await studio.look("/campaigns/push/pause"))
        close = said(await studio.look("/campaigns/push/close"))
        stop = said(await studio.look("/campaigns/push/stop"))
        resume = said(await studio.look("/campaigns/push/resume"))
        begin = said(await studio.look("/campaigns/push/run"))

        assert "No further step begins in run 1. Waits keep their ends." in pause
        assert "4 people stay in place, and nothing is sent." in pause
        assert "Run 1 goes on to the end, with 4 people." in close
        assert "The next publication opens it again." in close
        assert "4 people leave the run, and nothing more is sent to them." in stop
        assert "0 queued messages are cancelled." in stop
        assert "All of it is so already: nothing would change." in resume
        assert "The newest change is number 1, a publication" in pause
        assert "Run 1 is under way, and no other one begins before it is over." in begin
        assert await state(studio) == "open", "to look changes nothing"

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


def test_the_button_does_it_and_leads_back_to_the_campaign(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        states = [await buttons(studio)]
        for way, typed in (("pause", ""), ("resume", ""), ("close", ""), ("stop", " push ")):
            answer = await sent(studio, way, name=typed)
            assert (answer.status_code, answer.headers["location"]) == (303, "/campaigns/push")
            states.append([await state(studio), *await buttons(studio)])

        assert states == [
            ["Preview", "Run…", "Pause…", "Close…", "Stop…"],
            ["paused", "Preview", "Resume…", "Close…", "Stop…"],
            ["open", "Preview", "Run…", "Pause…", "Close…", "Stop…"],
            ["closed", "Preview", "Pause…", "Stop…"],
            ["stopped", "Preview"],
        ]
        ledger = studio.door.service.ledger
        assert (ledger.number, ledger.verb, ledger.journey, ledger.by) == (5, "stop", "push", "ada")

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


def test_a_run_begins_once_however_often_its_form_is_sent(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await come(studio)
        await studio.log_in("ada")
        page = await studio.look("/campaigns/push/run")
        told = said(page)

        first = await sent(studio, "run", page)
        second = await sent(studio, "run", page)

        assert "Run 1 begins now, by version 1" in told and "mail: send news on email." in told
        assert (first.status_code, first.headers["location"]) == (303, "/campaigns/push/runs/1#main")
        assert second.status_code == 409 and "Nothing was done: run 1 has begun meanwhile." in said(second)
        (kept,) = (await studio.json("/campaigns/push"))["kept"]
        assert kept["by"] == "ada"

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


def test_nothing_is_done_where_something_has_been_changed_meanwhile_or_its_name_is_not_typed(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        page = await studio.look("/campaigns/push/stop")
        untyped = await sent(studio, "stop", page, name="pusch")
        await studio.door.service.pause_campaign("weekly", by="bob")

        outdated = await sent(studio, "stop", page, name="push")

        assert untyped.status_code == 400 and "Type the name of the campaign to stop it." in said(untyped)
        assert outdated.status_code == 409
        assert "something has been changed meanwhile: number 2, pause of weekly by bob" in said(outdated)
        assert Seen(outdated.text).fields["ledger"] == "2"
        assert await state(studio) == "open"

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


def test_a_key_that_only_looks_previews_and_changes_nothing(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        form = Seen((await studio.look("/campaigns/push/pause")).text).fields
        studio.client.cookies.clear()
        await studio.log_in("eve")

        assert await buttons(studio) == ["Preview"]
        for way in WAYS:
            assert (await studio.look(f"/campaigns/push/{way}")).status_code == 403
            assert (await studio.send(f"/campaigns/push/{way}", form)).status_code == 403
        assert await state(studio) == "open"

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


@pytest.mark.parametrize("way", [*WAYS, "preview"])
def test_a_form_of_another_page_or_of_another_site_is_refused(way: str, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        page = await studio.look("/campaigns/push/pause")
        fields = {**Seen(page.text).fields, "run": "1", "name": "push"}

        forged = await studio.send(f"/campaigns/push/{way}", {**fields, "token": "forged"})
        elsewhere = await studio.send(f"/campaigns/push/{way}", fields, "https://elsewhere.example")
        nowhere = await studio.send(f"/campaigns/push/{way}", fields, None)

        assert [each.status_code for each in (forged, elsewhere, nowhere)] == [403, 403, 403]
        assert await state(studio) == "open" and (await studio.json("/campaigns/push"))["runs"] == 0

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


def test_programs_are_told_the_same_of_a_change_as_they_would_be_dry(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        headers = {"Authorization": "Bearer ada"}
        for way in ("pause", "close", "stop", "resume"):
            told = await studio.client.get(f"/campaigns/push/{way}", headers=headers)
            dry = await studio.client.post(f"/campaigns/push/{way}", headers=headers, json={"dry": True})
            assert told.json() == dry.json() and told.json()["dry"]

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


def test_a_preview_shows_the_sets_that_programs_are_told_and_people_to_those_who_may_see_them(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await come(studio)
        await studio.log_in("eve")
        asked = await studio.look("/campaigns/push/preview")
        hidden = await sent(studio, "preview", asked)
        told = (
            await studio.client.post("/campaigns/push/preview", headers={"Authorization": "Bearer eve"}, json={})
        ).json()
        await studio.log_in("care")
        named = await sent(studio, "preview")

        assert "Nobody is sent anything" in said(asked)
        seen = Seen(hidden.text)
        assert [row[0] for row in seen.rows[1:]] == list(told["steps"])
        for step, known in told["steps"].items():
            took, sets, *_ = seen.row(step)
            assert took == f"{known['inflow']}"
            assert sets == "".join(f"{n} {'in the set' if of == 'main' else of}" for of, n in known["outputs"].items())
        assert "what follows is shown as nobody" in seen.row("later")[-1]
        assert "guest" not in hidden.text and "guest0" in named.text
        assert (await studio.json("/campaigns/push"))["runs"] == 0

    at_the_studio(tmp_path, visit, texts=TEXTS, keys=KEYS, engine=SETTINGS)


def test_an_audience_that_is_kept_up_to_date_can_be_made_now_and_is_not_changed_otherwise(tmp_path: Path) -> None:
    kept = "audiences: {best: {funnel: buying, who: 'reached:2', mode: replace, schedule: {at: 2036-11-02T06:00:00}}}"
    texts = {**TEXTS, "insight/kept.yaml": kept}

    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        assert await buttons(studio, "kept.best") == ["Preview", "Run…"]
        for way in ("pause", "stop"):
            page = await studio.look(f"/campaigns/kept.best/{way}")
            assert page.status_code == 409 and "it is as the newest publication says" in said(page)

    at_the_studio(tmp_path, visit, texts=texts, keys=KEYS, engine=SETTINGS, store=f"sqlite:///{tmp_path}/store")
