"""What destinations.yaml may say, what is wrong with it, and what of it a publication tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.projects import findings_of, write_texts

from parcours.journey.channels import purposes_known
from parcours.journey.destinations import SharedValue
from parcours.journey.project import Project
from parcours.journey.publish.difference import differences
from parcours.journey.publish.ledger import published
from parcours.journey.publish.publications import Publications, begun, candidate_of, source_of

SHOP = {
    "parcours.yaml": "project: shop\ntimezone: Europe/Paris\n",
    "profile.yaml": "traits: {email: string, city: string, visits: number}\n",
    "events.yaml": "events:\n  Bought: {properties: {total: number}}\n",
    "audiences.yaml": 'audiences:\n  vip: profile.city == "Paris"\n  kept: {saved: true}\n',
}

DESTINATIONS = """destinations:
  ads:
    audience: vip
    to: {webhook: {url: "https://ads.example/in", headers: {Authorization: "env:ADS"}}}
    key: profile.email
    fields: {mail: {value: profile.email, hash: true}, city: profile.city, orders: 'count("Bought", "30d")'}
    consent: {channel: email, purpose: ads}
    batch: 500
  file: {audience: kept, to: {file: out/vip.ndjson}}
"""


def folder_with(folder: Path, destinations: str) -> Path:
    write_texts(folder, {**SHOP, "destinations.yaml": destinations})
    return folder


def told(folder: Path, destination: str) -> list[str]:
    return findings_of(folder_with(folder, f"destinations:\n  d: {destination}\n"))


def test_a_destination_says_whom_it_has_and_what_leaves(tmp_path: Path) -> None:
    project = Project.load(folder_with(tmp_path, DESTINATIONS))
    ads, file = project.program.destinations.values()
    assert (ads.audience, ads.consent) == ("vip", ("email", "ads"))
    assert isinstance(ads.key, SharedValue) and ads.key.value.text == "profile.email"
    assert {name: (field.hashed, field.channel) for name, field in ads.fields.items()} == {
        "mail": (True, "email"),
        "city": (False, None),
        "orders": (False, None),
    }
    assert (file.audience, file.key, dict(file.fields), file.consent) == ("kept", None, {}, None)


def test_what_its_fields_ask_of_the_past_is_kept(tmp_path: Path) -> None:
    program = Project.load(folder_with(tmp_path, DESTINATIONS)).program
    assert [series.event for series in program.series["Bought"]] == ["Bought"]


def test_the_purpose_that_it_asks_for_may_be_agreed_to(tmp_path: Path) -> None:
    assert "ads" in purposes_known(Project.load(folder_with(tmp_path, DESTINATIONS)).program)
    write_texts(tmp_path, {"audiences.yaml": 'audiences:\n  vip: consent("email", "ads")\n  kept: {saved: true}\n'})
    assert findings_of(tmp_path) == []


def test_it_travels_with_its_project(tmp_path: Path) -> None:
    project = Project.load(folder_with(tmp_path, DESTINATIONS))
    again = Project.from_json(project.to_json())
    assert again.documents.destinations == project.documents.destinations


@pytest.mark.parametrize(
    ("destination", "said"),
    [
        ("{audience: vipp, to: {file: a.ndjson}}", "d.audience: unknown audience 'vipp', did you mean 'vip'?"),
        ("{audience: vip, to: {}}", "d.to: members go to one place: name one of kafka, nats, plugin, webhook, file"),
        (
            "{audience: vip, to: {file: a.ndjson, webhook: {url: 'https://a.example'}}}",
            "d.to: members go to one place: name one of kafka, nats, plugin, webhook, file",
        ),
        ("{audience: vip, to: {kafka: {servers: 'a:9092'}}}", "d.to.kafka.topic: this key is needed"),
        ("{audience: vip, to: {nats: {url: 'nats://a', stream: S}}}", "d.to.nats.subject: this key is needed"),
        (
            "{audience: vip, to: {file: ../a.ndjson}}",
            "d.to.file: a destination's file lies within the project's folder, or its path is absolute",
        ),
        (
            "{audience: vip, to: {file: a.csv}}",
            "d.to.file: members are written as lines of JSON: the file's name ends in .ndjson",
        ),
        (
            "{audience: vip, to: {webhook: {url: 'ads.example'}}}",
            "d.to.webhook.url: a web address such as https://crm.example.com/notes is expected",
        ),
        (
            "{audience: vip, to: {webhook: {url: 'https://a.example', headers: {Authorization: 'env:'}}}}",
            "d.to.webhook.headers.Authorization: the reference does not name the environment variable that it",
        ),
        (
            "{audience: vip, to: {file: a.ndjson}, key: profile.emial}",
            "d.key: unknown name profile.emial, did you mean 'profile.email'? (column 1) (found profile.emial)",
        ),
        (
            "{audience: vip, to: {file: a.ndjson}, key: 'last(\"Bought\")'}",
            "d.key: last() has no meaning here",
        ),
        (
            "{audience: vip, to: {file: a.ndjson}, key: string(now)}",
            "d.key: 'now' has no meaning here",
        ),
        (
            "{audience: vip, to: {file: a.ndjson}, key: 'profile.visits > 1'}",
            "d.key: a key that names a person is a string or an integer, and this is a boolean",
        ),
        (
            "{audience: vip, to: {file: a.ndjson}, fields: {n: {value: profile.visits, hash: true}}}",
            "d.fields.n.value: what is hashed is a string, and this is a number",
        ),
        (
            "{audience: vip, to: {file: a.ndjson}, fields: {n: event.total}}",
            "d.fields.n: 'event' has no meaning here",
        ),
        (
            "{audience: vip, to: {file: a.ndjson}, consent: {channel: emial, purpose: ads}}",
            "d.consent.channel: unknown channel 'emial', did you mean 'email'?",
        ),
        (
            "{audience: vip, to: {file: a.ndjson}, consent: {channel: email}}",
            "d.consent.purpose: this key is needed",
        ),
        ("{audience: vip, to: {file: a.ndjson}, batch: 0}", "d.batch:"),
        ("{audience: vip, to: {file: a.ndjson}, full: {rule: FREQ=DAILY}}", "d.full.at: this key is needed"),
        ("{audience: vip, to: {file: a.ndjson}, fiels: {}}", "d.fiels: unknown key, did you mean 'fields'?"),
        ("{audience: vip}", "d.to: this key is needed"),
        ("{facts: [moves]}", "d.to: this key is needed"),
        ("{facts: [], to: {plugin: {name: p}}}", "d.facts:"),
        ("{facts: [moves, mooves], to: {plugin: {name: p}}}", "d.facts[1]: expected 'events', 'moves',"),
        ("{facts: [people], to: {plugin: {name: p}}}", "d.facts[0]: expected 'events', 'moves',"),
        ("{facts: [moves, moves], to: {plugin: {name: p}}}", "d.facts: moves: once is enough"),
        (
            "{facts: [moves], to: {file: a.ndjson}}",
            "d.to: to file go members alone: facts go to one of kafka, nats, plugin",
        ),
        ("{facts: [moves], to: {}}", "d.to: facts go to one place: name one of kafka, nats, plugin"),
        ("{facts: [moves], to: {plugin: {name: p}}, columns: [person]}", "d.columns[0]: expected 'address',"),
        ("{facts: [moves], to: {plugin: {name: p}}, key: profile.email}", "d.key: unknown key"),
    ],
)
def test_each_mistake_is_told_where_it_is(tmp_path: Path, destination: str, said: str) -> None:
    (only,) = told(tmp_path, destination)
    assert only.startswith(f"destinations.yaml:2: destinations.{said}")


FACTS = "destinations:\n  lake: {facts: [moves], to: {plugin: {name: p}}, columns: [value], hash: true}\n"


def test_a_destination_of_facts_is_no_part_of_what_decides_and_travels_with_its_project(tmp_path: Path) -> None:
    project = Project.load(folder_with(tmp_path, FACTS))
    assert project.program.destinations == {}
    again = Project.from_json(project.to_json())
    assert [*again.documents.destinations.of_facts] == ["lake"]
    assert again.documents.destinations == project.documents.destinations


def test_events_that_are_not_kept_cannot_be_asked_for(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, FACTS.replace("[moves]", "[events]"))
    assert findings_of(folder) == []
    settings = (folder / "parcours.yaml").read_text()
    write_texts(folder, {"parcours.yaml": settings + "insight: {events: none}\n"})
    assert findings_of(folder) == [
        "destinations.yaml:2: destinations.lake.facts: no event is kept that could go there: insight.events is none"
    ]


def test_a_snapshot_is_scheduled_in_the_zone_of_the_project(tmp_path: Path) -> None:
    full = 'full: {at: 2026-11-02T03:00:00, rule: "FREQ=DAILY"}'
    destination = f"{{audience: vip, to: {{file: a.ndjson}}, {full}}}"
    project = Project.load(folder_with(tmp_path, f"destinations:\n  d: {destination}\n"))
    assert project.program.destinations["d"].full == (1_793_584_800_000, "FREQ=DAILY")


def test_a_file_has_one_writer(tmp_path: Path) -> None:
    two = "destinations:\n  d: {audience: vip, to: {file: a.ndjson}}\n  e: {audience: vip, to: {file: ./a.ndjson}}\n"
    assert findings_of(folder_with(tmp_path, two)) == [
        "destinations.yaml:3: destinations.e.to.file: the destination 'd' writes to this file"
    ]


def test_a_rule_that_never_comes_true_is_told(tmp_path: Path) -> None:
    full = 'full: {at: 2026-11-02T03:00:00, rule: "FREQ=DAILY;UNTIL=20200101T000000Z"}'
    (only,) = told(tmp_path, f"{{audience: vip, to: {{file: a.ndjson}}, {full}}}")
    assert only.startswith("destinations.yaml:2: destinations.d.full.rule: this rule never comes true")


def test_of_a_faulty_destination_only_its_fault_is_told(tmp_path: Path) -> None:
    faulty = "destinations:\n  d: {audience: vip, to: 5}\n  e: {audience: vip, to: {file: e.ndjson}, key: profile.x}\n"
    assert [each.split(": ")[1] for each in findings_of(folder_with(tmp_path, faulty))] == [
        "destinations.d.to",
        "destinations.e.key",
    ]


def test_a_publication_tells_what_becomes_of_destinations(tmp_path: Path) -> None:
    before, after = (
        Project.load(folder_with(tmp_path, text))
        for text in (DESTINATIONS, DESTINATIONS.replace("batch: 500", "batch: 5").replace("  file: ", "  other: "))
    )
    was = begun(before)
    ledger = published(was.ledger, candidate_of(after), 1, reopen=True)
    now = Publications(ledger, {**was.sources, ledger.publication: source_of(after)})
    assert [each.text for each in differences(was, now)] == [
        "the destination 'ads' has changed",
        "the destination 'file' is gone",
        "the destination 'other' is new",
    ]
