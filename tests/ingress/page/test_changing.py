"""Whoever may operate the engine pauses, resumes, closes and stops a journey by forms that say before what they do."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from tests.ingress.page.studio import Seen, Studio, at_the_studio

from parcours import ShardUnavailable

VERBS = ("pause", "resume", "close", "stop")


async def sent(
    studio: Studio, verb: str, page: httpx.Response | None = None, *, name: str | None = None
) -> httpx.Response:
    """The form of a page, as it was shown, with what somebody fills in."""
    page = page or await studio.look(f"/journeys/booked/{verb}")
    assert page.status_code == 200, page.text
    typed = {} if name is None else {"name": name}
    return await studio.send(f"/journeys/booked/{verb}", {**Seen(page.text).fields, **typed})


def said(page: httpx.Response) -> str:
    """The text of a page, on one line."""
    return " ".join(Seen(page.text).text.split())


async def state(studio: Studio) -> str:
    return str((await studio.json("/journeys/booked"))["state"])


def test_each_button_opens_a_page_that_says_what_would_happen_in_figures(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in("ada")

        pause = said(await studio.look("/journeys/booked/pause"))
        close = said(await studio.look("/journeys/booked/close"))
        stop = said(await studio.look("/journeys/booked/stop"))
        resume = said(await studio.look("/journeys/booked/resume"))

        assert "Nobody enters." in pause and "5 runs stay where they are, and nothing is sent." in pause
        assert "up to 200 inputs of each person" in pause and "however long that takes" in pause
        assert "5 runs go on to their end." in close and "The next publication opens it again." in close
        assert "5 runs stop where they are." in stop and "0 queued messages are cancelled." in stop
        assert "All of it is so already: nothing would change." in resume
        assert "The newest change is number 1, a publication" in pause
        assert await state(studio) == "open", "to look changes nothing"

    at_the_studio(tmp_path, visit)


def test_the_button_does_it_and_leads_back_to_the_journey(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in("ada")
        states = []
        for verb, typed in (("pause", None), ("resume", None), ("close", None), ("stop", " booked ")):
            answer = await sent(studio, verb, name=typed)
            assert (answer.status_code, answer.headers["location"]) == (303, "/journeys/booked")
            states.append(await state(studio))

        assert states == ["paused", "open", "closed", "stopped"]
        ledger = studio.door.service.ledger
        assert (ledger.number, ledger.verb, ledger.journey, ledger.by) == (5, "stop", "booked", "ada")

    at_the_studio(tmp_path, visit)


def test_a_resume_says_who_makes_up_for_what(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in("ada")
        await studio.door.service.pause_journey("booked")
        await studio.door.service.track("person1", "Came", {})
        await studio.door.service.drain(30)

        before = said(await studio.look("/journeys/booked/resume"))
        await studio.door.service.close_journey("booked")
        closed = said(await studio.look("/journeys/booked/resume"))

        assert "1 run makes up for what was missed, each input at its own time." in before
        assert "4 runs go on from where they were left." in before and "People enter again." in before
        assert "Nobody enters: a publication opens it again." in closed

    at_the_studio(tmp_path, visit)


def test_buttons_are_there_for_what_would_change_something(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")

        async def buttons() -> list[str]:
            links = Seen((await studio.look("/journeys/booked")).text).links
            return [each for each in ("Pause…", "Resume…", "Close…", "Stop…") if each in links]

        assert await buttons() == ["Pause…", "Close…", "Stop…"]
        await sent(studio, "pause")
        assert await buttons() == ["Resume…", "Close…", "Stop…"]
        await sent(studio, "close")
        assert await buttons() == ["Resume…", "Stop…"]
        await sent(studio, "stop", name="booked")
        assert await buttons() == []

    at_the_studio(tmp_path, visit)


def test_a_key_that_only_looks_has_no_buttons_and_changes_nothing(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        form = Seen((await studio.look("/journeys/booked/pause")).text).fields
        studio.client.cookies.clear()
        await studio.log_in("eve")

        assert "Pause…" not in (await studio.look("/journeys/booked")).text
        for verb in VERBS:
            assert (await studio.look(f"/journeys/booked/{verb}")).status_code == 403
            assert (await studio.send(f"/journeys/booked/{verb}", form)).status_code == 403
        assert await state(studio) == "open"

    at_the_studio(tmp_path, visit)


def test_a_ledger_that_has_moved_is_refused_with_what_would_happen_now(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in("ada")
        read = await studio.look("/journeys/booked/stop")
        await studio.door.service.pause_journey("joined", by="eve")
        await studio.door.service.track("person1", "Came", {})
        await studio.door.service.drain(30)

        refused = await sent(studio, "stop", read, name="booked")
        again = await sent(studio, "stop", httpx.Response(200, text=refused.text), name="booked")

        assert refused.status_code == 409
        assert "something has been changed meanwhile: number 2, pause of joined by eve at 20" in said(refused)
        assert "4 runs stop where they are." in said(refused)
        assert (again.status_code, await state(studio)) == (303, "stopped")

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize("typed", ["", "Booked", "joined", "booked2"])
def test_a_stop_takes_the_name_of_the_journey(typed: str, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        answer = await sent(studio, "stop", name=typed)

        assert answer.status_code == 400 and "Type the name of the journey" in said(answer)
        assert await state(studio) == "open"

    at_the_studio(tmp_path, visit)


def test_what_cannot_be_done_is_said_without_a_button(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        form = Seen((await studio.look("/journeys/booked/pause")).text).fields
        await studio.door.service.stop_journey("booked")
        seen = await studio.look("/journeys/booked/pause")
        answer = await studio.send("/journeys/booked/pause", {**form, "ledger": f"{studio.door.service.ledger.number}"})

        for page, status in ((seen, 200), (answer, 409)):
            assert page.status_code == status
            assert "the journey 'booked' is stopped: nobody is in it, and nobody enters" in said(page)
            assert "ledger" not in Seen(page.text).fields
        assert (await studio.look("/journeys/none/pause")).status_code == 404

    at_the_studio(tmp_path, visit)


def test_a_form_that_is_not_of_this_session_and_this_page_changes_nothing(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        form = Seen((await studio.look("/journeys/booked/pause")).text).fields
        path = "/journeys/booked/pause"

        answers = {
            "another origin": await studio.send(path, form, "http://elsewhere.example"),
            "no origin": await studio.send(path, form, None),
            "no token": await studio.send(path, {"ledger": form["ledger"]}),
            "no ledger": await studio.send(path, {"token": form["token"]}),
            "no number": await studio.send(path, {**form, "ledger": "1.0"}),
            "no form": await studio.client.post(
                path, json=form, headers={"Accept": "text/html", "Origin": "http://localhost"}
            ),
        }
        studio.client.cookies.clear()
        answers["no session"] = await studio.send(path, form)
        await studio.log_in("ada")
        answers["an older session"] = await studio.send(path, form)

        assert {why: each.status_code for why, each in answers.items()} == {
            "another origin": 403, "no origin": 403, "no token": 403, "no ledger": 400, "no number": 400,
            "no form": 415, "no session": 303, "an older session": 403,
        }  # fmt: skip
        assert await state(studio) == "open"

    at_the_studio(tmp_path, visit)


def test_programs_are_told_the_same_and_need_a_key(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        for verb, runs in (("pause", "stay"), ("close", "stay"), ("stop", "end")):
            told = await studio.client.get(f"/journeys/booked/{verb}", headers={"Authorization": "Bearer ada"})
            asked = await studio.client.post(
                f"/journeys/booked/{verb}", json={"dry": True}, headers={"Authorization": "Bearer ada"}
            )
            assert told.json() == asked.json() and told.json()["dry"]
            assert told.headers["vary"] == "Accept" and told.headers["content-type"] == "application/json"
            assert told.json()["runs"][runs] == 5
        only_looks = await studio.client.get("/journeys/booked/stop", headers={"Authorization": "Bearer eve"})
        assert only_looks.json()["code"] == "scope"

    at_the_studio(tmp_path, visit)


def test_what_is_being_decided_is_not_loaded_anew(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        for path, reloads in (("/journeys/booked", True), ("/journeys/booked/stop", False)):
            found = [told for tag, told in Seen((await studio.look(path)).text).elements if tag == "meta"]
            assert any(each.get("http-equiv") == "refresh" for each in found) == reloads

    at_the_studio(tmp_path, visit)


def test_a_door_without_keys_lets_whoever_is_on_its_machine_change_things(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        assert "Pause…" in Seen((await studio.look("/journeys/booked")).text).links
        answer = await sent(studio, "pause")

        assert answer.status_code == 303
        assert studio.door.service.ledger.journeys["booked"].state == "paused"
        assert studio.door.service.ledger.by == "anybody"

    at_the_studio(tmp_path, visit, keys=())


def test_a_shard_that_does_not_answer_is_told_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        read = await studio.look("/journeys/booked/pause")

        async def away(_name: str, **_asked: object) -> None:
            raise ShardUnavailable("shard 1 does not answer")

        monkeypatch.setattr(studio.door.service, "pause_journey", away)
        answers = [await studio.look("/journeys/booked/pause"), await sent(studio, "pause", read)]

        for answer in answers:
            assert answer.status_code == 503 and "Shard 1 does not answer." in said(answer)
        assert await state(studio) == "open"

    at_the_studio(tmp_path, visit)


def test_below_a_path_of_its_own_forms_and_ways_back_have_that_path(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        page = await studio.look("/journeys/booked/pause")
        answer = await sent(studio, "pause", page)

        forms = [told["action"] for tag, told in Seen(page.text).elements if tag == "form"]
        assert "/crm/journeys/booked/pause" in forms
        assert answer.headers["location"] == "/crm/journeys/booked"
        assert Seen((await studio.look("/journeys/booked")).text).links["Resume…"] == "/crm/journeys/booked/resume"

    at_the_studio(tmp_path, visit, public_url="http://localhost/crm")
