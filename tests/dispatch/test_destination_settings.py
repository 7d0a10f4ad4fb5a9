"""Is it told when a project is checked, and not only when it is served, what is wrong with where something goes?"""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict
from tests.projects import write_texts

from parcours.dispatch.destinations import InstalledDestinations
from parcours.errors import ProjectInvalid
from parcours.journey.project import Project
from parcours.journey.publish.publications import PublicationCompiler, Publications, begun

SHOP = {
    "parcours.yaml": "{project: shop, timezone: UTC}",
    "profile.yaml": "traits: {city: string}",
    "audiences.yaml": "audiences: {vip: 'profile.city == \"Paris\"'}",
}


class LedgerSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    book: str


class LedgerDestination:
    """It takes members one after the other, and is told of all at once by nobody."""

    Settings = LedgerSettings

    def __init__(self, settings: LedgerSettings) -> None:
        self.settings = settings

    async def start(self) -> None: ...

    async def send(self, members: object) -> list[object]:
        raise AssertionError("nobody is told")

    async def stop(self) -> None: ...


LEDGER = EntryPoint("ledger", f"{__name__}:LedgerDestination", "parcours.destinations")


def findings(folder: Path, destinations: str) -> list[str]:
    write_texts(folder, {**SHOP, "destinations.yaml": f"destinations:\n  v: {destinations}\n"})
    ours = (EntryPoint(name, f"parcours.destinations.{name}:{name.title()}Destination", "") for name in OURS)
    installed = InstalledDestinations([*ours, LEDGER])
    return [str(each) for each in Project.check(folder, destinations=installed.kind)]


OURS = ("file", "kafka", "nats", "webhook")


def of_members(to: str, more: str = "") -> str:
    return f"{{audience: vip, to: {{{to}}}{more}}}"


@pytest.mark.parametrize(
    "to, says",
    [
        ("kafka: {servers: x, topic: t, options: {acks: 1, sasl.password: 'env:P'}}", "kafka.options.acks: 'acks' is"),
        ("kafka: {servers: x, topic: t, options: {acks: 'env:A'}}", "kafka.options.acks: 'acks' is not set here: a me"),
        ("kafka: {servers: x, topic: t, options: {lnger.ms: 5}}", "kafka.options.lnger.ms: librdkafka has no setting "),
        ("kafka: {servers: x, topic: t, options: {compression.type: zst}}", "kafka.options.compression.type: librdkaf"),
        ("kafka: {servers: x, topic: t, options: {linger.ms: [5]}}", "kafka.options.linger.ms: a text, a number, true"),
        ("kafka: {servers: x, topic: t, options: {sasl.password: 'env:'}}", "kafka.options.sasl.password: the referen"),
        ("kafka: {servers: x, topic: a b}", "kafka.topic: a topic has letters, digits, ., _ and -, 249 characters"),
        ("file: ~/x.ndjson", "file: a path begins at the project's folder, and ~ is nobody's home there: give an abso"),
        ("kafka: {servers: 'x:y', topic: t}", "kafka.servers: brokers are expected as host:port, with commas between"),
        ("nats: {url: 'http://x', subject: s}", "nats.url: servers are expected as nats://host:4222 or tls://host:422"),
        ("nats: {url: 'nats://x, ws://y', subject: s}", "nats.url: servers by nats:// or tls:// and such by ws:// or "),
        ("nats: {url: 'nats://x', subject: 'a.*'}", "nats.subject: a subject has names with a dot between them, wit"),
        ("nats: {url: 'nats://x', subject: a..b}", "nats.subject: a subject has names with a dot between them, none "),
        ("nats: {url: 'nats://x', subject: s, stream: a.b}", "nats.stream: JetStream takes no blanks and none of . *"),
        ("nats: {url: 'nats://x', subject: s, password: 'env:P'}", "nats.user: this key is needed"),
        ("nats: {url: 'nats://x', subject: s, user: u}", "nats.password: this key is needed"),
        ("nats: {url: 'nats://x', subject: s, tls: {key: 'file:k'}}", "nats.tls.certificate: this key is needed"),
        ("nats: {url: 'nats://x', subject: s, tls: {ca: x}}", "nats.tls: these are no certificates in PEM"),
        ("nats: {url: 'nats://x', subject: s, credentials: x}", "nats.credentials: they have no USER NKEY SEED"),
        ("webhook: {url: 'https://x.example', timeout: 1m}", "webhook.timeout: 50 seconds at most"),
        ("plugin: {name: nats, settings: {url: x, subject: a b}}", "plugin.settings.subject: a subject has names with"),
        ("kafka: {servers: 'env:KAFKA,b:9092', topic: t}", "kafka.servers: the reference does not name the env"),
        ("plugin: {name: ledger, settings: {bok: x}}", "plugin.settings.bok: unknown key, did you mean 'book'?"),
        ("plugin: {name: ledger, settings: {book: 'file:'}}", "plugin.settings.book: the reference does not name the"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, to: str, says: str) -> None:
    found = findings(tmp_path, of_members(to))

    assert any(each.startswith(f"destinations.yaml:2: destinations.v.to.{says}") for each in found), found
    assert all("(found" not in each for each in found), "it may be a secret"


@pytest.mark.parametrize(
    "document, says",
    [
        (of_members("plugin: {name: leger}"), "v.to: no installed distribution offers the destination 'leger', did yo"),
        (
            of_members("plugin: {name: ledger, settings: {book: x}}", ", full: {at: 2026-11-02T03:00:00}"),
            "v.full: the destination 'ledger' cannot be told of all members at once",
        ),
        ("{facts: [moves], to: {webhook: {url: 'https://x.example'}}}", "v.to: to webhook go members alone: facts go "),
        ("{facts: [moves], to: {plugin: {name: ledger}}}", "v.to: the destination 'ledger' takes members of audiences"),
        (
            "{facts: [moves], audience: vip, to: {kafka: {servers: x, topic: t, options: {sasl.password: hush}}}}",
            "v: a destination has the members of an audience or takes facts: make two of it",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_its_place(tmp_path: Path, document: str, says: str) -> None:
    (found,) = findings(tmp_path, document)

    assert found.startswith(f"destinations.yaml:2: destinations.{says}")
    assert "hush" not in found


@pytest.mark.parametrize(
    "to",
    [
        "kafka: {servers: 'env:KAFKA', topic: t, options: {linger.ms: 5, security.protocol: 'env:PROTOCOL'}}",
        "nats: {url: 'env:NATS', subject: s, user: u, password: 'env:P', tls: {ca: 'file:ca.pem', first: true}}",
        "webhook: {url: 'https://x.example', headers: {Authorization: 'env:A'}, timeout: 50s}",
        "file: out/x.ndjson",
        "plugin: {name: ledger, settings: {book: 'env:BOOK'}}",
    ],
)
def test_what_an_environment_has_to_say_is_not_judged(tmp_path: Path, to: str) -> None:
    assert findings(tmp_path, of_members(to)) == []


def test_what_is_told_of_a_live_publication_does_not_keep_its_store_from_opening(tmp_path: Path) -> None:
    write_texts(tmp_path, {**SHOP, "destinations.yaml": "destinations: {v: {audience: vip, to: {file: x.ndjson}}}"})
    written = Project.load(tmp_path).to_json().replace(b'"x.ndjson"', b'"~/x.ndjson"')

    live = Publications(begun(Project.load(tmp_path)).ledger, {1: written})

    assert PublicationCompiler().program(live).destinations.keys() == {"v"}
    with pytest.raises(ProjectInvalid, match="is nobody's home there"):
        Project.from_json(written)
