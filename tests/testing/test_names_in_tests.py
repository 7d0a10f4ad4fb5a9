"""A test that could never fail, or that says what nothing reads, is told with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner

from parcours.cli import build
from parcours.core.delivery.policy import GateName
from parcours.testing.cases.run import run_cases, verdict_lines

SCENE = """\
- test: a cart
  people: {sarah: {email: s@luma.example}}
  start: 2026-03-02T09:00:00Z
  given:
    - {who: sarah, event: Product Added, properties: {cart: {total: 80}}}
  until: +10d
  expect:
    - {who: sarah, step: remind, channel: email}
"""
EXPECTED = "{who: sarah, step: remind, channel: email}"
HAPPENS = "{who: sarah, event: Product Added, properties: {cart: {total: 80}}}"


@pytest.mark.parametrize(
    "change, finding",
    [
        ((EXPECTED, "{gate: quiet, outcome: held, times: 0}"),
         ("8: [0].expect[0].gate: a gate is one of holdout, address, consent, suppression, expiry, cap, quiet_hours, "
         "window, content, did you mean 'quiet_hours'?")),
        ((EXPECTED, "{gate: cap, times: 0}"),
         "8: [0].expect[0]: what is sent has passed the gates: gate goes with refused or held"),
        ((EXPECTED, "{step: remind, channel: sms, times: 0}"),
         "8: [0].expect[0].channel: remind sends on email, not on sms"),
        ((EXPECTED, "{journey: abandoned-cart, step: opened, outcome: sent, times: 0}"),
         "8: [0].expect[0].step: step opened sends nothing"),
        ((EXPECTED, "{journey: abandoned-cart, step: remind, message: order-confirmation, times: 0}"),
         "8: [0].expect[0].message: abandoned-cart.remind does not send order-confirmation, but cart-reminder"),
        ((EXPECTED, "never: {between: ['22:00', '08:00'], journey: checkout, channel: push}"),
         "8: [0].expect[0].never.channel: checkout sends on email, not on push"),
        ((EXPECTED, "{step: remind, channel: email, times: 0, at: +11d}"),
         "8: [0].expect[0].at: this is after `until`, and so would never be seen"),
        ((EXPECTED, "{journey: checkout, times: 0, at: 2026-03-01T09:00:00Z}"),
         "8: [0].expect[0].at: this is before the start"),
        ((HAPPENS, "{who: sarah, consent: {channel: fax}}"),
         "5: [0].given[0].consent.channel: unknown channel 'fax'"),
        ((HAPPENS, "{who: sarah, consent: {channel: email, purpose: catr}}"),
         "5: [0].given[0].consent.purpose: unknown purpose 'catr', did you mean 'cart'?"),
    ],
)  # fmt: skip
def test_what_could_never_fail_is_an_error(change: tuple[str, str], finding: str, cases_of: Any) -> None:
    _, cases, findings = cases_of(SCENE.replace(*change))

    assert cases == []
    assert any(found.startswith(f"tests/some.yaml:{finding}") for found in findings), findings


@pytest.mark.parametrize(
    "change, finding",
    [
        (("total: 80", "total: 80, junk: 1"),
         "5: warning: [0].given[0].properties.cart.junk: property 'cart.junk' is not declared: nothing reads it"),
        (("cart: {total: 80}", "cart: {total: 80}, cart_ld: c1"),
         ("5: warning: [0].given[0].properties.cart_ld: property 'cart_ld' is not declared, did you mean 'cart_id'?: "
         "nothing reads it")),
        (("total: 80", "total: '80'"),
         ("5: warning: [0].given[0].properties.cart.total: property 'cart.total' is a number by its declaration, "
         "and '80' is none")),
        (("cart: {total: 80}", "cart: 80"),
         "5: warning: [0].given[0].properties.cart: property 'cart' is an object by its declaration, and 80 is none"),
        (("{email:", "{birth_year: 1990.5, email:"),
         ("2: warning: [0].people.sarah.birth_year: trait 'birth_year' is an integer by its declaration, "
         "and 1990.5 is none")),
        (("{email:", "{emial: x, email:"),
         "2: warning: [0].people.sarah.emial: trait 'emial' is not declared, did you mean 'email'?: nothing reads it"),
        (("  until:", "    - {who: sarah, identify: {citty: Oslo}}\n  until:"),
         ("6: warning: [0].given[1].identify.citty: trait 'citty' is not declared, did you mean 'city'?: "
         "nothing reads it")),
    ],
)  # fmt: skip
def test_values_that_nothing_declares_so_are_doubts(change: tuple[str, str], finding: str, cases_of: Any) -> None:
    _, cases, findings = cases_of(SCENE.replace(*change))

    assert findings == [f"tests/some.yaml:{finding}"]
    assert [each.case.test for each in cases] == ["a cart"]


@pytest.mark.parametrize("traits", ["birth_year: null", "birth_year: 1990", "city: Oslo, timezone: Europe/Oslo"])
def test_null_and_what_is_declared_are_no_doubts(traits: str, cases_of: Any) -> None:
    assert cases_of(SCENE.replace("{email:", f"{{{traits}, email:"))[2] == []


def test_a_reaction_to_what_never_left_is_said_to_change_nothing(cases_of: Any) -> None:
    reactions = [f"    - {{at: {at}, who: sarah, reaction: opened, of: remind}}\n" for at in ("+1m", "+2h")]
    project, cases, findings = cases_of(SCENE.replace("  until:", "".join(reactions) + "  until:"))

    (verdict,) = run_cases(project, cases)

    assert findings == [] and verdict.passed
    assert list(verdict_lines(verdict))[1:] == [
        "  given[1] changed nothing: no delivery of abandoned-cart.remind on email has left"
    ]


def test_every_gate_can_be_expected(cases_of: Any) -> None:
    expected = [f"    - {{outcome: refused, gate: {gate}, times: 0}}\n" for gate in get_args(GateName)]

    assert cases_of(SCENE + "".join(expected))[2] == []


def test_doubts_alone_fail_neither_tests_nor_rehearsals(luma_copy: Path, tmp_path: Path) -> None:
    doubtful = SCENE.replace("total: 80", "total: 80, junk: 1")
    (luma_copy / "tests" / "some.yaml").write_text(doubtful)
    people = tmp_path / "people.yaml"
    people.write_text("people: {sarah: {emial: x}}\nstart: 2026-03-02T09:00:00Z\n")

    tested = CliRunner().invoke(build(), ["test", str(luma_copy)])
    followed = CliRunner().invoke(build(), ["test", str(luma_copy), "--people", str(people)])

    assert (tested.exit_code, followed.exit_code) == (0, 0)
    assert "property 'cart.junk' is not declared" in tested.stdout and "11 passed, 0 failed." in tested.stdout
    assert "trait 'emial' is not declared" in followed.stdout and "nothing happened" in followed.stdout
