"""What a desk finds on the screens of people: whom it may look at, why she got what, and how she is erased."""

from __future__ import annotations

import json
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.ingress.page.salon import SALON, SALON_KEYS, come
from tests.ingress.page.studio import Seen, Studio, at_the_studio
from tests.ingress.page.test_screens import IMAGE, LONG, SCRIPT, TURNED, looks_harmless

from parcours.clock import ManualClock
from parcours.core.fact import Looked
from parcours.ingress.page.frame import POLICY

LATE_MS = 1_796_090_400_000
"""2026-12-01 02:00 UTC."""


def at_the_desk(folder: Path, visit: Callable[[Studio], Awaitable[None]], by: str = "desk") -> None:
    """Somebody who has logged in with this key, after Sarah and Gina have come."""

    async def scene(studio: Studio) -> None:
        await come(studio)
        await studio.log_in(by)
        await visit(studio)

    at_the_studio(folder, scene, texts=SALON, keys=SALON_KEYS)


async def looks_at(studio: Studio, person: str) -> list[tuple[str, str]]:
    return [(each.key, each.route) for each in await studio.door.service.facts(person) if isinstance(each, Looked)]


def test_her_page_tells_who_she_is_where_she_stands_and_why_she_got_what(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        page = await studio.look("/people/sarah")
        seen = Seen(page.text)

        assert page.status_code == 200 and page.headers["content-security-policy"] == POLICY
        assert "http-equiv" not in page.text, "each look is recorded, and takes a reading of the journal"
        assert "@anonymous/7f3a since 20" in seen.text and "email: old@mail.example" in seen.text
        assert seen.row("city") == ["Lille"]
        assert [row for row in seen.rows if row[0] == "sms"] == [
            ["sms", "all", "withdrawn", "no"], ["sms", "classes", "nothing", "no"],
        ]  # fmt: skip
        assert "waits for Came or opened of remind. If nothing happens: sms note, tomorrow " in seen.text
        assert "If nothing happens: 'how' decides which way she goes, 20" in seen.text
        assert seen.links["coming"] == "/journeys/booked?version=1&step=coming#step"
        assert "entered by Booked" in seen.text and "slow: goes on as hers, and was @anonymous/7f3a run 1" in seen.text
        assert "not entered by Booked: event.total > 50 is false" in seen.row("booked")[0]
        assert seen.row("seen")[0].endswith('profile.plan == "gold" is false; now profile.plan is "none"')
        assert seen.row("never")[0].startswith("not entered: nothing of this happened while it could start it: Came")
        by, became = seen.row("sms note to +33612345678")
        assert by == "booked, remind"
        assert became.endswith("refused by the gate 'consent': no consent to sms for classes")
        assert seen.row("email note to sarah@mail.example")[1].endswith("sent")
        (decided,) = [row for row in seen.rows if "best at agent" in row[1:2].__str__()]
        assert decided[1:] == [
            "@anonymous/7f3a: best at agent: ten (score 5)",
            "free: not eligible, profile.plan is missing",
        ]
        assert seen.text.count("best at agent") == 1, "a decision is told once"

    at_the_desk(tmp_path, visit)


def test_whoever_looks_is_recorded_once_for_each_look(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.look("/people/sarah")
        await studio.look("/people?q=sarah@mail.example")
        await studio.look("/people/sarah/erase")
        await studio.look("/people/nobody")
        await studio.look("/people?q=nobody")

        routes = ["/people/{id}", "/people", "/people/{id}/erase"]
        assert await looks_at(studio, "sarah") == [("desk", f"GET {each}") for each in routes]
        assert await looks_at(studio, "gina") == [("desk", "GET /people")]
        assert await studio.door.service.facts("nobody") == []

    at_the_desk(tmp_path, visit)


@pytest.mark.parametrize(
    "text, found",
    [
        ("sarah", ["sarah"]), ("  sarah ", ["sarah"]), ("7f3a", ["sarah"]), ("@anonymous/7f3a", ["sarah"]),
        ("sarah@mail.example", ["gina", "sarah"]), ("+33612345678", ["sarah"]), ("old@mail.example", []),
        ("sara", []), ("sarah@mail", []), ("%", []), ("*", []), ("A-7", ["@badge/a-7"]), ("x" * 2_000, []),
    ],
)  # fmt: skip
def test_people_are_found_by_what_is_exactly_theirs(text: str, found: list[str], tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.door.service.track(None, "Badged", {"badge": "a-7"})
        page = await studio.client.get("/people", params={"q": text}, headers={"Accept": "text/html"})
        told = await studio.client.get("/people", params={"q": text}, headers={"Authorization": "Bearer desk"})

        seen = Seen(page.text)
        assert [each for each, where in seen.links.items() if where.startswith("/people/")] == found
        assert told.json() == {"people": found}
        assert ("Nobody is known by exactly this id, name or address" in seen.text) == (not found)
        assert seen.fields["q"] == text.strip()[:999] + "…" if len(text) > 1_000 else text.strip()

    at_the_desk(tmp_path, visit)


def test_there_is_no_list_of_people_and_of_one_address_few_are_told(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        for number in range(25):
            await studio.door.service.identify(f"twin{number:02}", {"email": "twins@mail.example"})
        await studio.door.service.drain(30)

        empty = Seen((await studio.look("/people")).text)
        many = Seen((await studio.look("/people?q=twins@mail.example")).text)

        assert "sarah" not in empty.text and "twin" not in empty.text
        assert len([each for each in many.links if each.startswith("twin")]) == 20
        assert "5 more have this address." in many.text

    at_the_desk(tmp_path, visit)


def test_a_key_that_may_not_see_people_is_told_so_as_a_page(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        for path in ("/people?q=sarah", "/people/sarah", "/people/sarah/erase", "/people/sarah/export", "/erasures/x"):
            page = await studio.look(path)
            assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
            assert "The key &#x27;eve&#x27; does not open" in page.text and "@mail.example" not in page.text
        listed = Seen((await studio.look("/")).text)
        assert "People" not in listed.links
        step = Seen((await studio.look("/journeys/booked?step=coming")).text)
        assert "sarah" not in step.text and "/people/" not in str(step.elements)
        assert await looks_at(studio, "sarah") == []

    at_the_desk(tmp_path, visit, by="eve")


def test_without_a_session_a_browser_logs_in_first_and_comes_back(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await come(studio)
        page = await studio.look("/people/sarah")
        assert (page.status_code, page.headers["location"]) == (303, "/in?next=%2Fpeople%2Fsarah")
        assert (await studio.client.get("/people/sarah")).status_code == 401

    at_the_studio(tmp_path, visit, texts=SALON, keys=SALON_KEYS)


def test_buttons_are_there_for_whoever_may_press_them(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        page = await studio.look("/people/sarah")
        forms = [told.get("action") for tag, told in Seen(page.text).elements if tag == "form"]
        refused = await studio.look("/people/sarah/erase")
        exported = await studio.look("/people/sarah/export")

        assert forms == ["/out", "/people/sarah/export"]
        assert refused.status_code == 403
        assert exported.headers["content-disposition"] == 'attachment; filename="person.json"'
        assert exported.json()["person"] == "sarah" and exported.json()["names"] == ["@anonymous/7f3a"]

    at_the_desk(tmp_path, visit, by="reader")


def test_whoever_was_merged_away_is_told_and_linked_to(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        seen = Seen((await studio.look("/people/%40anonymous%2F7f3a")).text)

        assert "You asked for @anonymous/7f3a, which is sarah since 20" in seen.text and ", by identify." in seen.text
        assert seen.links["sarah"] == "/people/sarah"

    at_the_desk(tmp_path, visit)


def test_of_somebody_who_was_only_ever_refused_it_is_told_why(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.door.service.track("rosa", "Booked", {"total": 3})
        await studio.door.service.drain(30)

        seen = Seen((await studio.look("/people/rosa")).text)
        assert "She has entered no journey." in seen.text and "She was sent nothing." in seen.text
        assert "not entered by Booked: event.total > 50 is false" in seen.row("booked")[0]
        assert await looks_at(studio, "rosa") == [("desk", "GET /people/{id}")]
        assert "rosa" in Seen((await studio.look("/people?q=rosa")).text).links

    at_the_desk(tmp_path, visit)


def test_nobody_is_erased_by_another_form_or_without_typing_her_id(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        path = "/people/sarah/erase"
        asked = Seen((await studio.look(path)).text)
        token = asked.fields["token"]

        assert "This cannot be undone" in asked.text and "her open runs end where they are: 2" in asked.text
        assert "under all of her names: 2" in asked.text and "http-equiv" not in str(asked.elements)
        assert (await studio.send(path, {"token": token, "id": "sarah"}, "https://evil.example")).status_code == 403
        assert (await studio.send(path, {"token": token, "id": "sarah"}, None)).status_code == 403
        assert (await studio.send(path, {"token": "x", "id": "sarah"})).status_code == 403
        wrong = await studio.send(path, {"token": token, "id": "sara"})
        assert wrong.status_code == 400 and "What was typed is not her id: nobody was erased." in Seen(wrong.text).text
        told = await studio.client.get(path, headers={"Authorization": "Bearer desk"})
        assert told.json() == {"owner": "sarah", "names": ["sarah", "@anonymous/7f3a"], "runs": 2, "messages": 0}
        assert (await studio.look("/people/sarah")).status_code == 200

    at_the_desk(tmp_path, visit)


@pytest.mark.parametrize(
    "odd, path, typed",
    [(" sp ", "%20sp%20", "sp"), ("line\nbreak", "line%0Abreak", "linebreak"), ("a\u00a0b", "a%C2%A0b", "a b")],
)
def test_an_id_that_no_field_can_hold_is_typed_as_well_as_it_can_be(
    tmp_path: Path, odd: str, path: str, typed: str
) -> None:
    async def visit(studio: Studio) -> None:
        await studio.door.service.identify(odd, {"plan": "gold"})
        where = f"/people/{path}/erase"
        token = Seen((await studio.look(where)).text).fields["token"]

        assert (await studio.send(where, {"token": token, "id": "other"})).status_code == 400
        assert (await studio.send(where, {"token": token, "id": typed})).status_code == 303
        assert await studio.door.service.profile(odd) is None

    at_the_desk(tmp_path, visit)


def test_she_is_erased_once_her_id_is_typed_and_then_nobody_knows_her(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        path = "/people/sarah/erase"
        token = Seen((await studio.look(path)).text).fields["token"]

        done = await studio.send(path, {"token": token, "id": "sarah"})
        again = await studio.send(path, {"token": token, "id": "sarah"})

        assert done.status_code == 303 and done.headers["location"].startswith("/erasures/")
        assert again.status_code == 303
        job = await studio.look(done.headers["location"])
        assert "erased</h1>" in job.text and "nobody is told anything of her." in Seen(job.text).text
        for name in ("sarah", "%40anonymous%2F7f3a", "nobody"):
            gone = await studio.look(f"/people/{name}")
            assert gone.status_code == 404
            assert "Nothing is known of such a person: nobody has come by this name, or she was erased." in gone.text
        assert "Nobody is known" in Seen((await studio.look("/people?q=sarah")).text).text
        assert (await studio.look("/people/sarah/erase")).status_code == 404
        assert (await studio.look("/erasures/x")).status_code == 404

    at_the_desk(tmp_path, visit)


def test_what_a_gate_holds_is_told_with_when_it_is_let_go(tmp_path: Path) -> None:
    quiet = SALON["parcours.yaml"].replace("policies: {", 'policies: {quiet_hours: [{from: "00:00", until: "10:14"}], ')

    async def visit(studio: Studio) -> None:
        await come(studio)
        await studio.log_in("desk")

        seen = Seen((await studio.look("/people/sarah")).text)
        assert "If nothing happens: email, sms note is let go, today 10:14 UTC." in seen.text
        assert "held by the gate 'quiet_hours'" in seen.row("email note to sarah@mail.example")[1]
        told = await studio.client.get("/people/sarah/erase", headers={"Authorization": "Bearer desk"})
        assert told.json()["messages"] == 1

    clock = ManualClock(LATE_MS)
    at_the_studio(tmp_path, visit, texts={**SALON, "parcours.yaml": quiet}, keys=SALON_KEYS, clock=clock)


def test_a_run_that_is_parked_or_in_a_paused_journey_is_said_to_be(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.door.service.pause_journey("joined")
        await studio.come()

        stuck = Seen((await studio.look("/people/person1")).text)
        assert "Parked at three, and nothing moves it: more than instant_steps_max=3 steps" in stuck.text
        assert "The journey is paused" not in stuck.text, "she is not in it"

        await studio.door.service.resume_journey("joined")
        await studio.door.service.track("late", "Joined", {})
        await studio.door.service.drain(30)
        await studio.door.service.pause_journey("joined")
        paused = Seen((await studio.look("/people/late")).text)
        assert "The journey is paused: it goes on when that is over." in paused.text and "paused now" in paused.text

    at_the_studio(tmp_path, visit, keys=())


def test_at_a_door_without_keys_everybody_on_its_machine_sees_and_erases_people(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await come(studio)
        assert "Erase…" in (await studio.look("/people/sarah")).text
        token = Seen((await studio.look("/people/sarah/erase")).text).fields["token"]
        done = await studio.send("/people/sarah/erase", {"token": token, "id": "sarah"})
        assert done.status_code == 303 and (await studio.look("/people/sarah")).status_code == 404

    at_the_studio(tmp_path, visit, texts=SALON, keys=())


def test_names_at_a_step_lead_to_their_people(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        step = Seen((await studio.look("/journeys/booked?step=coming")).text)
        assert (step.links["sarah"], step.links["gina"]) == ("/people/sarah", "/people/gina")
        assert (await studio.look(step.links["gina"])).status_code == 200

    at_the_desk(tmp_path, visit, by="reader")


@pytest.mark.parametrize("text", [SCRIPT, IMAGE, TURNED, LONG], ids=["script", "image", "turned", "long"])
def test_whatever_somebody_is_called_and_says_is_a_text_on_her_page(text: str, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        service, name = studio.door.service, text[:200]
        traits = {"email": text, "phone": text, "plan": text, "city": text, text[:100]: {text[:100]: [text]}}
        for trait, value in traits.items():
            await service.identify(name, {trait: value}, anonymous_id=f"visitor {name}")
        for channel in ("email", "sms"):
            await service.consent(name, channel, purpose=text[:100], granted=False)
            await service.suppress(name, channel, text[:200])
        for event in ("Booked", "Joined", "Seen", "Came"):
            await service.track(name, event, {"total": 80, "text": text})
        await service.drain(30)
        for asked in (name, f"@anonymous/visitor {name}"):
            found = await studio.client.get("/people", params={"q": asked}, headers={"Accept": "text/html"})
            looks_harmless(found.text)
            (link,) = [where for where in Seen(found.text).links.values() if where.startswith("/people/")]
            for path in (link, f"{link}/erase", "/journeys/booked?step=coming"):
                page = await studio.look(path)
                assert page.status_code == 200
                looks_harmless(page.text)

    at_the_desk(tmp_path, visit)


def test_of_somebody_with_much_behind_her_the_newest_is_told(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        service = studio.door.service
        await service.identify("mia", {"email": "mia@mail.example", "phone": "+33612345679"})
        for number in range(80):
            await service.track("mia", "Booked", {"total": 60 + number})
            await service.track("mia", "Came", {})
            await service.track("mia", "Booked", {"total": 3})
        await service.drain(60)

        page = await studio.look("/people/mia")

        seen = Seen(page.text)
        assert "Run 80, version 1" in seen.text and "75 earlier runs are in the export." in seen.text
        assert "(80 times)" in seen.row("booked")[0]
        assert len([row for row in seen.rows if "note to" in row[0]]) == 50
        assert len(zlib.compress(page.content)) < 60_000

    at_the_desk(tmp_path, visit)


def test_what_the_door_refuses_is_told_as_a_page_to_whoever_has_logged_in(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        page = await studio.look("/people/%ff")
        assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
        assert "The path is no UTF-8." in page.text
        told = await studio.client.get("/people/%ff", headers={"Authorization": "Bearer desk"})
        assert json.loads(told.text)["code"] == "invalid"

    at_the_desk(tmp_path, visit)
