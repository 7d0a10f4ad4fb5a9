"""Whatever stands in campaigns, audiences, analyses and tables, or is sent of people, is a text on their screens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.ingress.page.gallery import KEYS, SETTINGS, run
from tests.ingress.page.studio import Seen, Studio, at_the_studio, key
from tests.ingress.page.test_screens import IMAGE, LONG, SCRIPT, TURNED, looks_harmless


def texts_of(text: str) -> dict[str, str]:
    """A project that has the text wherever it may stand; a name of an event may have 200 characters, an expression
    4,000."""
    name, event, kind = json.dumps(text), json.dumps(text[:200]), json.dumps(text[:4_000])
    trait, condition = json.dumps(f"profile.kind == {kind}"), json.dumps(f"event.kind == {kind}")
    return {
        "parcours.yaml": "{project: wild, policies: {consent: {default: opt_out}}, insight: {events: all}}",
        "profile.yaml": "{traits: {email: string, kind: string}, addresses: {email: profile.email}}",
        "events.yaml": f"events:\n  ? {event}\n  : {{properties: {{kind: string}}}}",
        "audiences.yaml": f"audiences: {{wild: {trait}, best: {{saved: true, label: {name}}}}}",
        "messages/note.yaml": f"message: note\nclass: transactional\nemail: {{subject: {name}, text: Hello}}",
        "tables.yaml": """
            tables:
              people: {file: people.csv, person: row.who, match: userId, columns: {who: string, note: string}}
        """,
        "people.csv": "who,note\r\nsarah,\"" + text.replace('"', '""') + "\"\r\n",
        "campaigns/wild.yaml": f"""
            campaign: wild
            description: {name}
            tags: [{name}]
            exit: [{{event: {event}, when: {condition}}}]
            goal: {{event: {event}, when: {condition}}}
            steps:
              - {{id: all, read: {{where: has(profile.kind)}}}}
              - {{id: some, filter: {trait}}}
              - {{id: rows, read: {{table: people}}}}
              - {{id: mail, from: some, send: note, channels: [email]}}
              - {{id: saved, save: best}}
        """,
        "insight/wild.yaml": f"""
            funnels: {{wild: {{steps: [{{event: {event}, when: {condition}}}, {event}]}}}}
            flows: {{wild: {{anchor: {event}, key: event.kind, before: 1, after: 1}}}}
            metrics: {{wild: {{people: {event}}}}}
        """,
    }  # fmt: skip


@pytest.mark.parametrize("text", [SCRIPT, IMAGE, TURNED, LONG], ids=["script", "image", "turned", "long"])
def test_no_text_is_more_than_a_text(text: str, tmp_path: Path) -> None:
    keys = (*KEYS, key("boss", "operate", "people:read"))

    async def visit(studio: Studio) -> None:
        await studio.door.service.identify("sarah", {"email": "sarah@mail.example", "kind": text[:4_000]})
        await studio.door.service.track("sarah", text[:200], {"kind": text[:4_000]})
        await studio.door.service.drain(30)
        await studio.log_in("boss")
        await run(studio, "wild", None)
        form = Seen((await studio.look("/campaigns/wild/preview")).text).fields
        preview = await studio.send("/campaigns/wild/preview", form)
        looks_harmless(preview.text)
        assert preview.status_code == 200
        addresses = ["/campaigns", "/campaigns/wild", "/campaigns/wild?runs=all", "/campaigns/wild/run"]
        addresses += [f"/campaigns/wild/{verb}" for verb in ("pause", "close", "stop")]
        addresses += [f"/campaigns/wild?step={step}" for step in ("all", "some", "rows", "mail", "saved")]
        addresses += ["/audiences", "/audiences/wild?sample=5", "/audiences/best?sample=5", "/insight"]
        addresses += [f"/insight/{kind}/wild" for kind in ("funnel", "flow", "metric")]
        for address in addresses:
            page = await studio.look(address)
            assert page.status_code == 200, (address, page.text[-500:])
            looks_harmless(page.text)

    at_the_studio(
        tmp_path, visit, texts=texts_of(text), keys=keys, engine=SETTINGS, store=f"sqlite:///{tmp_path}/store"
    )
