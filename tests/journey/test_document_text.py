"""What a version says, as YAML: of the publication that holds it, with what its steps send."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML
from tests.projects import write_texts

from parcours import Project
from parcours.journey.publish.document_text import version_texts, yaml_of
from parcours.journey.publish.publications import begun
from parcours.routing.change_protocol import publishing

TEXTS = {
    "parcours.yaml": "{project: studio, policies: {consent: {default: opt_out}}}",
    "profile.yaml": "{traits: {email: string}}",
    "events.yaml": "events: {Booked: {}}",
    "messages/note.yaml": "{message: note, class: transactional, email: {subject: Hi, text: Hello}}",
    "messages/other.yaml": "{message: other, class: transactional, email: {subject: Hi, text: Hello}}",
    "actions.yaml": "actions: {crm: {url: https://crm.example/a-secret}}",
    "journeys/booked.yaml": """
        journey: booked
        entry: {event: Booked}
        steps: [{id: remind, send: note}, {id: tell, call: crm}, {id: rest, wait: 1d}]  # a comment
    """,
}


def test_each_version_reads_as_it_was_published_with_what_its_steps_send(tmp_path: Path) -> None:
    write_texts(tmp_path, TEXTS)
    first = begun(Project.load(tmp_path))
    write_texts(tmp_path, {**TEXTS, "journeys/booked.yaml": TEXTS["journeys/booked.yaml"].replace("1d", "2d")})
    both = publishing(Project.load(tmp_path), reopen=True)(first, 1_000)

    was, holds = (version_texts(both, "booked", number) for number in (1, 2))

    assert [*was] == [*holds] == ["journeys/booked.yaml", "messages/note.yaml"], "calls may hold secrets"
    assert was["messages/note.yaml"] == holds["messages/note.yaml"]
    read = [YAML(typ="safe").load(each["journeys/booked.yaml"]) for each in (was, holds)]
    assert [each["steps"][2]["wait"] for each in read] == ["1d", "2d"]


def test_of_what_is_not_kept_there_is_nothing(tmp_path: Path) -> None:
    write_texts(tmp_path, TEXTS)
    published = begun(Project.load(tmp_path))

    assert version_texts(published, "booked", 2) == version_texts(published, "none", 1) == {}


def test_a_document_reads_back_as_what_it_was() -> None:
    assert YAML(typ="safe").load(yaml_of('{"on": "no", "text": "a: #b\\n\\u2028<script>", "none": null}')) == {
        "on": "no", "text": "a: #b\n\u2028<script>", "none": None,
    }  # fmt: skip
