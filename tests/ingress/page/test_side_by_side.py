"""Any two versions of a journey side by side: in words, in both pictures and in documents; as a page and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.ingress.page.studio import TEXTS, Seen, Studio, at_the_studio
from tests.ingress.page.test_screens import IMAGE, LONG, SCRIPT, TURNED, looks_harmless

from parcours import Project
from parcours.ingress.version_comparison import LINE_MAX, TEXT_LINES_MAX

SIDES = "/journeys/booked/versions?left=1&right=2"


async def publish(studio: Studio, file: str = "journeys/booked.yaml", **changed: str) -> None:
    """Publish the project with texts replaced in one of its files, once somebody is in the version before."""
    await studio.come()
    path = studio.folder / file
    text = path.read_text()
    for was, becomes in changed.items():
        assert was in text
        text = text.replace(was, becomes)
    path.write_text(text)
    await studio.door.service.publish(Project.load(studio.folder), by="ada")


def signs(page: str) -> dict[str, list[str]]:
    """What is said of the steps in both pictures that are marked, by what is said."""
    boxes = [told for _, told in Seen(page).elements if told.get("data-step")]
    said: dict[str, list[str]] = {}
    for each in boxes:
        what = (each["aria-label"] or "").partition(" ")[0]
        if what in ("New.", "Gone.", "Changed."):
            said.setdefault(what, []).append(each["data-step"] or "")
    return said


def test_what_is_otherwise_is_told_in_words_in_pictures_and_in_the_documents(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await publish(studio, **{
            "timeout: 1d": "timeout: 2d", "{id: quiet, wait: 30d}": "{id: quiet, wait: 30d}\n  - {id: late, wait: 1d}",
        })  # fmt: skip
        await studio.log_in()

        page = (await studio.look(SIDES)).text
        told = await studio.json(SIDES)

        assert told["told"] == ["coming: time-out 1d → 2d", "new step late after quiet: wait 1d"]
        assert told["steps"] == {"coming": "changed", "late": "new"}
        assert (told["name"], told["left"], told["right"]) == ("booked", 1, 2)
        (text,) = told["texts"]
        assert text["path"] == "journeys/booked.yaml"
        assert "-  timeout: 1d" in text["lines"] and "+  timeout: 2d" in text["lines"]
        assert all(line in Seen(page).text for line in [*told["told"], *text["lines"]])
        assert signs(page) == {"Changed.": ["coming", "coming"], "New.": ["late"]}
        assert [told.get("id") for tag, told in Seen(page).elements if tag == "marker"] == ["left-tip", "right-tip"]
        assert "parcours diff OLD NEW --events FILE" in Seen(page).text

        back = await studio.look("/journeys/booked/versions?left=2&right=1")
        assert signs(back.text) == {"Changed.": ["coming", "coming"], "Gone.": ["late"]}

    at_the_studio(tmp_path, visit)


def test_a_message_that_says_something_else_marks_the_steps_that_send_it(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await publish(studio, "messages/note.yaml", Hi="Welcome")
        await studio.log_in()

        told = await studio.json(SIDES)

        assert told["told"] == ["message note: email subject “Hi” → “Welcome”"]
        assert told["steps"] == {"remind": "changed"}
        assert [each["path"] for each in told["texts"]] == ["messages/note.yaml"]

    at_the_studio(tmp_path, visit)


def test_a_version_of_which_nothing_can_be_seen_says_so_and_one_with_itself_differs_in_nothing(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await publish(studio, "events.yaml", **{"total: number": "total: number, place: string"})
        await studio.log_in()

        told = await studio.json(SIDES)
        alone = await studio.json("/journeys/booked/versions?left=2&right=2")

        assert told["told"] == [
            "no step does anything else: words about it have changed, or the declaration of what it uses"
        ]
        assert (alone["told"], alone["steps"], alone["texts"]) == ([], {}, [])
        page = await studio.look("/journeys/booked/versions?left=2&right=2")
        assert "They do not differ in anything." in page.text and signs(page.text) == {}

    at_the_studio(tmp_path, visit)


def test_two_versions_are_chosen_by_a_form_and_the_newest_two_stand_in_it(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        alone = Seen((await studio.look("/journeys/booked/versions")).text)
        await publish(studio, **{"timeout: 1d": "timeout: 2d"})
        two = Seen((await studio.look("/journeys/booked/versions")).text)

        assert not [each for tag, each in alone.elements if tag == "select"]
        chosen = [each["value"] for tag, each in two.elements if tag == "option" and "selected" in each]
        assert chosen == ["1", "2"]
        assert "Version 1 and version 2" not in two.text

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize(
    "query, status, said",
    [
        ("left=1&right=7", 404, "there is no version 7 of it"),
        ("left=%3Cb%3E&right=1", 404, "there is no version <b> of it"),
        ("left=1", 400, "`left` and `right` go together"),
        ("right=1", 400, "`left` and `right` go together"),
    ],
)
def test_a_version_that_is_not_there_cannot_be_compared(query: str, status: int, said: str, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        told = await studio.client.get(f"/journeys/booked/versions?{query}", headers={"Authorization": "Bearer eve"})
        page = await studio.look(f"/journeys/booked/versions?{query}")

        assert (told.status_code, page.status_code) == (status, status)
        assert said in told.json()["message"] and said[1:] in Seen(page.text).text

    at_the_studio(tmp_path, visit)


def test_a_document_without_end_is_bounded(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        many = "".join(f"        line {number} of the mail\n" for number in range(TEXT_LINES_MAX + 10))
        await publish(studio, "messages/note.yaml", **{
            "message: note, class: transactional, email: {subject: Hi, text: Hello}":
            f"message: note, class: transactional, email: {{subject: Hi, text: {json.dumps(many)}}}",
        })  # fmt: skip
        path = studio.folder / "messages" / "note.yaml"
        path.write_text(path.read_text().replace("Hi", "x" * 5_000))
        await studio.door.service.publish(Project.load(studio.folder))
        await studio.log_in()

        told = await studio.json(SIDES)
        page = await studio.look("/journeys/booked/versions?left=1&right=3")

        assert told["told"] == ["message note: email text"]
        assert all(len(line) <= LINE_MAX + 1 for each in told["texts"] for line in each["lines"])
        assert page.status_code == 200 and len(page.text) < 400_000

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize("text", [SCRIPT, IMAGE, TURNED, LONG], ids=["script", "image", "turned", "long"])
def test_whatever_stands_in_a_version_is_a_text(text: str, tmp_path: Path) -> None:
    kind = json.dumps(text[:200])
    texts = {
        **TEXTS,
        "journeys/booked.yaml": f"""
            journey: booked
            description: {json.dumps(text)}
            tags: [{kind}]
            entry: {{event: Booked, when: {json.dumps(f"event.total > 5 && {kind} != 'a'")}}}
            steps:
              - {{id: remind, send: note, channels: [email]}}
              - {{id: quiet, wait: 30d}}
        """,
    }

    async def visit(studio: Studio) -> None:
        await studio.come()
        for file in ("journeys/booked.yaml", "messages/note.yaml"):
            path = studio.folder / file
            path.write_text(path.read_text().replace("event.total > 5", "event.total > 6").replace("Hi", kind))
        await studio.door.service.publish(Project.load(studio.folder))
        await studio.log_in()
        page = await studio.look(SIDES)
        assert page.status_code == 200
        looks_harmless(page.text, {"ins", "del", "pre", "figcaption", "h4"})
        assert text[:20] in Seen(page.text).text or text == TURNED

    at_the_studio(tmp_path, visit, texts=texts)
