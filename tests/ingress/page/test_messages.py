"""What a step sends can be read on a page: as it would be rendered, in a frame in which nothing runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.ingress.page.salon import SALON, SALON_KEYS, come
from tests.ingress.page.studio import Seen, Studio, at_the_studio
from tests.ingress.page.test_screens import IMAGE, LONG, SCRIPT, TURNED, looks_harmless

from parcours.core.fact import Looked
from parcours.ingress.messages import FRAME_POLICY

MESSAGE = "/journeys/booked/steps/remind/message"


def at_the_desk(folder: Path, visit: Callable[[Studio], Awaitable[None]], by: str = "reader") -> None:
    """Somebody who has logged in with this key, after Sarah and Gina have come."""

    async def scene(studio: Studio) -> None:
        await come(studio)
        await studio.log_in(by)
        await visit(studio)

    at_the_studio(folder, scene, texts=SALON, keys=SALON_KEYS)


def test_the_panel_of_a_send_leads_to_what_it_says(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        panel = Seen((await studio.look("/journeys/booked?step=remind")).text)
        old = Seen((await studio.look("/journeys/booked?version=1&step=remind")).text)
        other = Seen((await studio.look("/journeys/booked?step=coming")).text)
        page = Seen((await studio.look(MESSAGE)).text)

        assert (panel.links["note"], old.links["note"]) == (MESSAGE, f"{MESSAGE}?version=1")
        assert "What note says" in panel.text and "note" not in other.links
        assert "subjectA class in" in page.text and "smstextCome soon" in page.text and "Lille" not in page.text
        (frame,) = [told for tag, told in page.elements if tag == "iframe"]
        assert (frame["src"], frame["sandbox"], frame["title"]) == (f"{MESSAGE}/email/html", "", "email html")
        assert page.links["remind"] == "/journeys/booked?step=remind#step"

    at_the_desk(tmp_path, visit)


def test_with_the_data_of_somebody_it_says_what_she_would_read_and_she_has_been_looked_at(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        page = Seen((await studio.look(f"{MESSAGE}?person=%40anonymous%2F7f3a&version=1")).text)
        (frame,) = [told["src"] or "" for tag, told in page.elements if tag == "iframe"]
        shown = await studio.look(frame)
        headers = {"Authorization": "Bearer reader"}
        told = (await studio.client.get(MESSAGE, params={"person": "sarah"}, headers=headers)).json()

        assert "subjectA class in Lille" in page.text
        assert "Come to Lille, you have booked for 80" in shown.text, "by what her run keeps of its event"
        assert shown.headers["content-security-policy"] == FRAME_POLICY
        assert FRAME_POLICY.startswith("sandbox; default-src 'none';")
        (email, sms) = told["contents"]
        assert (email["said"]["subject"], email["html"], email["failed"]) == ("A class in Lille", ["html"], None)
        assert (sms["channel"], sms["said"], sms["html"]) == ("sms", {"text": "Come soon"}, [])
        looks = [each.route for each in await studio.door.service.facts("sarah") if isinstance(each, Looked)]
        assert looks == ["GET /journeys/{name}/steps/{step}/message"] * 3
        runs = await studio.door.service.profile("sarah")
        assert runs is not None and len(runs.runs) == 2, "nothing has happened to her"

    at_the_desk(tmp_path, visit)


@pytest.mark.parametrize(
    "path, status",
    [
        ("/journeys/booked/steps/coming/message", 404), ("/journeys/none/steps/remind/message", 404),
        (f"{MESSAGE}?version=7", 404), (f"{MESSAGE}?version=x", 400), (f"{MESSAGE}?other=1", 400),
        (f"{MESSAGE}?person=nobody", 404), (f"{MESSAGE}/email/subject", 404), (f"{MESSAGE}/push/html", 404),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told(path: str, status: int, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        page = await studio.look(path)
        told = await studio.client.get(path, headers={"Authorization": "Bearer reader"})
        assert page.status_code == told.status_code == status
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert told.headers["content-type"] == "application/json"

    at_the_desk(tmp_path, visit)


def test_a_key_that_may_not_see_people_reads_it_with_nobodys_data(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        page = await studio.look(MESSAGE)
        assert page.status_code == 200 and "With the data of" not in page.text
        for path in (f"{MESSAGE}?person=sarah", f"{MESSAGE}/email/html?person=sarah"):
            refused = await studio.look(path)
            assert refused.status_code == 403 and "Lille" not in refused.text
        assert not [each for each in await studio.door.service.facts("sarah") if isinstance(each, Looked)]

    at_the_desk(tmp_path, visit, by="eve")


def test_what_cannot_be_rendered_says_why(tmp_path: Path) -> None:
    text = "{% if profile.city != 'Lille' %}{% abort 'no city' %}{% endif %}x"
    texts = {**SALON, "messages/note.yaml": f'{{message: note, class: marketing, sms: {{text: "{text}"}}}}'}
    texts["journeys/booked.yaml"] = SALON["journeys/booked.yaml"].replace("[email, sms]", "[sms]")

    async def visit(studio: Studio) -> None:
        await come(studio)
        await studio.log_in("reader")
        assert "It cannot be rendered: no city" in Seen((await studio.look(MESSAGE)).text).text
        assert "smstextx" in Seen((await studio.look(f"{MESSAGE}?person=sarah")).text).text

    at_the_studio(tmp_path, visit, texts=texts, keys=SALON_KEYS)


@pytest.mark.parametrize("text", [SCRIPT, IMAGE, TURNED, LONG], ids=["script", "image", "turned", "long"])
def test_what_somebody_has_said_is_a_text_in_a_message_too(text: str, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.door.service.identify("eva", {"city": text})
        looks_harmless((await studio.look(f"{MESSAGE}?person=eva")).text)
        shown = await studio.look(f"{MESSAGE}/email/html?person=eva")
        assert len([tag for tag, _ in Seen(shown.text).elements if tag in ("script", "img")]) == 2, "the author's own"

    at_the_desk(tmp_path, visit)
