"""Test mode: somebody goes through a journey in an engine of her own, and nobody else knows of it."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import httpx
import pytest
from tests.ingress.page.studio import KEYS, Seen, Studio, at_the_studio, key

from parcours.ingress.page.sandbox import DONE_MAX, LASTS_S, TRIALS_MAX, Trial
from parcours.testing.cases.read import read_cases_of
from parcours.testing.cases.run import run_cases

SARAH = {"who": "sarah", "traits": "email: sarah@mail.example\nplan: gold", "journey": "booked"}


async def begun(studio: Studio, **fields: str) -> str:
    """Begin a trial; the path at which it is."""
    answer = await sent(studio, "/try", {"source": "published", "shorten": "10s", **SARAH, **fields})
    assert answer.status_code == 303, Seen(answer.text).text
    return answer.headers["location"]


async def sent(studio: Studio, path: str, fields: Mapping[str, str], of: str | None = None) -> httpx.Response:
    """A form of the page at this address, or at another one."""
    token = Seen((await studio.look(of or path)).text).fields["token"]
    return await studio.send(path, {"token": token, **fields})


async def done(studio: Studio, path: str, what: str, **fields: str) -> Seen:
    """Do something in a trial, and look at it."""
    answer = await sent(studio, path, {"do": what, **fields})
    assert answer.status_code == 303, Seen(answer.text).text
    return Seen((await studio.look(answer.headers["location"])).text)


async def books(studio: Studio, path: str, total: str = "80", who: str = "sarah") -> Seen:
    return await done(studio, path, "event", event="Booked", who=who, p0=total)


def trial_at(studio: Studio, path: str) -> Trial:
    return next(each for each in studio.door.trials.all() if each.id == path.rpartition("/")[2])


def threads_of_ours() -> set[str]:
    """All but those of the loop, in which projects are read."""
    return {each.name for each in threading.enumerate() if not each.name.startswith("asyncio")}


def key_of(seen: Seen, what: str) -> str:
    """The key of the newest message, as the form has it by which something is done with it."""
    at = [told for tag, told in seen.elements if tag == "input"]
    place = next(number for number, told in enumerate(at) if (told.get("name"), told.get("value")) == ("do", what))
    assert at[place + 1]["name"] == "key"
    return at[place + 1]["value"] or ""


def test_somebody_is_watched_on_her_way_and_her_waits_are_let_be_over(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio)
        before = Seen((await studio.look(path)).text)
        assert "She is in no journey yet" in before.text and "Nothing yet." in before.text

        seen = await books(studio, path)

        assert "booked, at coming, waits for Came or opened of remind, goes on by herself in" in seen.text
        chosen = [told for _, told in seen.elements if "aria-current" in told]
        assert [each.get("data-step") for each in chosen] == ["coming"], "the picture has her place in it"
        assert "note by email" in seen.text and "to sarah@mail.example" in seen.text
        assert "subjectHi" in seen.text and "textHello" in seen.text
        assert any(row[1] == "booked: entered by Booked" for row in seen.rows if len(row) == 2)

        seen = await done(studio, path, "wait-over")
        assert "booked, at quiet, goes on by herself in" in seen.text
        seen = await done(studio, path, "wait-over")
        assert "She has been through it, and is in no journey now." in seen.text
        nothing = await sent(studio, path, {"do": "wait-over"})
        assert nothing.status_code == 400 and "nobody waits for anything" in nothing.text

    at_the_studio(tmp_path, visit)


def test_nothing_of_it_is_known_to_the_engine_behind_the_door(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in("ada")
        live = studio.door.service
        before = (await studio.json("/report"), (await live.report()).totals, live.ledger)
        path = await begun(studio, who="person3")
        await books(studio, path, who="person3")
        await done(studio, path, "consent", channel="email", purpose="", who="person3", granted="false")
        await done(studio, path, "wait-over")
        person = await live.profile("person3")

        assert person is not None and not person.consents
        after = await studio.json("/report")
        assert after["summary"] == before[0]["summary"]
        assert ((await live.report()).totals, live.ledger) == before[1:]
        assert await live.profile("sarah") is None

    at_the_studio(tmp_path, visit)


def test_a_reaction_and_a_consent_move_her_as_live(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio)
        seen = await books(studio, path)

        seen = await done(studio, path, "react", key=key_of(seen, "react"), reaction="opened")
        assert "booked, at quiet" in seen.text
        assert any("opened" in row[1] for row in seen.rows if len(row) == 2)

        seen = await done(studio, path, "again")
        assert "She is in no journey yet" in seen.text
        await done(studio, path, "consent", channel="email", purpose="", who="sarah", granted="false")
        seen = await books(studio, path)
        assert "booked, at coming" in seen.text, "what is transactional needs no consent"
        odd = await sent(studio, path, {"do": "consent", "channel": "fax", "who": "sarah"})
        assert odd.status_code == 400 and "there is no such channel" in odd.text

    at_the_studio(tmp_path, visit)


def test_the_form_of_an_event_has_its_properties_and_takes_more_as_json(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio)
        form = Seen((await studio.look(f"{path}/event?event=Booked")).text)
        assert "total number" in form.text and form.fields["event"] == "Booked"

        for fields, said in (
            ({"p0": "lots"}, "total: lots is no JSON"),
            ({"p0": "[1]"}, "total is number, and [1] is none"),
            ({"more": "{"}, "{ is no JSON"),
            ({"more": "[]"}, "an object"),
        ):
            wrong = await sent(studio, path, {"do": "event", "event": "Booked", "who": "sarah", **fields})
            assert wrong.status_code == 400 and said in Seen(wrong.text).text
        seen = await done(
            studio, path, "event", event="Booked", who="sarah", p0="1", more='{"total": 90, "at": {"n": 1}}'
        )
        assert "booked, at coming" in seen.text
        assert (await studio.look(f"{path}/event?event=None")).status_code == 404
        assert (await studio.look(f"{path}/event?event=Booked&who=eve")).status_code == 404

    at_the_studio(tmp_path, visit)


def test_what_was_tried_is_a_test_that_passes(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio)
        await books(studio, path)
        await done(studio, path, "wait-over")
        await done(studio, path, "wait-over")

        page = (await studio.look(f"{path}/test?title=nobody+comes")).text

        assert "and passes" in page
        text = textarea(page)
        project = await studio.door.service.published_project()
        cases, findings = read_cases_of(project, text, "tests/kept.yaml")
        assert findings == [] and [case.case.test for case in cases] == ["nobody comes"]
        assert all(verdict.passed for verdict in await asyncio.to_thread(lambda: list(run_cases(project, cases))))
        assert 'what: ended, why: "end step", at: "+4w3d"' in text, "a day at one step and thirty at the next"

    at_the_studio(tmp_path, visit)


def textarea(page: str) -> str:
    from html import unescape

    found = re.search(r"<textarea[^>]*>(.*)</textarea>", page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


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


def test_of_several_there_are_counts_and_the_wait_of_all_is_over_at_once(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        people = "\n".join(f"p{number}: {{email: p{number}@mail.example}}" for number in range(100))
        path = await begun(studio, people=people)
        for number in range(5):
            seen = await books(studio, path, who=f"p{number}")
        assert "5 have entered" in seen.text
        form = Seen((await studio.look(f"{path}/event?event=Came&who=")).text)
        assert "of everybody" in form.text and form.fields["who"] == ""
        await done(studio, path, "event", event="Came", who="")
        assert len(await trial_at(studio, path).facts()) > 5
        await done(studio, path, "again")
        seen = await done(studio, path, "event", event="Booked", who="", p0="80")
        assert "100 have entered" in seen.text
        await done(studio, path, "again")
        for number in range(5):
            seen = await books(studio, path, who=f"p{number}")
        assert seen.row("coming") == ["5", "5", "0", "0"]
        assert "Where she is" not in seen.text

        seen = await done(studio, path, "wait-over")
        assert seen.row("coming") == ["5", "0", "5", "0"] and seen.row("quiet") == ["5", "5", "0", "0"]

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

        answer = await sent(studio, "/try", {"source": "published", "shorten": "10s", **SARAH, **fields})

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


def test_no_more_is_done_in_one_than_a_test_can_say(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio)
        trial = trial_at(studio, path)
        for _ in range(DONE_MAX):
            await trial.event("sarah", "Came", {})
        refused = await sent(studio, path, {"do": "event", "event": "Came", "who": "sarah"})
        assert refused.status_code == 400 and f"{DONE_MAX} things have been done" in refused.text

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
        tmp_path, visit, keys=(*KEYS, key("boss", "operate", "people:read")), test_addresses=("qa@mail.example",)
    )


HOSTILE = '"><script>alert(1)</script>\u202e&'


def test_texts_of_others_are_texts_and_nothing_more(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio, who=HOSTILE, traits=f"email: s@mail.example\nplan: '{HOSTILE}'")
        seen = await done(studio, path, "event", event="Booked", who=HOSTILE, p0="80")
        await done(studio, path, "react", key=key_of(seen, "react"), reaction="clicked", link=f"https://{HOSTILE}")
        for where in (path, f"{path}/test?title=<script>", f"{path}/event?event=Booked", "/try"):
            page = (await studio.look(where)).text
            assert "<script" not in page and "\u202e" not in page, where
        wrong = await sent(studio, "/try", {"source": "published", **SARAH, "traits": f"<script>{HOSTILE}: ["})
        assert wrong.status_code == 400 and "<script" not in wrong.text

    at_the_studio(tmp_path, visit)


MAIL = """
    message: note
    class: transactional
    email: {subject: Hi, text: Hello, html: "<b>{{ profile.plan }}</b><img src=https://x.example/i.png>"}
"""


def test_a_mail_is_shown_in_a_frame_that_loads_and_runs_nothing(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        message = studio.folder / "messages" / "note.yaml"
        message.write_text(dedent(MAIL))
        await studio.log_in("ada")
        path = await begun(studio, source="folder", traits="email: s@mail.example\nplan: <script>x</script>")
        seen = await books(studio, path)
        (frame,) = [told for tag, told in seen.elements if tag == "iframe"]
        assert frame["sandbox"] == "" and frame["title"]

        mail = await studio.look(frame["src"] or "")

        assert "<b>&lt;script&gt;" in mail.text
        policy = mail.headers["content-security-policy"]
        assert policy.startswith("default-src 'none';") and policy.endswith("sandbox") and "img-src" not in policy
        assert (await studio.look(f"{path}/message?key=none")).status_code == 404

    at_the_studio(tmp_path, visit)


def test_a_message_is_really_sent_to_an_address_for_tests_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parcours.testing.doubles.smtp import SmtpServer

    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio, traits="email: other@mail.example")
        seen = await books(studio, path)
        assert "Really send" not in seen.text
        refused = await sent(studio, path, {"do": "send", "key": key_of(seen, "react")})
        assert refused.status_code == 409 and "test_addresses" in refused.text

        path = await begun(studio, traits="email: qa@mail.example")
        seen = await books(studio, path)
        assert "Really send to qa@mail.example" in seen.text
        unset = await sent(studio, path, {"do": "send", "key": key_of(seen, "send")})
        assert unset.status_code == 400 and "channels.email" in unset.text

    at_the_studio(tmp_path, visit, test_addresses=("qa@mail.example",))
    assert SmtpServer is not None and monkeypatch is not None
