"""Small projects that once sent what they should not, or nothing, as their authors would run them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from parcours import Project, simulate
from parcours.core.fact import DeliveryReached, LimitReached
from parcours.dispatch.judgement import Judgement, load_project
from parcours.dispatch.recorded_rendering import RecordedRendering
from parcours.dispatch.registry import Registry
from parcours.simulation.simulation import Result

FILES = {
    "parcours.yaml": "project: shop\npolicies: {consent: {default: opt_out}}\n",
    "profile.yaml": "traits: {email: string, phone: string, first_name: string, names: list}\n",
    "events.yaml": "events: {A: {properties: {items: list, tags: list}}, B: {}}\n",
    "journeys/a.yaml": "journey: a\nentry: {event: A}\nsteps: [{id: s, send: m}]\n",
    "messages/m.yaml": "message: m\nemail: {subject: Hi, text: Hello}\n",
}


def written(folder: Path, **changed: str) -> Path:
    """The project with other texts in some of its files, which are named by their first word."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(changed.get(Path(name).stem, text), encoding="utf-8")
    return folder


def played(project: Project, *calls: Mapping[str, Any], rendering: RecordedRendering | None = None) -> Result:
    """What becomes of these calls of u1, an hour apart; every message is rendered."""
    lines = [
        json.dumps({"userId": "u1", "timestamp": f"2026-03-02T{hour:02}:00:00Z", **call}).encode()
        for hour, call in enumerate(calls)
    ]
    return simulate(project, lines, rendering=rendering or RecordedRendering.of(project, keep=False))


def identify(**traits: object) -> dict[str, object]:
    return {"type": "identify", "traits": traits}


def track(event: str = "A", **properties: object) -> dict[str, object]:
    return {"type": "track", "event": event, "properties": properties}


def fates(result: Result) -> list[tuple[str | None, str, str | None]]:
    """The address, outcome and gate of each delivery's moves that can be the last."""
    return [
        (fact.to, fact.outcome, fact.gate)
        for fact in result.facts
        if isinstance(fact, DeliveryReached) and fact.outcome in ("sent", "refused", "failed")
    ]


@pytest.mark.parametrize(
    "address",
    [
        "mailto:sarah@shop.example",
        "sarah@a..b",
        "sarah;x@shop.example",
        "user@[127.0.0.1]",
        f"x@{'l' * 64}.example",
        "@shop.example",
    ],
)
def test_what_no_mail_goes_to_is_refused_before_it_leaves(tmp_path: Path, address: str) -> None:
    ((_, outcome, gate),) = fates(played(load_project(written(tmp_path)), identify(email=address), track()))
    assert (outcome, gate) == ("refused", "address")


@pytest.mark.parametrize(
    "domain, ascii_domain",
    [("straße.example", "xn--strae-oqa.example"), ("κλαρα-σωλις.ευ", "xn----ylba7abgd9bnh0e.xn--qxa6a")],
)
def test_a_domain_beyond_ascii_is_no_other_one(tmp_path: Path, domain: str, ascii_domain: str) -> None:
    result = played(load_project(written(tmp_path)), identify(email=f"joe@{domain}"), track())
    assert fates(result) == [(f"joe@{ascii_domain}", "sent", None)]


@pytest.mark.parametrize(
    "text, shown",
    [
        ("{% if profile.first_name == blank %}there{% endif %}", "there"),
        ("{% if profile.first_name != blank %}{{ profile.first_name }},{% else %}Hello{% endif %}", "Hello"),
        ("{{ profile.names | join: ', ' }}", "Mat, , Ann"),
        ("{{ profile.names | sort | first }}", "Ann"),
        ("{{ profile.names | reverse | join: '+' }}", "Ann++Mat"),
        ("a{{ profile.names[1] }}b", "ab"),
    ],
)
def test_what_is_not_there_is_blank_and_shows_nothing(tmp_path: Path, text: str, shown: str) -> None:
    message = f'message: m\nemail: {{subject: "{text}", text: Hello}}\n'
    project = load_project(written(tmp_path, m=message))
    rendering = RecordedRendering.of(project)

    played(project, identify(email="u@shop.example", names=["Mat", None, "Ann"]), track(), rendering=rendering)

    ((_, content),) = rendering.collect().items()
    assert content["subject"] == shown


@pytest.mark.parametrize("subject", ["|\n    Hi\n    Sarah\n", '"Hi\\nSarah"', '"Hi {{ profile.first_name }}"'])
def test_a_line_break_in_a_subject_loses_no_mail(tmp_path: Path, subject: str) -> None:
    project = load_project(written(tmp_path, m=f"message: m\nemail:\n  subject: {subject}\n  text: Hello\n"))
    result = played(project, identify(email="u@shop.example", first_name="Sarah\n"), track())
    assert [outcome for _, outcome, _ in fates(result)] == ["sent"]


@pytest.mark.parametrize(
    "text, told",
    [
        ("{% include 'footer' %}", "include"),
        ("{% render 'footer' %}", "render"),
        ("{{ 'a' | replace }}", "replace"),
        ("{{ 'a' | upcase: 1, 2 }}", "upcase"),
    ],
)
def test_a_template_that_can_never_be_rendered_is_refused_at_once(tmp_path: Path, text: str, told: str) -> None:
    written(tmp_path, m=f'message: m\nemail: {{subject: Hi, text: "{text}"}}\n')
    (finding,) = Judgement(Registry.installed()).findings(tmp_path)
    assert finding.file == "messages/m.yaml" and told in str(finding)


def test_mjml_of_any_depth_ends_with_a_word(tmp_path: Path) -> None:
    deep = "<mj-section>" * 3_000 + "</mj-section>" * 3_000
    written(tmp_path, m=f"message: m\nemail: {{subject: Hi, mjml: <mjml><mj-body>{deep}</mj-body></mjml>}}\n")
    (finding,) = Judgement(Registry.installed()).findings(tmp_path)
    assert "mjml" in str(finding)


def test_a_second_unsubscribe_by_the_same_mail_counts(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "journeys" / "b.yaml").write_text("journey: b\nentry: {event: B}\nsteps: [{id: s, send: m}]\n")
    unsubscribed = {"type": "reaction", "reaction": "unsubscribed", "journey": "a", "step": "s", "channel": "email"}
    again = {"type": "consent", "channel": "email", "granted": True}

    result = played(
        load_project(folder), identify(email="u@shop.example"), track(), unsubscribed, again, unsubscribed, track("B")
    )

    assert [each[1:] for each in fates(result)] == [("sent", None), ("refused", "consent")]


@pytest.mark.parametrize(
    "code, follows",
    [("30003", "sent"), ("30007", "sent"), ("30008", "sent"), ("30005", "refused"), ("30006", "refused")],
)
def test_only_what_a_provider_says_of_the_number_suppresses_it(tmp_path: Path, code: str, follows: str) -> None:
    folder = written(tmp_path, m="message: m\nclass: transactional\nsms: {text: Hello}\n")
    (folder / "journeys" / "b.yaml").write_text("journey: b\nentry: {event: B}\nsteps: [{id: s, send: m}]\n")
    bounced = {"type": "reaction", "reaction": "bounced", "code": code, "journey": "a", "step": "s", "channel": "sms"}

    result = played(load_project(folder), identify(phone="+33612345678"), track(), bounced, track("B"))

    assert [outcome for _, outcome, _ in fates(result)] == ["sent", follows]


def test_a_macro_within_a_macro_is_given_up_after_a_number_of_steps(tmp_path: Path) -> None:
    condition = "event.items.all(a, event.tags.all(b, a != b - 100000))"
    folder = written(tmp_path, a=f"journey: a\nentry: {{event: A, when: '{condition}'}}\nsteps: [{{id: s, send: m}}]\n")

    result = played(load_project(folder), track(items=list(range(1_000)), tags=list(range(1_000))))

    assert [fact.setting for fact in result.facts if isinstance(fact, LimitReached)] == ["macro_steps_max"]


def test_a_text_that_would_take_gigabytes_fails_for_its_person_only(tmp_path: Path) -> None:
    text = "{{ profile.first_name | replace: ' ', profile.first_name }}"
    folder = written(tmp_path, m=f'message: m\nemail: {{subject: Hi, text: "{text}"}}\n')

    result = played(load_project(folder), identify(email="u@shop.example", first_name=" " * 30_000), track())

    assert [outcome for _, outcome, _ in fates(result)] == ["failed"]
