"""The folder with which a door was started is published by the page, once it has said what that would do."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event

import httpx
import pytest
from tests.ingress.page.studio import Seen, Studio, at_the_studio
from tests.ingress.page.test_screens import IMAGE, SCRIPT, TURNED, looks_harmless

from parcours import Project
from parcours.dispatch.judgement import load_project
from parcours.ingress import project_folder
from parcours.ingress.project_folder import ProjectFolder

DIFFERS = "The project in the folder of this door is another one than what is published"


async def with_folder(studio: Studio) -> None:
    """Give the door its folder, and publish it as channels read it: as `parcours serve` does."""
    await studio.door.service.publish(load_project(studio.folder))
    studio.door.folder = ProjectFolder(studio.folder, studio.door.uploads)


def write(studio: Studio, file: str, was: str, becomes: str) -> None:
    """Change a file of the folder, at another time than any before."""
    path = studio.folder / file
    text, at = path.read_text(), path.stat().st_mtime_ns + 1_000_000_000
    assert was in text
    path.write_text(text.replace(was, becomes))
    os.utime(path, ns=(at, at))


def said(page: httpx.Response) -> str:
    return " ".join(Seen(page.text).text.split())


async def sent(studio: Studio, page: httpx.Response) -> httpx.Response:
    return await studio.send("/publish", Seen(page.text).fields)


def test_the_list_says_that_the_folder_is_another_one_and_leads_to_where_it_is_published(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        without = said(await studio.look("/journeys"))
        await with_folder(studio)
        same = said(await studio.look("/journeys"))
        write(studio, "journeys/booked.yaml", "timeout: 1d", "timeout: 2d")
        differs = await studio.look("/journeys")
        studio.client.cookies.clear()
        await studio.log_in("eve")
        only_looks = await studio.look("/journeys")
        write(studio, "journeys/booked.yaml", "send: note", "send: nothing")
        broken = said(await studio.look("/journeys"))

        assert DIFFERS not in without and DIFFERS not in same
        assert DIFFERS in said(differs) and Seen(differs.text).links["Publish…"] == "/publish"
        assert DIFFERS in said(only_looks) and "Publish…" not in Seen(only_looks.text).links
        assert f"{DIFFERS}, and it has errors." in broken

    at_the_studio(tmp_path, visit)


def test_it_says_journey_by_journey_what_changes_for_whom_and_one_button_does_it(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        await with_folder(studio)
        await studio.come()
        write(studio, "journeys/booked.yaml", "timeout: 1d", "timeout: 2d")
        write(studio, "parcours.yaml", "opt_out", "opt_in")
        (studio.folder / "audiences.yaml").write_text('audiences: {gold: profile.plan == "gold"}')
        (studio.folder / "journeys" / "new.yaml").write_text(
            "{journey: new, entry: {audience: gold}, steps: [{id: one, wait: 1d}]}"
        )

        page = await studio.look("/publish")
        told = said(page)
        headings = re.findall("<h2><bdi>(.*?)</bdi></h2>", page.text)
        answer = await sent(studio, page)
        after = said(await studio.look("/publish"))

        assert headings == ["booked", "new"], "journeys that say what they said are not told of"
        assert "Version 2 takes the entries. Who is in it stays in her version: 5 runs in version 1." in told
        assert "coming: time-out 1d → 2d" in told
        assert "It is new: version 1 takes the entries.Entry: gold entered" in told
        assert "parcours.yaml has changed: policies" in told and "the audience 'gold' is new" in told
        assert "Who is in the audience gold is found out, and nobody is told of it." in told
        assert "The newest change is number 2, " in told
        assert (answer.status_code, answer.headers["location"]) == (303, "/journeys")
        ledger = studio.door.service.ledger
        assert (ledger.number, ledger.by) == (3, "ada")
        assert ledger.journeys["booked"].newest.number == 2 and ledger.journeys["booked"].newest.by == "ada"
        assert "nothing would change" in after and DIFFERS not in said(await studio.look("/journeys"))

    at_the_studio(tmp_path, visit)


def test_a_journey_that_changes_by_what_it_uses_alone_says_so(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        await with_folder(studio)
        write(studio, "events.yaml", "total: number", "total: number, place: string")

        told = said(await studio.look("/publish"))

        assert (
            "Version 2 takes the entries. Nobody is in it now.no step does anything else: words about it have changed"
            in told
        )
        assert "the event type 'Booked' has changed" in told

    at_the_studio(tmp_path, visit)


def test_documents_that_say_the_same_otherwise_change_nothing_for_anybody(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        await with_folder(studio)
        write(studio, "journeys/booked.yaml", "journey: booked", "journey: booked\npriority: 50")

        page = await studio.look("/publish")
        noted = said(await studio.look("/journeys"))
        await sent(studio, page)

        assert "Nothing changes for anybody: the documents only say the same in other words." in said(page)
        assert DIFFERS in noted and DIFFERS not in said(await studio.look("/journeys"))
        assert studio.door.service.ledger.journeys["booked"].newest.number == 1

    at_the_studio(tmp_path, visit)


def test_what_is_closed_is_told_to_open_again(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        await with_folder(studio)
        assert "Publish…" not in Seen((await studio.look("/journeys/joined")).text).links
        await studio.door.service.close_journey("joined")
        assert Seen((await studio.look("/journeys/joined")).text).links["Publish…"] == "/publish"

        page = await studio.look("/publish")
        await sent(studio, page)

        assert "the journey 'joined' is open again" in said(page)
        assert studio.door.service.ledger.journeys["joined"].state == "open"

    at_the_studio(tmp_path, visit)


def test_refusals_are_listed_without_a_button(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        await with_folder(studio)
        write(studio, "journeys/booked.yaml", "send: note", "send: noten")
        broken = await studio.look("/publish")
        write(studio, "journeys/booked.yaml", "send: noten", "send: note")
        write(studio, "parcours.yaml", "project: studio", "project: another")
        foreign = await studio.look("/publish")

        assert "journeys/booked.yaml" in said(broken) and "'noten'" in said(broken)
        assert "the store belongs to project 'studio', not to 'another'" in said(foreign)
        for page in (broken, foreign):
            assert page.status_code == 200 and "ledger" not in Seen(page.text).fields
            assert "It would be refused, and nothing would change:" in said(page)

    at_the_studio(tmp_path, visit)


def test_neither_a_folder_nor_a_ledger_that_has_moved_is_published(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        await with_folder(studio)
        write(studio, "journeys/booked.yaml", "timeout: 1d", "timeout: 2d")
        read = await studio.look("/publish")
        write(studio, "journeys/booked.yaml", "timeout: 2d", "timeout: 3d")
        another_folder = await sent(studio, read)
        read = await studio.look("/publish")
        await studio.door.service.pause_journey("joined", by="eve")
        another_ledger = await sent(studio, read)
        write(studio, "journeys/booked.yaml", "send: note", "send: noten")
        broken = await sent(studio, another_ledger)

        assert (another_folder.status_code, another_ledger.status_code, broken.status_code) == (409, 409, 409)
        assert "the folder has been changed meanwhile" in said(another_folder)
        assert "coming: time-out 1d → 3d" in said(another_folder)
        assert "number 3, pause of joined by eve" in said(another_ledger)
        assert "'noten'" in said(broken)
        assert studio.door.service.ledger.journeys["booked"].newest.number == 1

    at_the_studio(tmp_path, visit)


def test_a_door_without_a_folder_says_how_else_one_publishes(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        page = await studio.look("/publish")
        told = await studio.client.get("/publish", headers={"Authorization": "Bearer ada"})
        form = Seen((await studio.look("/journeys/booked/pause")).text).fields
        posted = await studio.send("/publish", form)

        assert "parcours publish FOLDER --url URL" in said(page)
        assert (told.status_code, told.json()["code"], posted.status_code) == (404, "unknown", 404)

    at_the_studio(tmp_path, visit)


def test_only_who_may_operate_publishes_by_a_form_of_the_page(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        await with_folder(studio)
        write(studio, "journeys/booked.yaml", "timeout: 1d", "timeout: 2d")
        form = Seen((await studio.look("/publish")).text).fields
        elsewhere = await studio.send("/publish", form, "http://elsewhere.example")
        without_token = await studio.send("/publish", {**form, "token": ""})
        studio.client.cookies.clear()
        await studio.log_in("eve")
        only_looks = await studio.send("/publish", form)

        assert {each.status_code for each in (elsewhere, without_token, only_looks)} == {403}
        assert (await studio.look("/publish")).status_code == 403
        assert studio.door.service.ledger.number == 2

    at_the_studio(tmp_path, visit)


def test_programs_are_told_what_it_would_do(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await with_folder(studio)
        ada = {"Authorization": "Bearer ada"}
        same = (await studio.client.get("/publish", headers=ada)).json()
        write(studio, "journeys/booked.yaml", "timeout: 1d", "timeout: 2d")
        told = (await studio.client.get("/publish", headers=ada)).json()
        write(studio, "journeys/booked.yaml", "send: note", "send: noten")
        answer = await studio.client.get("/publish", headers=ada)
        broken = answer.json()

        assert answer.headers["vary"] == "Accept"
        assert (same["dry"], same["changes"], same["refused"]) == (True, [], [])
        assert told["changes"] == [
            "the journey 'booked' has changed: version 2 takes the entries, and who is in it stays in her version"
        ]
        assert len(broken["refused"]) == 1 and "'noten'" in broken["refused"][0]

    at_the_studio(tmp_path, visit)


def test_a_folder_is_read_again_only_where_a_file_has_changed(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await with_folder(studio)
        folder = studio.door.folder
        assert folder is not None
        first, again = await folder.reading(), await folder.reading()
        both = await asyncio.gather(folder.reading(), folder.reading())
        (studio.folder / "events.ndjson").write_text("{}")
        beside = await folder.reading()
        write(studio, "messages/note.yaml", "Hi", "Hello")
        changed, shared = await asyncio.gather(folder.reading(), folder.reading())

        assert all(each is first for each in (again, *both, beside))
        assert changed is shared and changed.source != first.source

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize("gone", ["parcours.yaml", "messages/note.yaml"])
def test_a_folder_that_loses_files_has_errors_until_they_are_back(gone: str, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await with_folder(studio)
        folder = studio.door.folder
        assert folder is not None
        whole = await folder.reading()
        (studio.folder / gone).rename(tmp_path / "aside")
        without = await folder.reading()
        (tmp_path / "aside").rename(studio.folder / gone)

        assert without.project is None and without.findings
        assert (await folder.reading()).source == whole.source

    at_the_studio(tmp_path, visit)


def test_who_only_looks_at_journeys_does_not_wait_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def visit(studio: Studio) -> None:
        goes_on = Event()
        await with_folder(studio)
        monkeypatch.setattr(project_folder, "GLANCE_S", 0.01)
        read = studio.door.uploads.project

        async def slow(files: Mapping[str, str], load: Callable[[Mapping[str, str]], Project]) -> Project:
            await asyncio.to_thread(goes_on.wait)
            return await read(files, load)

        monkeypatch.setattr(studio.door.uploads, "project", slow)
        write(studio, "journeys/booked.yaml", "timeout: 1d", "timeout: 2d")
        await studio.log_in("ada")
        early = said(await studio.look("/journeys"))
        goes_on.set()
        monkeypatch.setattr(project_folder, "GLANCE_S", 30)

        assert DIFFERS not in early and DIFFERS in said(await studio.look("/journeys"))

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize("text", [SCRIPT, IMAGE, TURNED], ids=["script", "image", "turned"])
def test_whatever_stands_in_the_folder_is_a_text(text: str, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        await with_folder(studio)
        path = studio.folder / "journeys" / "booked.yaml"
        path.write_text(path.read_text().replace("reminders", f"'{text.replace(chr(39), '')}'"))
        page = await studio.look("/publish")
        assert page.status_code == 200 and "tags" in said(page)
        looks_harmless(page.text)
        path.write_text(path.read_text().replace("send: note", f"send: '{text.replace(chr(39), '')}'"))
        broken = await studio.look("/publish")
        assert "It would be refused" in said(broken)
        looks_harmless(broken.text)

    at_the_studio(tmp_path, visit)
