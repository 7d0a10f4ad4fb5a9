"""The policies of parcours.yaml: what they compile to, and which are refused because they cannot hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from parcours.errors import ProjectInvalid
from parcours.journey.program import Cap, ConsentPolicy, Holdout, Policies, QuietHours
from parcours.journey.project import Project
from parcours.journey.read.schema import schema
from parcours.journey.starter import write_starter

Change = Callable[[dict[str, str]], Path]

DAY_MS = 86_400_000
EVERY_DAY = frozenset(range(7))


def with_policies(policies: str) -> dict[str, str]:
    """The sample project's settings with these policies, on line 2."""
    return {"parcours.yaml": f"project: luma\npolicies: {{{policies}}}\n"}


def compiled(changed: Change, policies: str) -> Policies:
    return Project.load(changed(with_policies(policies))).program.policies


def test_without_policies_marketing_needs_an_opt_in_and_nothing_else_holds(luma: Path) -> None:
    assert Project.load(luma).program.policies == Policies(ConsentPolicy("opt_in", {}), (), ())


def test_the_starter_says_that_it_is_opt_out(tmp_path: Path) -> None:
    write_starter(tmp_path / "new")
    assert Project.load(tmp_path / "new").program.policies.consent == ConsentPolicy("opt_out", {})


def test_hold_outs_are_compiled_in_their_order(changed: Change) -> None:
    written = "holdouts: {year: {percent: 5%, salt: '2026'}, half: {percent: 0.25, salt: é}}"

    policies = Project.load(changed({"parcours.yaml": f"project: luma\n{written}\n"})).program.policies

    assert policies.holdouts == (Holdout("year", 500, "2026"), Holdout("half", 25, "é"))


@pytest.mark.parametrize(
    "holdout, message",
    [
        ("{percent: 0, salt: a}", "greater than 0"),
        ("{percent: 100, salt: a}", "less than 100"),
        ("{percent: 5}", "salt"),
        ("{percent: 5, salt: ''}", "salt"),
        ("{percent: 0.333, salt: a}", "held out to a hundredth of a percent"),
    ],
)
def test_a_hold_out_that_compares_nobody_is_refused(changed: Change, holdout: str, message: str) -> None:
    with pytest.raises(ProjectInvalid, match=message):
        Project.load(changed({"parcours.yaml": f"project: luma\nholdouts: {{year: {holdout}}}\n"}))


CONSENT = [
    ("consent: {default: opt_out}", ConsentPolicy("opt_out", {})),
    ("consent: {channels: {email: opt_out}}", ConsentPolicy("opt_in", {"email": "opt_out"})),
    ("consent: {default: opt_out, channels: {sms: opt_in}}", ConsentPolicy("opt_out", {"sms": "opt_in"})),
]


@pytest.mark.parametrize("policies,expected", CONSENT)
def test_consent_has_a_default_and_exceptions_by_channel(
    changed: Change, policies: str, expected: ConsentPolicy
) -> None:
    assert compiled(changed, policies).consent == expected


CAPS = [
    (
        "{channels: [email, sms], class: marketing, max: 3, per: 7d}",
        Cap(frozenset({"email", "sms"}), "marketing", None, 3, 7 * DAY_MS),
    ),
    ("{purpose: cart, max: 1, per: 1d}", Cap(None, None, "cart", 1, DAY_MS)),
    # a message without a purpose has its class for one
    ("{purpose: marketing, max: 0, per: 1d}", Cap(None, None, "marketing", 0, DAY_MS)),
]


@pytest.mark.parametrize("cap,expected", CAPS)
def test_a_cap_names_what_it_counts(changed: Change, cap: str, expected: Cap) -> None:
    assert compiled(changed, f"caps: [{cap}]").caps == (expected,)


QUIET = [
    # over midnight
    (
        '{channels: [sms], from: "22:00", until: "08:00", days: [mon, sun], then: drop}',
        QuietHours(frozenset({"sms"}), 1_320, 480, frozenset({0, 6}), "drop"),
    ),
    # for all channels, on all days, and held
    ('{from: "12:00", until: "12:01"}', QuietHours(None, 720, 721, EVERY_DAY, "hold")),
    ("{from: 20:00, until: 00:00}", QuietHours(None, 1_200, 0, EVERY_DAY, "hold")),
    # up to the end of the day, which is the start of the next
    ("{from: 20:00, until: 24:00}", QuietHours(None, 1_200, 0, EVERY_DAY, "hold")),
    ("{from: 00:00, until: 24:00, days: [sun]}", QuietHours(None, 0, 0, frozenset({6}), "hold")),
]


@pytest.mark.parametrize("hours,expected", QUIET)
def test_quiet_hours_are_minutes_of_the_day(changed: Change, hours: str, expected: QuietHours) -> None:
    assert compiled(changed, f"quiet_hours: [{hours}]").quiet_hours == (expected,)


def test_policies_come_through_json(changed: Change) -> None:
    text = (
        "consent: {default: opt_out}, caps: [{class: marketing, max: 3, per: 7d}],"
        " quiet_hours: [{from: 22:00, until: 08:00}]"
    )
    project = Project.load(changed(with_policies(text)))
    assert Project.from_json(project.to_json()).program.policies == project.program.policies


FAULTS = [
    # what cannot be meant
    ("consent: {default: optin}", "consent.default: expected 'opt_in' or 'opt_out', did you mean 'opt_in'?"),
    ("consent: {channels: {emial: opt_in}}", "consent.channels.emial: unknown channel 'emial', did you mean 'email'?"),
    ("consents: {}", "consents: unknown key, did you mean 'consent'?"),
    ("caps: [{max: 1}]", "caps[0].per: this key is needed"),
    ("caps: [{max: 1, per: 0d}]", "caps[0].per: a duration that is longer than nothing is expected"),
    ("caps: [{max: -1, per: 1d}]", "caps[0].max: input should be greater than or equal to 0"),
    ("caps: [{max: 1, per: 1d, channels: []}]", "caps[0].channels: at least one is needed"),
    (
        "caps: [{max: 1, per: 1d, channels: [email, smss]}]",
        "caps[0].channels[1]: unknown channel 'smss', did you mean 'sms'?",
    ),
    ("caps: [{max: 1, per: 1d, purpose: carts}]", "caps[0].purpose: no message has the purpose 'carts', did you mean"),
    (
        "caps: [{max: 1, per: 1d, class: transactional}]",
        "caps[0].class: transactional messages are not capped, so this rule would never apply",
    ),
    ("quiet_hours: [{from: 22:00}]", "quiet_hours[0].until: this key is needed"),
    ("quiet_hours: [{from: 24:00, until: 08:00}]", "quiet_hours[0].from: a time of day is written"),
    ("quiet_hours: [{from: 08:00, until: 24:01}]", "quiet_hours[0].until: a time of day is written"),
    (
        "quiet_hours: [{from: 08:00, until: 08:00}]",
        "quiet_hours[0]: from and until are the same time; for a whole day write 00:00 and 24:00",
    ),
    (
        "quiet_hours: [{from: 00:00, until: 24:00}]",
        "quiet_hours: the quiet hours leave no time of the week for 'email'",
    ),
    ("quiet_hours: [{from: 22:00, until: 08:00, days: []}]", "quiet_hours[0].days: days names at least one day"),
    (
        "quiet_hours: [{from: 22:00, until: 08:00, days: [mon, mon]}]",
        "quiet_hours[0].days: days names at least one day, and each once",
    ),
    (
        "quiet_hours: [{from: 22:00, until: 08:00, then: wait}]",
        "quiet_hours[0].then: expected 'hold' or 'drop'",
    ),
    (
        "quiet_hours: [{channels: [push], from: 22:00, until: 08:00}, {from: 08:00, until: 22:00}]",
        "quiet_hours: the quiet hours leave no time of the week for 'push'",
    ),
]


@pytest.mark.parametrize("policies,finding", FAULTS, ids=[finding[:60] for _, finding in FAULTS])
def test_a_policy_that_cannot_hold_is_a_finding_at_its_place(changed: Change, policies: str, finding: str) -> None:
    (found,) = Project.check(changed(with_policies(policies)))
    assert str(found).startswith(f"parcours.yaml:2: policies.{finding}")


@pytest.mark.parametrize(
    "hours", ["{from: 00:00, until: 23:59}", "{from: 00:00, until: 24:00, days: [mon, tue, wed, thu, fri, sat]}"]
)
def test_quiet_hours_that_leave_a_minute_are_fine(changed: Change, hours: str) -> None:
    assert Project.check(changed(with_policies(f"quiet_hours: [{hours}]"))) == []


def test_the_schema_of_quiet_hours_takes_the_end_of_the_day_as_an_end_only() -> None:
    hours = schema("project")["$defs"]["QuietHoursDocument"]["properties"]

    fits = {key: bool(re.search(hours[key]["pattern"], "24:00")) for key in ("from", "until")}

    assert fits == {"from": False, "until": True}
    assert all(re.search(hours[key]["pattern"], "08:30") for key in fits)
