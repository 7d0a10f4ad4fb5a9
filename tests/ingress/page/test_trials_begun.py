"""How test mode begins and ends: by whom, with whom, for how long, and beside how many others."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import httpx
import pytest
from tests.ingress.page.studio import HERE, HTML, KEYS, Seen, Studio, at_the_studio, key
from tests.ingress.page.trying import SARAH, begun, books, sent, textarea, trial_at

from parcours.ingress.page.sandbox import LASTS_S, TRIALS_MAX


def threads_of_ours() -> set[str]:
    """All but those of the loop, in which projects are read."""
    return {each.name for each in threading.enumerate() if not each.name.startswith("asyncio")}


def test_the_project_may_be_as_it_lies_in_the_folder_drafts_included(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        message = studio.folder / "messages" / "note.yaml"
        message.write_text(
            message.read_text().replace("message: note", "message: note, status: draft").replace("Hi", "Ho")
        )
        journey = studio.folder / "journeys" / "booked.yaml"
        journey.write_text(journey.read_text().replace("journey: booked", "journey: renamed"))
        form = Seen((await studio.look("/try?source=folder")).text)
        assert "renamed" in form.text and "renamed" not in Seen((await studio.look("/try")).text).text

        path = await begun(studio, source="folder", journey="renamed")
        seen = await books(studio, path)
        assert "subjectHo" in seen.text and "the project as it lies in the folder" in seen.text

        journey.write_text("journey: [")
        broken = await studio.look("/try?source=folder")
        assert broken.status_code == 200 and "journeys/booked.yaml" in Seen(broken.text).text
        assert (await studio.look("/try?source=elsewhere")).status_code == 200

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"people": "\n".join(f"p{number}: {{}}" for number in range(101))}, "There are 101 people"),
        ({"people": "ana: gold"}, "People are written as"),
        ({"people": "a: &a [*a]"}, "People"),
        ({"traits": "[1]"}, "Traits are written as"),
        ({"traits": "a: {"}, "Traits cannot be read"),
        ({"who": ""}, "has a name"),
        ({"who": "x" * 201}, "has a name"),
        ({"shorten": "soon"}, "a duration is written like"),
        ({"journey": "none"}, "There is no such journey"),
        ({"source": "elsewhere"}, "There is no such project"),
        ({"copy": "person1"}, "To copy somebody takes a key that opens"),
    ],
)
def test_what_cannot_be_begun_is_said_beside_what_was_filled_in(
    fields: dict[str, str], said: str, tmp_path: Path
) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")

        answer = await sent(studio, "/try", {"source": "published", "shorten": "5m", **SARAH, **fields})

        seen = Seen(answer.text)
        assert answer.status_code in (400, 403) and said.casefold() in seen.text.casefold()
        assert studio.door.trials.of("") == []
        if fields.get("source") is None and "traits" not in fields:
            assert "plan: gold" in textarea(answer.text)

    at_the_studio(tmp_path, visit)


def test_five_go_on_at_once_and_each_is_of_its_session_alone(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        paths = [await begun(studio) for _ in range(TRIALS_MAX)]
        refused = await sent(studio, "/try", {"source": "published", **SARAH})
        assert refused.status_code == 429 and "trials are under way" in refused.text

        gone = await sent(studio, paths[0], {"do": "end"})
        assert gone.headers["location"] == "/try"
        assert (await studio.look(paths[0])).status_code == 404
        await begun(studio)
        await studio.log_in("ada")  # another session of the same key
        assert (await studio.look(paths[1])).status_code == 404
        assert paths[1] not in (await studio.look("/try")).text

    at_the_studio(tmp_path, visit)


def test_it_ends_with_the_session_or_after_half_an_hour_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        await studio.look("/journeys")  # from the first screen on the door looks what is not in order
        tasks, threads = asyncio.all_tasks(), threads_of_ours()
        path = await begun(studio)
        await studio.log_in("ada")
        late = await begun(studio)
        await sent(studio, "/out", {}, of="/try")
        await studio.log_in("ada")
        assert (await studio.look(late)).status_code == 404

        now_ms = studio.door.now_ms()
        studio.door.now_ms = lambda: now_ms + LASTS_S * 1_000
        trial = trial_at(studio, path)
        with pytest.raises(Exception, match="has ended"):
            studio.door.trials.find(trial.id, trial.session, studio.door.now_ms())
        studio.door.trials.end_all()
        await studio.door.trials.closed()
        assert asyncio.all_tasks() <= tasks and threads_of_ours() == threads

    at_the_studio(tmp_path, visit)


def test_who_may_only_look_is_told_what_it_takes(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("eve")
        seen = Seen((await studio.look("/try")).text)
        assert "takes a key that opens operate" in seen.text and "journey" not in seen.fields
        assert (await studio.send("/try", {"token": seen.fields["token"], **SARAH})).status_code == 403
        assert (await studio.look("/try/1234")).status_code == 403
        for method, path in (("GET", "/try"), ("POST", "/try"), ("GET", "/try/1"), ("POST", "/try/1")):
            answer = await studio.client.request(method, path, headers={"Authorization": "Bearer ada"})
            assert (answer.status_code, answer.json()["code"]) == (406, "browsers")

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize("form", [{}, {"token": "v1.nonsense"}])
def test_a_form_that_is_none_of_ours_does_nothing(form: dict[str, str], tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio)

        for where in ("/try", path):
            answer = await studio.send(where, {"do": "end", **SARAH, **form})
            assert answer.status_code == 403
        foreign = Seen((await studio.look(path)).text).fields["token"]
        assert (await studio.send(path, {"do": "end", "token": foreign}, "http://evil.example")).status_code == 403
        assert (await studio.look(path)).status_code == 200

    at_the_studio(tmp_path, visit)


def test_somebody_is_copied_with_an_address_for_tests_in_place_of_hers(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        live = studio.door.service
        await studio.come()
        await live.consent("person1", "email", granted=False)
        await studio.log_in("care")
        refused = await sent(studio, "/try", {"source": "published", **SARAH, "copy": "person1"})
        assert refused.status_code == 403 and "takes a key that opens" in Seen(refused.text).text
        await studio.log_in("boss")

        path = await begun(studio, copy="person1", traits="")

        trial = trial_at(studio, path)
        (person,) = await trial.known()
        assert dict(person.traits) == {"email": "qa@mail.example", "plan": "gold"}
        assert dict(person.consents) == {("email", None): False}
        looks = [fact for fact in await live.facts("person1") if type(fact).__name__ == "Looked"]
        assert len(looks) == 1
        unknown = await sent(studio, "/try", {"source": "published", **SARAH, "copy": "nobody"})
        assert unknown.status_code == 404 and "person1@mail.example" not in (await studio.look(path)).text

    at_the_studio(
        tmp_path,
        visit,
        keys=(*KEYS, key("care", "operate", "people:read"), key("boss", "operate", "people")),
        test_addresses=("qa@mail.example",),
    )


@pytest.mark.parametrize(
    "name, told, people",
    [
        ("people.yaml", b"people: {ana: {plan: gold}, bo: null}", ["ana", "bo"]),
        ("people.ndjson", b'{"type": "identify", "userId": "ana", "traits": {}}\n\n{"userId": "bo"}\n', ["ana", "bo"]),
        ("people.csv", "ana: {plan: \u00e9t\u00e9}".encode(), ["ana"]),
        ("", b"", ["sarah"]),
    ],
)
def test_people_come_from_a_file_too(name: str, told: bytes, people: list[str], tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")

        answer = await with_file(studio, name, told)

        assert answer.status_code == 303, Seen(answer.text).text
        (trial,) = studio.door.trials.all()
        assert trial.people == people

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize("told, said", [(b"\xff\xfe", "no text in UTF-8"), (b"[1, 2]", "people are written as")])
def test_what_is_no_file_of_people_is_refused(told: bytes, said: str, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")

        answer = await with_file(studio, "people", told)

        assert answer.status_code == 400 and said.casefold() in Seen(answer.text).text.casefold()

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x", "text/plain"])
def test_what_is_no_form_is_refused(kind: str, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        headers = {**HTML, "Origin": HERE, "Content-Type": kind}

        answer = await studio.client.post("/try", content=b"--y\r\nhello\r\n", headers=headers)

        assert answer.status_code in (400, 415)

    at_the_studio(tmp_path, visit)


async def with_file(studio: Studio, name: str, told: bytes) -> httpx.Response:
    """The form with a file, as a browser sends it: also where none was chosen."""
    token = Seen((await studio.look("/try")).text).fields["token"]
    fields = {"token": token, "source": "published", "shorten": "5m", "people": "", **SARAH}
    files = {"file": (name, told, "application/octet-stream")}
    headers = {**HTML, "Origin": HERE}
    return await studio.client.post("/try", data=fields, files=files, headers=headers)


def test_at_a_door_without_keys_everybody_on_the_machine_tries_out(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        path = await begun(studio)
        studio.client.cookies.clear()

        assert path in (await studio.look("/try")).text
        assert "She is in no journey yet" in (await studio.look(path)).text

    at_the_studio(tmp_path, visit, keys=())
