"""Test mode: somebody goes through a journey in an engine of her own, and nobody else knows of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

from tests.ingress.page.studio import TEXTS, Seen, Studio, at_the_studio
from tests.ingress.page.trying import SARAH, begun, books, done, key_of, sent, textarea, trial_at

from parcours.ingress.page.sandbox import DONE_MAX
from parcours.testing.cases.read import read_cases_of
from parcours.testing.cases.run import run_cases


def test_somebody_is_watched_on_her_way_and_her_waits_are_let_be_over(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio)
        before = Seen((await studio.look(path)).text)
        assert "She is in no journey yet" in before.text and "Nothing yet." in before.text
        refresh = [told for tag, told in before.elements if told.get("http-equiv") == "refresh"]
        assert refresh == [], "somebody may be choosing something"
        assert 'http-equiv="refresh"' in (await studio.look(before.links["Look again every 10 s"])).text

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
        refused = await studio.look(f"{path}/test")
        assert refused.status_code == 409 and "of up to 10 people" in refused.text
        assert seen.row("coming") == ["5", "0", "5", "0"] and seen.row("quiet") == ["5", "5", "0", "0"]

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


HOSTILE = '"><script>alert(1)</script>\u202e&'


def test_texts_of_others_are_texts_and_nothing_more(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio, who=HOSTILE, traits=f"email: s@mail.example\nplan: '{HOSTILE}'")
        seen = await done(studio, path, "event", event="Booked", who=HOSTILE, p0="80")
        await done(studio, path, "react", key=key_of(seen, "react"), reaction="clicked", link=f"https://{HOSTILE}")
        for where in (path, f"{path}/test?title=<script>", f"{path}/event?event=Booked", "/try"):
            page = (await studio.look(where)).text
            assert "<script>" not in page and "\u202e" not in page, where
        wrong = await sent(studio, "/try", {"source": "published", **SARAH, "traits": f"<script>{HOSTILE}: ["})
        assert wrong.status_code == 400 and "<script>" not in wrong.text

    at_the_studio(tmp_path, visit)


ODD = {
    **TEXTS,
    "events.yaml": """
        events:
          'Booked': {properties: {total: number}}
          'Came': {}
          'Joined': {}
          '"><script>alert(2)</script>': {description: '<img src=x>', properties: {'><b>': string, 'a.b.c': list}}
    """,
    "messages/note.yaml": """
        message: note
        class: transactional
        email: {subject: '<script>alert(3)</script>', text: '"><img src=x>{{ profile.plan }}'}
    """,
}


def test_texts_of_the_project_are_texts_and_nothing_more(tmp_path: Path) -> None:
    event = '"><script>alert(2)</script>'

    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio)
        await books(studio, path)
        await done(studio, path, "event", event=event, who="sarah", p0="<script>", p1="[1]")
        assert trial_at(studio, path).done[-1].given["properties"] == {"><b>": "<script>", "a": {"b": {"c": [1]}}}
        for where in (path, f"{path}/test", f"{path}/event?event={quote(event)}", "/try"):
            answer = await studio.look(where)
            assert answer.status_code == 200
            assert "<script>" not in answer.text and "<img" not in answer.text and '<b>"' not in answer.text, where

    at_the_studio(tmp_path, visit, texts=ODD)


ASKING = {
    **TEXTS,
    "actions.yaml": """
        actions: {look: {url: 'https://crm.example/look', body: {who: profile.email}, answer: {found: boolean}}}
    """,
    "journeys/asked.yaml": """
        journey: asked
        entry: {event: Came}
        steps:
          - {id: ask, call: look}
          - id: heard
            wait_for: [{reaction: answered, of: ask, next: quiet}]
            timeout: 1d
            on_timeout: done
          - {id: quiet, wait: 30d}
          - {id: done, end: true}
    """,
}


def test_an_outbound_call_leaves_nothing_and_is_answered_by_hand(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio, journey="asked")
        seen = await done(studio, path, "event", event="Came", who="sarah")
        assert "look by call" in seen.text and "whosarah@mail.example" in seen.text
        key, wrong = key_of(seen, "react"), {"do": "react", "reaction": "answered", "answer": "[1]"}
        refused = await sent(studio, path, {**wrong, "key": key})
        assert refused.status_code == 400 and "an object of JSON" in refused.text

        seen = await done(studio, path, "react", key=key, reaction="answered", answer='{"found": true}')

        assert "asked, at quiet" in seen.text
        kept = textarea((await studio.look(f"{path}/test")).text)
        assert "reaction: answered" in kept and "answer: {found: true}" in kept and "# differs" not in kept

    at_the_studio(tmp_path, visit, texts=ASKING)
