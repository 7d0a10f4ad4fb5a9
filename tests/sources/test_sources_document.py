"""Is sources.yaml checked as every document is, and do messages mean what it says?"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.projects import write_texts
from tests.sources.conftest import until, until_taken
from typer.testing import CliRunner

from parcours.cli import build
from parcours.errors import SettingInvalid
from parcours.journey.model.sources import SourcesDocument
from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.source import Line
from parcours.sources import registry
from parcours.sources.lines import line_of
from parcours.sources.opening import sources_of
from parcours.sources.registry import source_models

SHOP = {
    "parcours.yaml": "{project: shop, timezone: UTC}",
    "profile.yaml": "traits: {email: string}",
    "events.yaml": "events: {Bought: {properties: {total: number}}}",
    "journeys/carts.yaml": "{journey: carts, entry: {event: Bought}, steps: [{id: done, end: true}]}",
}


def write_shop(folder: Path, sources: str) -> Path:
    write_texts(folder, {**SHOP, "sources.yaml": sources})
    return folder


def findings(folder: Path, sources: str) -> list[str]:
    return [str(each) for each in Project.check(write_shop(folder, sources), sources=source_models())]


def test_a_source_that_is_right_has_no_findings(tmp_path: Path) -> None:
    assert findings(tmp_path, 'sources: {folder: {files: "in/*.ndjson"}, other: {files: {files: "env:FILES"}}}') == []


@pytest.mark.parametrize(
    "sources, says",
    [
        ("sources: {a: {fils: x}}", "sources.a: unknown kind of source 'fils', did you mean 'files'?"),
        ("sources: {a: {files: {}}}", "sources.a.files.files: "),
        ("sources: {a: {files: {files: x, fils: y}}}", "sources.a.files.fils: unknown key"),
        ("sources: {a: {}}", "a source has one kind with its settings, as in 'files:"),
        ("sources: {a: {files: x, kafka: {}}}", "', and this one has files, kafka"),
        ("sources: {a: {files: x, map: {evnt: value}}}", "sources.a.map.evnt: unknown key, did you mean 'event'?"),
        ("sources: {a: {files: [x, y]}}", "sources.a.files: a pattern of files is expected, such as in/*.ndjson"),
        ("sources: {a: {files: in/}}", "a pattern of files is expected, such as in/*.ndjson, and no folder"),
        ("sources: {a: {files: 's3://b/*.csv'}}", "files lie below the project's folder or at an absolute path"),
        ("sources: {a: {files: '~/*.csv'}}", "a pattern begins at the project's folder, and ~ is nobody's home there"),
        ("sources: {a: {files: 'in/*.csv.zip'}}", "packed with .gz or .zst, and .zip is none of them"),
        ("sources: {a: {files: 'env:'}}", "sources.a.files: the reference does not name the environment variable"),
        ("sources: {a: {files: x, map: {}}}", "sources.a.map: a map says what a message is"),
        ("sources: {a: {files: x, map: {userId: value}}}", "a map says what a message is"),
        ("sources: {a: {files: x, map: {userId: value.id, event: vale.name}}}", "name vale, did you mean 'value'?"),
        ("sources: {a: {files: x, map: {userId: value.id, event: profile.name}}}", "'profile' has no meaning here"),
        ("sources: {a: {files: x, map: {userId: value.id, event: now}}}", "'now' has no meaning here"),
        ("sources: {a/b: {files: x}}", "a name has letters, digits, - and _"),
        ("source: {}", "unknown key, did you mean 'sources'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, sources: str, says: str) -> None:
    found = findings(tmp_path, sources)

    assert any(says in each and each.startswith("sources.yaml:1") for each in found), found


@pytest.mark.parametrize(
    "mapping, says",
    [
        ("{event: value.e}", "map: a map says whose a message is: by 'userId' or by 'anonymousId'"),
        ("{traits: value}", "map: a map says whose a message is: by 'userId' or by 'anonymousId'"),
        ("{event: '5', userId: value.u}", "map.event: the name of an event is a string, and this is a number"),
        ("{event: value.e, userId: timestamp}", "map.userId: an id is a string or a whole number, and this is a time"),
        ("{event: value.e, userId: 'true'}", "map.userId: an id is a string or a whole number, and this is a boolean"),
        ("{traits: '\"x\"', userId: value.u}", "map.traits: traits are an object, and this is a string"),
        ("{event: value.e, userId: value.u, properties: '[1]'}", "map.properties: properties are an object, and this"),
        ("{event: value.e, userId: value.u, timestamp: offset}", "map.timestamp: a time is a timestamp, or a string"),
        ("{event: value.e, userId: value.u, timestamp: '\"noon\"'}", "map.timestamp: a time such as 2026-03-02T09:00"),
        (
            "{type: '\"trak\"', event: value.e, userId: value.u}",
            "map.type: a map makes no call of the type 'trak', did",
        ),
        ("{type: '\"reaction\"', userId: value.u}", "map.type: a map makes no call of the type 'reaction'; it may be"),
        ("{type: '\"track\"', userId: value.u}", "map: a track call has an 'event'"),
        ("{type: '\"consent\"', userId: value.u}", "map: a consent call has 'channel' and 'granted'"),
        ("{event: value.e, userId: value.u, granted: 'true'}", "map.granted: it is of a consent: give the map `type:"),
        (
            "{type: '\"consent\"', userId: value.u, channel: value.c, granted: '\"yes\"'}",
            "map.granted: a consent is given or not, true or false, and this is a string",
        ),
    ],
)
def test_a_map_whose_messages_would_all_be_set_aside_is_told(tmp_path: Path, mapping: str, says: str) -> None:
    (found,) = findings(tmp_path, f"sources: {{a: {{files: x, map: {mapping}}}}}")

    assert f"sources.yaml:1: sources.a.{says}" in found


def test_what_messages_say_themselves_is_theirs(tmp_path: Path) -> None:
    maps = [
        "{type: value.type, userId: value.u, granted: value.g, channel: value.c}",
        "{event: value.e, userId: offset, messageId: key, timestamp: value.at, properties: headers}",
        "{type: '\"consent\"', anonymousId: value.a, channel: '\"email\"', granted: 'true'}",
    ]
    written = ", ".join(f"{name}: {{files: x, map: {mapping}}}" for name, mapping in zip("abc", maps, strict=True))
    assert findings(tmp_path, f"sources: {{{written}}}") == []


def test_an_event_that_names_its_person_needs_no_id(tmp_path: Path) -> None:
    write_shop(tmp_path, "sources: {a: {files: x, map: {event: value.e, properties: value}}}")
    keyed = "events: {Bought: {properties: {mail: string}, key: {namespace: mail, value: event.mail}}}"
    (tmp_path / "events.yaml").write_text(keyed)

    assert [str(each) for each in Project.check(tmp_path, sources=source_models())] == []


def test_a_library_that_is_missing_is_told_when_the_project_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda library: None)

    (found,) = findings(tmp_path, "sources: {a: {kafka: {servers: x}}}")

    said = (
        "the source 'kafka' needs the library confluent_kafka, which is not installed: `pip install 'parcours[kafka]'`"
    )
    assert found == f"sources.yaml:1: warning: sources.a.kafka: {said}"


def test_check_tells_it(tmp_path: Path) -> None:
    write_shop(tmp_path, "sources: {a: {fils: x}}")

    done = CliRunner().invoke(build(), ["check", str(tmp_path)])

    assert done.exit_code == 1
    assert "unknown kind of source 'fils'" in done.output


def test_a_project_takes_its_sources_along(tmp_path: Path) -> None:
    project = Project.load(
        write_shop(tmp_path, 'sources: {a: {files: "x", map: {event: value.name, userId: value.id}}}')
    )

    again = Project.from_json(project.to_json())

    assert again.documents.sources == project.documents.sources != SourcesDocument()


def mapped(folder: Path, mapping: str, line: Line) -> Any:
    """What a message means by a map."""
    project = Project.load(write_shop(folder, f"sources: {{a: {{files: x, map: {mapping}}}}}"))
    (opened,) = sources_of(project, {})
    made = line_of(line, "7", opened.make, {})
    assert made is not None
    return made if made.startswith(b"\0") else json.loads(made)


def test_a_message_is_mapped_field_by_field(tmp_path: Path) -> None:
    mapping = (
        "{event: '\"Bought\"', userId: value.customer.id, messageId: headers.id, timestamp: timestamp, "
        'properties: \'{"total": value.cents / 100.0, "key": key, "from": partition, "at": offset}\'}'
    )
    value = b'{"customer":{"id":4711},"cents":1250,"cart":null}'
    line = Line(12, value, key=b"k", headers=[("id", b"m-1")], timestamp_ms=1_700_000_000_000)

    assert mapped(tmp_path, mapping, line) == {
        "type": "track",
        "event": "Bought",
        "userId": "4711",
        "messageId": "m-1",
        "timestamp": "2023-11-14T22:13:20.000Z",
        "properties": {"total": 12.5, "key": "k", "from": "7", "at": 12},
    }


def test_the_whole_value_may_be_the_properties_and_traits_make_an_identify(tmp_path: Path) -> None:
    line = Line(1, b'{"id":"u1","email":"a@b.example"}', timestamp_ms=1_700_000_000_000)

    assert mapped(tmp_path, "{traits: value, userId: value.id}", line) == {
        "type": "identify",
        "userId": "u1",
        "traits": {"id": "u1", "email": "a@b.example"},
        "timestamp": "2023-11-14T22:13:20.000Z",
    }


def test_a_message_that_is_no_json_is_set_aside_as_it_came(tmp_path: Path) -> None:
    made = mapped(tmp_path, "{event: value.name, userId: value.id}", Line(1, b"no JSON"))

    assert made.startswith(b"\0the value is no JSON")
    assert made.endswith(b"\0no JSON")


def test_a_map_wins_over_what_a_cloud_event_tells(tmp_path: Path) -> None:
    mapping = "{event: '\"Bought\"', userId: headers.ce_customer, properties: value}"
    told = {"specversion": b"1.0", "id": b"e-1", "source": b"/shop", "type": b"t", "subject": b"bert"}
    headers = [*((f"ce_{name}", value) for name, value in told.items()), ("ce_customer", b"anna")]

    call = {"type": "track", "event": "Bought", "userId": "anna"}
    assert mapped(tmp_path, mapping, Line(1, b"{}", headers=headers)) == {**call, "properties": {}}
    assert mapped(tmp_path, mapping, Line(1, None, headers=headers)) == call


def test_a_secret_that_is_not_there_and_a_kind_that_is_not_installed_are_told_before_anything_is_read(
    tmp_path: Path,
) -> None:
    project = Project.load(write_shop(tmp_path, 'sources: {a: {files: "env:WHERE"}}'))
    with pytest.raises(SettingInvalid, match=r"sources\.a\.files refers to the environment variable WHERE"):
        sources_of(project, {})

    project = Project.load(write_shop(tmp_path, "sources: {a: {fils: x}}"))
    with pytest.raises(SettingInvalid, match="offers the source 'fils', did you mean 'files'"):
        sources_of(project, {})


def test_a_service_reads_what_the_project_says_below_its_folder(tmp_path: Path) -> None:
    sources = """
        sources:
          orders:
            files: env:ORDERS
            map: {event: '"Bought"', userId: value.customer, properties: value}
    """
    folder = write_shop(tmp_path / "shop", sources)
    (folder / "in").mkdir()
    (folder / "in" / "orders.csv").write_text("customer,total\nanna,80\nanna,20\nbert,\n")
    project = Project.load(folder)

    async def backend() -> None:
        async with Service.open(project, "memory:", runtime="local") as service:
            await service.read_sources(project, {"ORDERS": "in/*.csv"})
            await until_taken(service, 3)

            async def applied() -> bool:
                anna, bert = await service.profile("anna"), await service.profile("bert")
                return bool(anna and bert and (anna.counts["carts"], bert.counts["carts"]) == (2, 1))

            await until(applied, "all lines are applied")

    asyncio.run(backend())
