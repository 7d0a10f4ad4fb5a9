"""What an author can say of an outbound call, and what is wrong with it at load time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.projects import findings_of

from parcours.journey.project import Project
from parcours.journey.publish.digest import digests_of
from parcours.journey.read.schema import schema

Change = Callable[[dict[str, str]], Path]

URL = "https://crm.example/people"


def action(*keys: str, url: str = URL) -> dict[str, str]:
    return {
        "actions.yaml": "\n".join(["actions:", "  look:", f"    url: {url}", *(f"    {key}" for key in keys)]) + "\n"
    }


def test_a_call_has_a_method_headers_and_a_query(changed: Change) -> None:
    keys = ("method: GET", 'headers: {Authorization: "env:TOKEN", X-Shop: luma}', "query: {who: profile.email, n: 5}")
    folder = changed(action(*keys))

    assert findings_of(folder) == []
    look = Project.load(folder).program.actions["look"]
    assert (look.method, look.headers) == ("GET", {"Authorization": "env:TOKEN", "X-Shop": "luma"})
    assert {name: value.text for name, value in look.query.items()} == {"who": "profile.email", "n": "5"}
    assert not look.has_body


FAULTS = [
    ("method: HEAD", "method: expected 'GET', 'POST', 'PUT', 'PATCH' or 'DELETE'"),
    ("method: get", "method: expected 'GET'"),
    ("query: {who: profile.emial}", "query.who: unknown name profile.emial, did you mean 'profile.email'?"),
    ("query: {'': 1}", "query.: a text is expected that is not empty"),
    ("headers: {Host: elsewhere}", "headers.Host: Host cannot be given: it is that of the url"),
    ("headers: {content-length: '3'}", "headers.content-length: content-length cannot be given"),
    ("headers: {Transfer-Encoding: chunked}", "headers.Transfer-Encoding: Transfer-Encoding cannot be given"),
    ("headers: {CONNECTION: close}", "headers.CONNECTION: CONNECTION cannot be given"),
    ("headers: {Idempotency-Key: k}", "headers.Idempotency-Key: Idempotency-Key cannot be given: it is the key"),
    ("headers: {X Shop: luma}", "headers.X Shop: a header's name has letters, digits and -"),
    ('headers: {"X-Shop\\n": luma}', "a header's name has letters, digits and -"),
    ("headers: {X-Shöp: luma}", "headers.X-Shöp: a header's name has letters, digits and -"),
    ("headers: {X-Shop: luma, x-shop: luma}", "headers: X-Shop and x-shop are the same header"),
    ('headers: {X-Shop: "a\\nHost: b"}', "headers.X-Shop: a header cannot have this value: it holds a line break"),
    ('headers: {X-Shop: "a\\rb"}', "headers.X-Shop: a header cannot have this value: it holds a line break"),
    ('headers: {X-Shop: "a\\0b"}', "headers.X-Shop: a header cannot have this value: it holds a character that is not"),
    ("headers: {X-Shop: é}", "headers.X-Shop: a header cannot have this value: it holds a character that is not"),
    (f"headers: {{X-Shop: {'x' * 8_001}}}", "headers.X-Shop: a header cannot have this value: it has more than 8000"),
    ("headers: {X-Shop: 5}", "headers.X-Shop: a text is expected"),
    ("headers: {X-Shop: 'env:'}", "headers.X-Shop: the reference does not name the environment variable"),
    ("headers: {X-Shop: 'file:'}", "headers.X-Shop: the reference does not name the file"),
]


@pytest.mark.parametrize("keys, fault", FAULTS, ids=[fault[:60] for _, fault in FAULTS])
def test_a_fault_of_a_call_is_found_where_it_is(changed: Change, keys: str, fault: str) -> None:
    (found,) = findings_of(changed(action(keys)))

    assert found.startswith("actions.yaml:4: actions.look.")
    assert fault in found


def test_a_url_holds_no_credentials(changed: Change) -> None:
    (found,) = findings_of(changed(action(url="https://anna:s3cret@crm.example/")))

    assert "a user name in it would be stored with each call: give the header Authorization, by env:NAME" in found


LABEL = "a" * 63


@pytest.mark.parametrize(
    "url, fault",
    [
        ("https://x..example/y", "its host is no name or address: between its dots stand 1 to 63 letters"),
        ("https://.example/y", "between its dots stand 1 to 63 letters"),
        (f"https://{LABEL}a.example/y", "between its dots stand 1 to 63 letters"),
        (f"https://{'ü' * 63}.example/y", "between its dots stand 1 to 63 letters"),  # as it is asked for
        (f"https://{LABEL}.{LABEL}.{LABEL}.{LABEL}.example/y", "it has more than 253 characters"),
        ("https://a!b.example/", "between its dots stand 1 to 63 letters"),
        ("https://a%20b.example/", "between its dots stand 1 to 63 letters"),
        ("https://10.0.0.999/y", "it ends in a number and is no IPv4 address"),
        ("https://[fe80::g]/y", "it is no web address: "),
        ("https://[fe80::1/y", "it is no web address: Invalid IPv6 URL"),
        ("https://crm.example:99999/y", "its port is no number from 1 to 65535"),
        ("https://crm.example:0/y", "its port is no number from 1 to 65535"),
        ("https://crm.example:80a/y", "its port is no number from 1 to 65535"),
        ("https://crm.example/a b", "it has a space in it, which is written %20"),
        ("https://crm.example/a\tb", "it has a character in it that no web address has"),
        ("https://crm.example\\\\y", "it has a character in it that no web address has"),
        ("https://crm.example/100%", "% stands before two hexadecimal digits, and is itself written %25"),
        ("https://crm.example/y/{{ profile.email }}", "nothing is filled in here, it is the same for everybody"),
        ("https://crm.example/{% if true %}", "what differs goes into query or body"),
        ("https://crm.example/people/{id}", "what differs goes into query or body"),
        ("ftp://crm.example/", "a web address such as https://crm.example.com/notes is expected"),
    ],
)
def test_a_url_that_no_call_can_go_to_is_refused(changed: Change, url: str, fault: str) -> None:
    (found,) = findings_of(changed(action(url=f'"{url}"')))

    assert found.startswith("actions.yaml:3: actions.look.url: ")
    assert fault in found


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000",
        "https://crm_1.internal.:8443/a%20b?c=d&e[]=f",
        "https://münchen.example/ü",
        "http://10.1.2.3/x",
        "http://[::1]:80/x",
        f"https://{LABEL}.example/",
        "https://-a-.xn--mnchen-3ya.example/~x;y,z@!$'()*+",
    ],
)
def test_a_url_that_a_call_can_go_to_is_taken_as_it_is(changed: Change, url: str) -> None:
    folder = changed(action(url=f'"{url}"'))

    assert findings_of(folder) == []
    assert Project.load(folder).program.actions["look"].url == url


CHANNELS = [
    ("{}", []),
    ("{allowed_networks: [10.1.0.0/16, 'fd00::/8', 127.0.0.1]}", []),
    ("{allowed_networks: 'env:NETWORKS'}", []),
    ("{allowed_networks: [10.1.0.0/99]}", ["allowed_networks[0]: value is not a valid IPv4 or IPv6 network"]),
    ("{allowed_network: [10.1.0.0/16]}", ["allowed_network: unknown key, did you mean 'allowed_networks'?"]),
    ("{secrets: {a: b}}", ["secrets: unknown key"]),
]


@pytest.mark.parametrize("settings, faults", CHANNELS)
def test_private_networks_are_listed_for_all_calls(changed: Change, settings: str, faults: list[str]) -> None:
    project = (Path(__file__).parent / "luma" / "parcours.yaml").read_text(encoding="utf-8")
    assert project.count("channels:\n") == 1
    folder = changed({"parcours.yaml": project.replace("channels:\n", f"channels:\n  call: {settings}\n")})

    found = findings_of(folder)

    assert [each.split("channels.call.")[1].split(" (found")[0] for each in found] == faults
    assert [str(each) for each in Project.check(folder, settings=dict.fromkeys(("email", "sms", "push")))] == found


def test_calls_are_no_channel_for_messages_and_policies_even_if_they_have_settings(changed: Change) -> None:
    project = (Path(__file__).parent / "luma" / "parcours.yaml").read_text(encoding="utf-8")
    files = {"parcours.yaml": project.replace("channels:\n", "channels:\n  call: {}\n")}
    files |= {"messages/note.yaml": "message: note\ncall: {text: hi}\n"}

    (found,) = findings_of(changed(files))

    assert "call: 'call' is no channel: under this name go the outbound calls of actions.yaml" in found


CALLING = {"journeys/second.yaml": "journey: second\nentry: {event: Checkout Started}\nsteps: [{id: a, call: look}]\n"}


def test_a_journey_is_another_one_once_its_call_is(changed: Change, tmp_path: Path) -> None:
    variants = [(), ("method: PUT",), ("headers: {X-Shop: luma}",), ("query: {n: 5}",), ("query: {n: 6}",)]
    digests = []
    for number, keys in enumerate(variants):
        project = Project.load(changed({**action(*keys), **CALLING}).rename(tmp_path / str(number)))
        digests.append(digests_of(project.documents, project.program).journeys["second"])

    assert len(set(digests)) == len(variants)


def test_an_editor_knows_methods_and_headers() -> None:
    look = schema("actions")["$defs"]["ActionDocument"]["properties"]

    assert look["method"]["enum"] == ["GET", "POST", "PUT", "PATCH", "DELETE"]
    assert list(look["headers"]["patternProperties"].values()) == [{"type": "string"}]
    assert "env:NAME" in look["headers"]["description"]
