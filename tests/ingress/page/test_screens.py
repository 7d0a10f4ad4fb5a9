"""What stands on the screens of journeys: the figures that JSON has, in words, each at an address of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.ingress.page.studio import KEYS, TEXTS, Seen, Studio, at_the_studio, key

from parcours import Project
from parcours.ingress.page.frame import POLICY
from parcours.ingress.page.static_files import FOLDER, static_path


def steps_of(seen: Seen) -> dict[str, list[int]]:
    """In, wait, on and out of each step, as the table has them."""
    at = seen.rows.index(["Step", "What it does", "In", "Wait", "On", "Out"])
    return {row[0]: [int(each.replace(",", "")) for each in row[2:]] for row in seen.rows[at + 1 :]}


def test_each_figure_is_one_that_programs_are_told(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in()

        for listed in (await studio.json("/journeys"))["journeys"]:
            of_list = Seen((await studio.look(f"/journeys?q={listed['name']}")).text).rows[1]
            assert of_list[5] == f"{listed['entered_lately']} in 24 h{listed['entered']} in all"
            told = await studio.json(f"/journeys/{listed['name']}")
            page = await studio.look(f"/journeys/{listed['name']}")
            steps = {
                step: [count["inflow"], count["waiting"], count["gone_on"], count["ended"]]
                for step, count in told["steps"].items()
            }
            assert steps_of(Seen(page.text)) == steps
            for step, (inflow, waiting, gone_on, ended) in steps.items():
                assert inflow == waiting + gone_on + ended
                said = f"{inflow} came, {waiting} wait, {gone_on} went on, {ended} ended"
                links = [told for tag, told in Seen(page.text).elements if tag == "a"]
                boxes = [told for told in links if told.get("data-step") == step]
                assert len(boxes) == 1 and said in (boxes[0]["aria-label"] or "")
        assert told["steps"], "there has been something to compare"

    at_the_studio(tmp_path, visit)


def test_the_list_has_a_line_for_each_journey_and_first_those_that_need_attention(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in()
        await studio.door.service.pause_journey("joined")

        seen = Seen((await studio.look("/")).text)

        assert [row[0] for row in seen.rows[1:]] == ["stuck", "bookedclasses reminders ", "joinedclasses "]
        assert seen.row("stuck") == ["open", "parked", "no goal", "10", "10 in 24 h10 in all", "1 (10)"]
        assert seen.row("bookedclasses reminders") == [
            "open", "fine", "44.4 %, 4 of 9, target 50 %", "5", "9 in 24 h9 in all", "1 (5)",
        ]  # fmt: skip
        assert seen.rows[3][1].startswith("paused since 20")
        assert seen.links["parked"] == "/journeys/stuck?step=three#step"
        assert "@mail.example" not in seen.text and "person" not in seen.text

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize(
    "query, names",
    [
        ("q=BOOK", ["booked"]), ("q=until+she", ["booked"]), ("tag=classes", ["booked", "joined"]),
        ("tag=classes&q=joi", ["joined"]), ("state=closed", ["stuck"]), ("state=open&tag=reminders", ["booked"]),
        ("q=nothing+like+that", []), ("q=&tag=&state=", ["booked", "joined", "stuck"]),
    ],
)  # fmt: skip
def test_the_list_is_filtered_by_its_address(query: str, names: list[str], tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        await studio.door.service.close_journey("stuck")

        seen = Seen((await studio.look(f"/journeys?{query}")).text)

        assert [name for name in ("booked", "joined", "stuck") if name in seen.links] == names
        assert ("No journey is like that." in seen.text) == (not names)

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize("who, reloads", [("eve", True), ("amy", False)])
def test_a_step_that_names_people_does_not_load_itself_again(who: str, reloads: bool, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in(who)

        page = (await studio.look("/journeys/booked?step=coming")).text
        assert ('http-equiv="refresh"' in page, "person4" in page) == (reloads, not reloads)
        assert 'http-equiv="refresh"' in (await studio.look("/journeys/booked")).text

    at_the_studio(tmp_path, visit, keys=(*KEYS, key("amy", "operate:read", "people:read")))


def test_a_step_tells_what_it_does_its_ways_and_its_deliveries(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in()

        coming = Seen((await studio.look("/journeys/booked?step=coming")).text)
        remind = Seen((await studio.look("/journeys/booked?step=remind")).text)
        paying = Seen((await studio.look("/journeys/joined?step=paying")).text)
        parked = Seen((await studio.look("/journeys/stuck?step=three")).text)

        assert "Wait for Came or remind opened; after 1d it goes on." in coming.text
        assert "9 came in: 5 wait, 4 went on, 0 went out." in coming.text
        assert coming.row("Came") == ["done", "4"]
        assert coming.row("remind opened") == ["quiet", "0"]
        assert coming.row("after 1d") == ["quiet", "0"]
        assert remind.row("email") == ["sent", "9"]
        assert paying.row('profile.plan == "gold"') == ["done", "3"]
        assert paying.row("otherwise") == ["nudge", "7"]
        assert "Why runs were parked herea reason that only a key with people:read is told: 10" in parked.text
        waiting = [row for row in coming.rows if row[0].startswith("person ")]
        assert len(waiting) == 5 and all(row[-1] == "1" for row in waiting), "no names without people:read"
        assert "What has happened here last" in coming.text and "person0" not in coming.text
        chosen = [told for _, told in coming.elements if "aria-current" in told]
        assert [each.get("data-step") for each in chosen] == ["coming"]
        assert coming.links["Close"] == "/journeys/booked"

    at_the_studio(tmp_path, visit)


def test_versions_are_looked_at_together_or_one_by_one(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in()
        path = studio.folder / "journeys" / "booked.yaml"
        path.write_text(
            path.read_text().replace("id: quiet, wait: 30d", "id: calm, wait: 40d").replace("quiet", "calm")
        )
        await studio.door.service.publish(Project.load(studio.folder), by="ada")
        await studio.door.service.track("newcomer", "Booked", {"total": 80})
        await studio.door.service.drain(30)

        whole = Seen((await studio.look("/journeys/booked")).text)
        old = Seen((await studio.look("/journeys/booked?version=1&step=quiet")).text)
        step = Seen((await studio.look("/journeys/booked?step=coming")).text)
        missing = await studio.look("/journeys/booked?version=7")
        versions = Seen((await studio.look("/journeys/booked/versions")).text)

        assert whole.row("remind")[1:] == ["10", "0", "10", "0"]
        assert whole.row("quiet")[0] == "of an older version"
        assert old.links["version 2"] == "/journeys/booked?version=2"
        assert old.links["remind"] == "/journeys/booked?version=1&step=remind#step"
        assert "Wait 4w2d." in old.text
        assert "Of the versions in which the step has these ways." in step.text
        assert missing.status_code == 404 and "There is no version 7 of it" in missing.text
        assert [row[0] for row in versions.rows] == ["Version", "2", "1"]
        assert (versions.row("2")[1], versions.row("2")[3]) == ("ada", "1")
        assert versions.row("1")[3] == "5"

    at_the_studio(tmp_path, visit)


def test_what_is_not_there_is_told_as_a_page_and_to_programs_as_before(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        for path in ("/journeys/none", "/journeys/none/versions", "/journeys/booked?step=none"):
            page = await studio.look(path)
            assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
            assert "<h1>Not Found</h1>" in page.text and page.headers["content-security-policy"] == POLICY
        told = await studio.client.get("/journeys/none", headers={"Authorization": "Bearer eve"})
        assert (told.status_code, told.json()["code"]) == (404, "unknown")

    at_the_studio(tmp_path, visit)


def test_every_page_is_fenced_in_and_loads_what_may_be_kept_for_ever(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        for path in ("/", "/journeys/booked", "/journeys/booked/versions"):
            page = await studio.look(path)
            assert page.headers["content-security-policy"] == POLICY and page.headers["vary"] == "Accept"
            assert page.headers["cache-control"] == "no-store"
            files = [told["href"] or "" for tag, told in Seen(page.text).elements if tag == "link"]
            for file in files:
                loaded = await studio.client.get(file)
                assert loaded.status_code == 200
                assert loaded.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert len(files) == 2 and all("://" not in file for file in files)
        assert (await studio.client.get("/page/page-0123456789abcdef.css")).status_code == 404
        told = await studio.client.get("/journeys", headers={"Authorization": "Bearer eve"})
        assert told.headers["vary"] == "Accept" and told.headers["content-type"] == "application/json"

    at_the_studio(tmp_path, visit)


def test_a_project_without_journeys_has_its_page_as_well(tmp_path: Path) -> None:
    texts = {path: text for path, text in TEXTS.items() if not path.startswith("journeys/")}

    async def visit(studio: Studio) -> None:
        await studio.log_in()
        assert "No journey is published yet." in Seen((await studio.look("/")).text).text

    at_the_studio(tmp_path, visit, texts=texts)


SCRIPT = "<script>document.title = 'taken'</script>"
IMAGE = "\"><img src='https://elsewhere.example/x.png' onerror='document.title = 1'>"
TURNED = "Or\u202eder \u05e9\u05dc\u05d5\u05dd\u200f & <b>"
LONG = "long" * 2_500
"""Ten thousand characters without a place to break the line."""

ALLOWED = {
    "html", "head", "meta", "title", "link", "noscript", "body", "a", "header", "p", "b", "bdi", "nav", "time", "form",
    "input", "span", "button", "main", "h1", "h2", "h3", "div", "ul", "li", "dl", "dt", "dd", "figure", "table",
    "caption", "thead", "tbody", "tr", "th", "td", "label", "select", "option", "meter", "code", "i",
    "svg", "defs", "marker", "path", "g", "rect", "text", "section", "script", "article", "details", "summary", "pre",
    "ol", "h4", "iframe",
}  # fmt: skip
"""What screens are written with."""


@pytest.mark.parametrize("text", [SCRIPT, IMAGE, TURNED, LONG], ids=["script", "image", "turned", "long"])
def test_whatever_somebody_writes_into_a_project_is_a_text_on_the_page(text: str, tmp_path: Path) -> None:
    name, event = json.dumps(text), json.dumps(text[:200])  # the name of an event may be that long
    kind = text[:4_000]  # an expression may be that long
    condition = json.dumps(f"event.kind == {json.dumps(kind)}")
    texts = {
        "parcours.yaml": "{project: studio, policies: {consent: {default: opt_out}}}",
        "profile.yaml": "{traits: {email: string}, addresses: {email: profile.email}}",
        "events.yaml": f"events:\n  ? {event}\n  : {{properties: {{kind: string}}}}",
        "messages/note.yaml": f"message: note\nclass: transactional\nemail: {{subject: {name}, text: Hello}}",
        "journeys/wild.yaml": f"""
            journey: wild
            description: {name}
            tags: [{name}, plain]
            entry: {{event: {event}, when: {condition}}}
            exit: [{{event: {event}}}]
            goal: {{event: {event}, when: {condition}}}
            steps:
              - {{id: write, send: note, channels: [email]}}
              - {{id: choose, branch: [{{when: {condition}, next: listen}}, {{otherwise: listen}}]}}
              - {{id: listen, wait_for: [{{event: {event}, when: {condition}, next: done}}], timeout: 1d}}
              - {{id: done, end: true}}
        """,
    }

    async def visit(studio: Studio) -> None:
        await studio.door.service.identify("sarah", {"email": "sarah@mail.example"})
        await studio.door.service.track("sarah", text[:200], {"kind": kind})
        await studio.door.service.drain(30)
        await studio.log_in()
        addresses = ["/", "/journeys/wild", "/journeys/wild/versions", "/deliveries", "/engine", "/changes", "/dead"]
        addresses += [f"/journeys/wild?step={step}" for step in ("write", "choose", "listen", "done")]
        for address in addresses:
            page = await studio.look(address)
            assert page.status_code == 200
            looks_harmless(page.text)
        found = await studio.client.get("/journeys", params={"q": text, "tag": text}, headers={"Accept": "text/html"})
        looks_harmless(found.text)
        assert "wild" in Seen(found.text).links or len(text) > 1_000

    at_the_studio(tmp_path, visit, texts=texts)


def looks_harmless(page: str, more: Collection[str] = ()) -> None:
    """Only elements and attributes of ours, nothing that turns text around, and no more than anybody wants to load.

    more  further elements that the screen is written with
    """
    seen = Seen(page)
    assert {tag for tag, _ in seen.elements} <= {*ALLOWED, *more}
    script = f'<script src="{static_path("page.js")}" type="module"></script>'
    assert re.findall("<script.*?</script>", page) == [script]
    for _, told in seen.elements:
        assert not [each for each in told if each.startswith("on") or each == "style"]
        assert not any(urlsplit(told.get(each) or "").netloc for each in ("href", "src", "action"))
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(page)
    assert len(page.encode()) < 400_000


def test_the_script_is_small_and_loads_nothing() -> None:
    script = (FOLDER / "page.js").read_text()

    assert len(script.encode()) <= 12 * 1024
    assert "import " not in script and "//" not in script.replace("// ", "")
