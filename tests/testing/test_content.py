"""A test says what a message should say, and sees what it says instead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from parcours.core.fact import DeliveryReached
from parcours.errors import ProjectInvalid
from parcours.journey.model.document import ProjectDocument
from parcours.journey.project import Project
from parcours.testing.cases.read import read_cases
from parcours.testing.cases.run import run_cases, verdict_lines
from parcours.testing.virtual_project import VirtualProject

FILES = {
    "parcours.yaml": "{project: shop, policies: {consent: {default: opt_out}}}",
    "profile.yaml": "traits: {email: string, push_token: string, first_name: string, visits: integer}",
    "events.yaml": "events: {Left: {properties: {cart.total: number, cart.url: string}}}",
    "actions.yaml": "actions: {note: {url: 'https://crm.example/n', body: {who: profile.email, cart: entry.cart}}}",
    "messages/back.yaml": """\
message: back
email:
  subject: "{{ profile.first_name | default: 'Hello' }}, your cart waits"
  text: |
    Dear {{ profile.first_name }},

    it holds ${{ entry.cart.total }}.
    Seen on {{ 'now' | date: '%d %B' }}.
  html: "<p>{{ profile.first_name }}</p>"
push: {title: Waiting, data: {url: "{{ entry.cart.url }}", badge: "1"}}
""",
    "messages/share.yaml": """\
{message: share, email: {subject: Share, text: "{{ 12 | divided_by: profile.visits }}"}}
""",
    "journeys/bring-back.yaml": """\
journey: bring-back
entry: {event: Left}
steps:
  - {id: back, send: back}
  - {id: note, call: note}
  - {id: share, send: share}
""",
}

SCENE = """\
- test: a cart
  people: {sarah: {email: s@shop.example, push_token: t1, first_name: "Sarah & Co", visits: %d}}
  start: 2026-03-02T09:00:00Z
  given:
    - {who: sarah, event: Left, properties: {cart: {total: 80, url: "https://shop.test/c"}}}
  expect:
    - %s
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "tests").mkdir()
    return tmp_path


def verdict_on(folder: Path, expected: str, visits: int = 1) -> list[str]:
    """The lines of the verdict on the scene, or what is wrong with it."""
    (folder / "tests" / "case.yaml").write_text(SCENE % (visits, expected))
    project = Project.load(folder)
    cases, findings = read_cases(project, folder)
    verdicts = run_cases(project, cases)
    return [str(finding) for finding in findings] or [line for each in verdicts for line in verdict_lines(each)]


@pytest.mark.parametrize(
    "expected",
    [
        '{who: sarah, channel: email, content: {subject: "Sarah & Co, your cart waits"}}',
        # only HTML is escaped
        "{who: sarah, content: {html: '<p>Sarah &amp; Co</p>'}}",
        # a text is compared whole, but for the white space around it
        '{channel: email, content: {text: "Dear Sarah & Co,\\n\\nit holds $80.\\nSeen on 02 March."}}',
        '{channel: email, contains: {text: "holds $80", subject: "Sarah"}, times: 1}',
        '{channel: email, content: {subject: "Share"}, contains: {text: "12"}}',
        '{channel: email, contains: {subject: "Tom"}, times: 0}',
        # of an object, only what is named counts
        '{step: back, content: {title: Waiting, data: {url: "https://shop.test/c"}}}',
        '{channel: push, contains: {data: {url: "/c"}}}',
        # a call says what its body holds
        "{channel: call, content: {who: s@shop.example, cart: {total: 80}}}",
        '{step: note, message: note, contains: {who: "@"}}',
    ],
)
def test_a_message_says_what_is_expected(expected: str, folder: Path) -> None:
    assert verdict_on(folder, expected) == ["passed  tests/case.yaml:1  a cart"]


def test_what_a_channel_tells_of_a_content_stands_with_the_verdict(folder: Path) -> None:
    (folder / "messages" / "share.yaml").write_text("{message: share, email: {subject: '', text: Hi}}")

    lines = verdict_on(folder, "{channel: email, content: {text: Hi}}")

    assert lines == ["passed  tests/case.yaml:1  a cart", "  email of share: the subject is empty"]


SENT = "+0s  bring-back.back: email back sent"


@pytest.mark.parametrize(
    "expected, lines",
    [
        (
            '{channel: email, content: {subject: "Sarah, your cart waits"}, times: 1}',
            [
                "  line 7: expected: somebody gets email message sent with the subject expected, once",
                f"    happened:  {SENT}",
                "                 subject is  'Sarah & Co, your cart waits'",
                "                    and not  'Sarah, your cart waits'",
                "               +0s  bring-back.share: email share sent",
                "                 subject is  'Share'",
                "                    and not  'Sarah, your cart waits'",
            ],
        ),
        (
            '{message: back, channel: email, content: {text: "Dear Sarah & Co,\\n\\nit holds $90."}}',
            [
                "  line 7: expected: somebody gets back by email sent with the text expected",
                f"    happened:  {SENT}",
                "                 text differs: - expected, + found",
                "                    ",
                "                   -it holds $90.",
                "                   +it holds $80.",
                "                   +Seen on 02 March.",
            ],
        ),
        (
            '{message: back, channel: email, contains: {text: "Dear Tom"}}',
            [
                "  line 7: expected: somebody gets back by email sent with the text expected",
                f"    happened:  {SENT}",
                "                 text does not contain 'Dear Tom':",
                "                   Dear Sarah & Co,",
                "                   ",
                "                   it holds $80.",
                "                   Seen on 02 March.",
            ],
        ),
        (
            "{channel: call, content: {cart: {total: 81, items: 2}}, contains: {cart: a}}",
            [
                "  line 7: expected: somebody gets a call sent with the cart expected",
                "    happened:  +0s  bring-back.note: call note sent",
                "                 cart.total is 80, and not 81",
                "                 cart.items is missing, and not 2",
                "                 cart is {'total': 80, 'url': 'https://shop.test/c'}, and no text that contains 'a'",
            ],
        ),
    ],
)
def test_a_failure_shows_what_it_says_instead(expected: str, lines: list[str], folder: Path) -> None:
    assert verdict_on(folder, expected) == ["FAILED  tests/case.yaml:1  a cart", *lines]


def test_a_long_text_is_shown_where_it_differs(folder: Path) -> None:
    found = verdict_on(folder, f"{{channel: push, content: {{title: Waiting{'!' * 1_000}}}}}")
    missing = "\\n".join(f"line {number}" for number in range(100))
    lines = verdict_on(folder, f'{{message: back, channel: email, content: {{text: "{missing}"}}}}')

    assert max(map(len, found)) < 250
    assert "'Waiting'" in found[3] and "...'" in found[4]
    assert (len(lines), lines[-1].strip()) == (17, "...")


def test_a_template_that_fails_for_a_person_fails_the_delivery(folder: Path) -> None:
    assert verdict_on(folder, "{step: share, outcome: failed, at: +0s}", visits=0)[0].startswith("passed")

    lines = verdict_on(folder, "{step: share, channel: email, content: {subject: Share}}", visits=0)

    assert lines[1].startswith("  line 7: expected: somebody gets email message from share sent")
    assert any("bring-back.share: email share failed: render: divided_by: " in line for line in lines), lines


@pytest.mark.parametrize(
    "expected, finding",
    [
        ("{channel: email, content: {subjct: x}}", "content.subjct: unknown field 'subjct', did you mean 'subject'"),
        # a message has the fields that it is written with, for the channels on which the step sends
        ("{step: share, content: {html: x}}", "expect[0].content.html: unknown field 'html'"),
        ("{step: share, contains: {title: x}}", "expect[0].contains.title: unknown field 'title'"),
        ("{channel: push, contains: {subject: x}}", "expect[0].contains.subject: unknown field 'subject'"),
        ("{step: note, content: {total: 80}}", "expect[0].content.total: unknown field 'total'"),
        ("{channel: email, contains: {subject: 5}}", "expect[0].contains: what a field contains is a text"),
        ("{channel: email, outcome: refused, content: {subject: x}}", "what is refused says nothing"),
    ],
)  # fmt: skip
def test_a_mistake_about_content_is_found_before_the_test_runs(expected: str, finding: str, folder: Path) -> None:
    (found,) = verdict_on(folder, expected)

    assert found.startswith("tests/case.yaml:7: [0].expect[0]")
    assert finding in found


@pytest.fixture
def shop(folder: Path) -> Iterator[VirtualProject]:
    """The shop, and Sarah, who is about to leave a cart."""
    with VirtualProject(Project.load(folder), start=datetime(2026, 3, 2, 9, tzinfo=UTC)) as shop:
        shop.identify("sarah", {"email": "s@shop.example", "push_token": "t1", "first_name": "Sarah", "visits": 0})
        yield shop


def test_what_was_sent_is_there_to_read(shop: VirtualProject) -> None:
    shop.track("sarah", "Left", {"cart": {"total": 80, "url": "https://shop.test/c"}})

    mail, push = shop.sent()
    (call,) = shop.sent(channel="call")
    assert mail.content == {
        "subject": "Sarah, your cart waits",
        "text": "Dear Sarah,\n\nit holds $80.\nSeen on 02 March.\n",
        "html": "<p>Sarah</p>",
    }
    assert push.content == {"title": "Waiting", "data": {"url": "https://shop.test/c", "badge": "1"}}
    assert call.content == {"who": "s@shop.example", "cart": {"total": 80, "url": "https://shop.test/c"}}
    assert shop.sent(step="back") == [mail, push]  # also when asked again
    assert len({mail, push, mail}) == 2


def test_what_cannot_be_rendered_was_not_sent(shop: VirtualProject) -> None:
    shop.track("sarah", "Left", {"cart": {"total": 80}})

    failed = [fact for fact in shop.facts() if isinstance(fact, DeliveryReached) and fact.outcome == "failed"]
    assert shop.sent(step="share") == []
    assert [(fact.step, fact.code) for fact in failed] == [("share", "render")]
    assert "email share to s@shop.example failed: render: divided_by: can't divide by 0 -> " in shop.explain("sarah")


def test_a_content_that_its_channel_would_never_take_opens_nothing(folder: Path) -> None:
    (folder / "messages" / "share.yaml").write_text("{message: share, email: {subject: Share}}")

    with pytest.raises(ProjectInvalid, match="message 'share', email: needs text, html or mjml"):
        VirtualProject(Project.load(folder))


def test_a_project_without_any_message_opens() -> None:
    with VirtualProject(Project.of(ProjectDocument(project="empty"))) as shop:
        assert shop.sent() == []


def test_what_is_published_later_is_rendered_as_it_says_then(shop: VirtualProject, folder: Path) -> None:
    message = folder / "messages" / "back.yaml"
    message.write_text(message.read_text().replace("your cart waits", "your cart misses you"))
    shop.publish(folder)

    shop.track("sarah", "Left", {"cart": {"total": 80}})

    assert [sent.content["subject"] for sent in shop.sent(channel="email")] == ["Sarah, your cart misses you"]
