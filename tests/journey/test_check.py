"""The checker names everything that is wrong with a project, at its place, in one go."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict
from tests.projects import findings_of

from parcours.channel import Finding
from parcours.errors import ProjectInvalid
from parcours.journey.project import Project
from parcours.testing.cases.read import read_cases

Change = Callable[[dict[str, str]], Path]


def journey(steps: str, head: str = "") -> dict[str, str]:
    """A second journey of the sample project with these steps."""
    lines = ["journey: second", "entry: {event: Checkout Started}", *head.splitlines(), "steps:"]
    return {"journeys/second.yaml": "\n".join([*lines, *(f"  - {line}" for line in steps.splitlines())]) + "\n"}


def test_the_sample_project_has_nothing_wrong(luma: Path) -> None:
    assert findings_of(luma) == []


def test_all_documents_are_reported_at_once_in_the_order_of_their_lines(changed: Change) -> None:
    folder = changed(
        {
            "parcours.yaml": "project: luma\ntimezone: Europe/Pari\npolicies: {caps: [{max: 3, per: 0s}]}\nhue: red\n",
            "events.yaml": "events:\n  Checkout Started: {properties: {cart.total: numbr}}\n",
            "audiences.yaml": "audiences:\n  west: profile.cty == 'x'\n  early: now.getHours() < 9\n",
            "messages/cart-reminder.yaml": "message: cart-reminder\nclas: marketing\nsms: {text: '{{ x }}'}\n",
            "messages/order-confirmation.yaml": "message: [1\n",
            "journeys/spring.yaml": "journey: spring\njourney: spring\n",
        }
    )
    assert findings_of(folder) == [
        (
            "audiences.yaml:2: audiences.west: unknown name profile.cty, did you mean 'profile.city'? (column 1)"
            " (found profile.cty == 'x')"
        ),
        (
            "audiences.yaml:3: audiences.early: in an audience 'now' may only be compared with a timestamp plus or"
            " minus a duration (found now.getHours() < 9)"
        ),
        (
            "events.yaml:2: events.Checkout Started.properties.cart.total: expected 'string', 'number', 'integer',"
            " 'boolean', 'timestamp', 'date', 'object' or 'list', did you mean 'number'? (found 'numbr')"
        ),
        (
            "journeys/abandoned-cart.yaml:7: correlation: unknown name event.cart_id, did you mean 'event.cart.total'?"
            " (column 1) (found event.cart_id)"
        ),
        "journeys/abandoned-cart.yaml:10: exit[0].event: unknown event 'Cart Emptied'",
        "journeys/abandoned-cart.yaml:12: goal.event: unknown event 'Order Completed'",
        "journeys/abandoned-cart.yaml:20: steps[0].wait_for[0].event: unknown event 'Order Completed'",
        (
            "journeys/abandoned-cart.yaml:25: steps[1].channels[0]: the message 'cart-reminder' has no content for"
            " 'email'"
        ),
        (
            "journeys/abandoned-cart.yaml:39: steps[5].channels[0]: the message 'cart-reminder' has no content for"
            " 'push'"
        ),
        "journeys/spring.yaml:1: entry: this key is needed",
        "journeys/spring.yaml:1: steps: this key is needed",
        "journeys/spring.yaml:2: the key is given twice",
        (
            "messages/cart-reminder.yaml:2: clas: neither a key of a message, nor a channel with its content,"
            " did you mean 'class'? (found 'marketing')"
        ),
        "messages/cart-reminder.yaml:3: sms.text: unknown name x, a name begins with profile, entry, event or run",
        "messages/order-confirmation.yaml:2: this is not YAML: expected ',' or ']', but got '<stream end>'",
        (
            "parcours.yaml:2: timezone: a time zone is an IANA name such as Europe/Paris, did you mean"
            " 'Europe/Paris'? (found 'Europe/Pari')"
        ),
        ("parcours.yaml:3: policies.caps[0].per: a duration that is longer than nothing is expected (found '0s')"),
        "parcours.yaml:4: hue: unknown key",
    ]


def test_a_faulty_step_does_not_hide_the_faults_of_the_others(changed: Change) -> None:
    folder = changed(
        journey(
            "{id: a, snd: cart-reminder}\n"
            "{id: b, send: cart-remindr, colour: red}\n"
            "{id: c, wait_for: [{event: Order Complete, nxt: a}, {reaction: openned, of: b}], timeout: 3}\n"
            "{id: d, wait: {time: 9:00, days: [mon, tues]}}\n"
            "{id: e, branch: [{when: profile.cty == 'x', next: ff}, {otherwise: a}]}\n"
            "{id: f, split: [{percent: 50}, {percent: 40%}]}\n"
            "{id: f, end: no}\n",
            "priority: 300\nreentry: sometimes",
        )
    )
    assert findings_of(folder) == [
        "journeys/second.yaml:3: priority: input should be less than or equal to 100 (found 300)",
        "journeys/second.yaml:4: reentry: expected 'never' or 'always' (found 'sometimes')",
        (
            "journeys/second.yaml:6: steps[0]: a step is one of send, wait, wait_for, branch, split, update, call,"
            " decide and end, did you mean 'send'? (found {'id': 'a', 'snd': 'cart-reminder'})"
        ),
        "journeys/second.yaml:7: steps[1].colour: unknown key",
        "journeys/second.yaml:7: steps[1].send: unknown message 'cart-remindr', did you mean 'cart-reminder'?",
        "journeys/second.yaml:8: steps[2].timeout: a duration is a text with a unit, such as 30s or 3d (found 3)",
        (
            "journeys/second.yaml:8: steps[2].wait_for[0].event: unknown event 'Order Complete',"
            " did you mean 'Order Completed'?"
        ),
        "journeys/second.yaml:8: steps[2].wait_for[0].nxt: unknown key, did you mean 'next'?",
        (
            "journeys/second.yaml:8: steps[2].wait_for[1].reaction: expected 'delivered', 'opened', 'clicked',"
            " 'dismissed', 'bounced', 'complained', 'unsubscribed', 'replied', 'failed' or 'answered', did you mean"
            " 'opened'? (found 'openned')"
        ),
        (
            "journeys/second.yaml:9: steps[3].wait.days[1]: expected 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun',"
            " did you mean 'tue'? (found 'tues')"
        ),
        "journeys/second.yaml:9: steps[3].wait.time: a time of day is written \"09:00\", in quotes (found '9:00')",
        "journeys/second.yaml:10: steps[4].branch[0].next: unknown step 'ff', did you mean 'f'?",
        (
            "journeys/second.yaml:10: steps[4].branch[0].when: unknown name profile.cty, did you mean 'profile.city'?"
            " (column 1) (found profile.cty == 'x')"
        ),
        (
            "journeys/second.yaml:11: steps[5].split: the percents sum to 90, not to 100"
            " (found [{'percent': 50}, {'percent': '40%'}])"
        ),
        "journeys/second.yaml:12: steps[6].end: expected true (found 'no')",
        "journeys/second.yaml:12: steps[6].id: the step id 'f' is given twice",
    ]


@pytest.mark.parametrize("written, meant", [("Europe/Pari", "Europe/Paris"), ("profil", "profile")])
def test_a_journey_s_time_zone_that_is_none_is_one_finding_with_the_nearest_name(
    written: str, meant: str, changed: Change
) -> None:
    (found,) = findings_of(changed(journey("{id: a, wait: 1h}", head=f"timezone: {written}")))

    assert found == (
        "journeys/second.yaml:3: timezone: a time zone is 'profile', for each person's own, or an IANA name,"
        f" did you mean {meant!r}? (found {written!r})"
    )


@pytest.mark.parametrize("written", ["profile", "Europe/Paris", "UTC"])
def test_a_journey_goes_by_a_person_s_zone_or_by_a_named_one(written: str, changed: Change) -> None:
    assert findings_of(changed(journey("{id: a, wait: 1h}", head=f"timezone: {written}"))) == []


FINER = "people are divided to a hundredth of a percent, and this is a finer share"

SPLITS = [
    # whole, and to the finest share; the sum is that of what is written
    ("[100]", []),
    ("[33.33, 33.33, 33.34]", []),
    ("[0.01, 99.99]", []),
    ("[0, 100]", []),
    ("['12.5%', 87.5]", []),
    ("[0.07, 0.29, 99.64]", []),
    ("[33.33, 33.33, 33.33]", ["steps[0].split: the percents sum to 99.99, not to 100"]),
    ("[50, 60.5]", ["steps[0].split: the percents sum to 110.5, not to 100"]),
    # finer shares would be rounded, some of them to nobody
    ("[0.004, 99.996]", [f"steps[0].split[0].percent: {FINER}", f"steps[0].split[1].percent: {FINER}"]),
    ("[33.333, 33.333, 33.334]", [f"steps[0].split[{arm}].percent: {FINER}" for arm in range(3)]),
    ("['99.999%', 0]", [f"steps[0].split[0].percent: {FINER}"]),
]


@pytest.mark.parametrize("percents, findings", SPLITS, ids=[percents for percents, _ in SPLITS])
def test_the_shares_of_a_split_are_added_as_they_are_written(
    percents: str, findings: list[str], changed: Change
) -> None:
    arms = ", ".join(f"{{percent: {percent}}}" for percent in percents.strip("[]").split(", "))

    found = findings_of(changed(journey(f"{{id: a, split: [{arms}]}}")))

    assert [each.removeprefix("journeys/second.yaml:4: ").split(" (found")[0] for each in found] == findings


FAULTS = [
    # references
    ("{id: a, send: nothing-such}", "steps[0].send: unknown message 'nothing-such'"),
    (
        "{id: a, send: order-confirmation, channels: [emial]}",
        "steps[0].channels[0]: the message 'order-confirmation' has no content for 'emial', did you mean 'email'?",
    ),
    (
        "{id: a, send: order-confirmation, to: {sms: profile.phone}}",
        "steps[0].to.sms: 'sms' is not a channel of this step",
    ),
    (
        "{id: a, wait_for: [{event: Order Complete}]}",
        "steps[0].wait_for[0].event: unknown event 'Order Complete', did you mean 'Order Completed'?",
    ),
    (
        "{id: a, send: order-confirmation}\n{id: b, wait_for: [{reaction: opened, of: b}]}",
        "steps[1].wait_for[0].of: 'b' is not a send step",
    ),
    (
        "{id: a, send: order-confirmation}\n{id: b, wait_for: [{reaction: opened, of: a, channel: sms}]}",
        "steps[1].wait_for[0].channel: the step 'a' does not send on 'sms'",
    ),
    ("{id: a, wait: 1d, next: b}", "steps[0].next: unknown step 'b'"),
    (
        "{id: a, update: {first_nam: '1'}}",
        "steps[0].update.first_nam: unknown trait 'first_nam', did you mean 'first_name'?",
    ),
    # names in expressions: each place has its own event
    (
        "{id: a, wait_for: [{event: Order Completed, when: event.cart.total > 1}]}",
        (
            "steps[0].wait_for[0].when: unknown name event.cart.total, did you mean 'event.total'? (column 1)"
            " (found event.cart.total > 1)"
        ),
    ),
    (
        "{id: a, wait: {until: entry.renew}}",
        "steps[0].wait.until: unknown name entry.renew, did you mean 'entry.renews'? (column 1) (found entry.renew)",
    ),
    (
        '{id: a, branch: [{when: \'count("Order Complete", "90d") > 1\'}]}',
        (
            "steps[0].branch[0].when: unknown event 'Order Complete', did you mean 'Order Completed'? (column 7)"
            ' (found count("Order Complete", "90d") > 1)'
        ),
    ),
    # shape
    ("{id: a, end: true}\n{id: b, wait: 1d}", "steps[1]: no way leads to the step 'b'"),
    (
        "{id: a, send: order-confirmation}\n{id: b, branch: [{when: true, next: a}]}",
        "steps[0]: the steps go round without waiting (a → b → a); a step such as 'wait: 1m' between them would do",
    ),
    (
        "{id: a, wait: {time: 09:00}}\n{id: b, send: order-confirmation, next: a}",
        "steps[0]: the steps go round without waiting (a → b → a); a step such as 'wait: 1m' between them would do",
    ),
    (
        "{id: a, send: order-confirmation}\n{id: b, wait_for: [{reaction: opened, of: a, next: b}]}",
        "steps[1]: the steps go round without waiting (b → b); a step such as 'wait: 1m' between them would do",
    ),
]


@pytest.mark.parametrize("steps,finding", FAULTS, ids=[finding[:60] for _, finding in FAULTS])
def test_a_fault_in_a_step_is_found_where_it_is(changed: Change, steps: str, finding: str) -> None:
    line = 4 + int(finding.split("[")[1].split("]")[0])
    assert findings_of(changed(journey(steps))) == [f"journeys/second.yaml:{line}: {finding}"]


FINE = [
    # circles that wait
    "{id: a, wait: 1d}\n{id: b, send: order-confirmation}\n{id: c, split: [{percent: 50, next: a}, {percent: 50}]}",
    "{id: a, wait_for: [{event: Order Completed, next: a}]}",
    "{id: a, send: order-confirmation}\n{id: b, wait_for: [{reaction: opened, of: a, next: a}]}",
    "{id: a, wait: {until: 'now + duration(\"1d\")'}, next: a}",
    # a send step that is refused has a way of its own
    "{id: a, send: order-confirmation, on_refused: c}\n{id: b, end: true}\n{id: c, end: true}",
]


@pytest.mark.parametrize("steps", FINE)
def test_a_sound_journey_has_no_findings(changed: Change, steps: str) -> None:
    assert findings_of(changed(journey(steps))) == []


def test_a_listener_that_an_exit_rule_forestalls_is_a_warning_and_no_error(changed: Change) -> None:
    steps = "{id: a, wait_for: [{event: Order Completed}], timeout: 1d}"
    folder = changed(journey(steps, "exit: [{event: Order Completed}]"))
    assert findings_of(folder) == [
        (
            "journeys/second.yaml:5: warning: steps[0].wait_for[0].event: an exit rule ends the run at"
            " 'Order Completed' before this listener can match"
        )
    ]
    assert Project.load(folder).name == "luma"


def test_a_draft_may_lie_about_but_not_be_sent(changed: Change) -> None:
    draft = {"messages/draft.yaml": "message: draft\nstatus: draft\nsms: {text: soon}\n"}
    assert findings_of(changed(draft)) == []


def test_sending_a_draft_is_an_error(changed: Change) -> None:
    draft = {"messages/draft.yaml": "message: draft\nstatus: draft\nsms: {text: soon}\n"}
    assert findings_of(changed({**draft, **journey("{id: a, send: draft}")})) == [
        "journeys/second.yaml:4: steps[0].send: the message 'draft' is a draft, set its status to ready"
    ]


def test_a_name_is_given_once(changed: Change) -> None:
    twin = "message: cart-reminder\nsms: {text: again}\n"
    assert findings_of(changed({"messages/twin.yaml": twin})) == [
        "messages/twin.yaml:1: message: the message 'cart-reminder' is already in messages/cart-reminder.yaml"
    ]


TEMPLATES = [
    ("{{ profile.frst_name }}", "unknown name profile.frst_name, did you mean 'profile.first_name'?"),
    ("{{ first_name }}", "unknown name first_name, a name begins with profile, entry, event or run"),
    ("{{ preferences_ur }}", "unknown name preferences_ur, did you mean 'preferences_url'?"),
    ("{{ preferences_url.page }}", "preferences_url is an address, which has nothing below it"),
    ("{{ profile.first_name | upcse }}", "unknown filter 'upcse', did you mean 'upcase'?"),
    ("{{ profile }}", "'profile' alone is no value, name what is in it as in profile.name"),
    ("{{ profile.first_name", "not a Liquid template: expected '}}', found end of file"),
    ("{% foo %}", "not a Liquid template: unexpected tag 'foo'"),
    (
        "a{% include 'footer' %}",
        "not a Liquid template: {% include %} finds nothing, for a message has no templates beside it",
    ),
    (
        "a{% render 'footer' %}",
        "not a Liquid template: {% render %} finds nothing, for a message has no templates beside it",
    ),
    ("{{ profile.first_name | truncate: 5, '..', 3 }}", "the filter 'truncate' takes 0 to 2 arguments, not 3"),
    ("{{ profile.first_name | date }}", "the filter 'date' takes 1 to 2 arguments, not 0"),
    ("{% assign x = 1 | plus %}", "the filter 'plus' takes 1 argument, not 0"),
    ("{% if true %}{{ 'a' | append: 'b', 'c' }}{% endif %}", "the filter 'append' takes 1 argument, not 2"),
    ("{{ 1 | default: 2, allow_fals: true }}", "the filter 'default' has no argument 'allow_fals'"),
    ("{{ 0 | date: '%d', 'Europe/Pari' }}", "no time zone 'Europe/Pari', name one as in Europe/Paris"),
    ("{{ 1 | money: 'EURO' }}", "no currency 'EURO', name it by its code as in EUR"),
    ("{{ 1 | money: 'EUR', 'zz' }}", "no locale 'zz', name it as in fr or de-CH"),
    ("{{ 1 | money: 'EUR', locale: 'zz-FR' }}", "no locale 'zz-FR', name it as in fr or de-CH"),
    ("{{ 1 | number: 'deutsch' }}", "no locale 'deutsch', name it as in fr or de-CH"),
    ("{{ 1 | percent: '' }}", "no locale '', name it as in fr or de-CH"),
    (
        "{% for x in entry.cart.itms %}{{ x }}{% endfor %}",
        "unknown name entry.cart.itms, did you mean 'entry.cart.items'?",
    ),
]


@pytest.mark.parametrize("template,complaint", TEMPLATES)
def test_a_template_that_never_renders_is_refused(changed: Change, template: str, complaint: str) -> None:
    message = f'message: extra\nsms:\n  text: "{template}"\n'
    assert findings_of(changed({"messages/extra.yaml": message})) == [f"messages/extra.yaml:3: sms.text: {complaint}"]


def test_a_template_in_a_key_is_refused_for_it_would_be_sent_as_it_stands(changed: Change) -> None:
    message = (
        "message: extra\npush:\n  title: Hi\n  data:\n    '{{ profile.city }}': x\n    city: '{{ profile.city }}'\n"
    )

    assert findings_of(changed({"messages/extra.yaml": message})) == [
        "messages/extra.yaml:5: push.data.{{ profile.city }}: a key is sent as it stands: only values are filled in"
    ]


class Text(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str
    shout: bool = False


def test_a_content_is_checked_by_its_channel_and_kept_as_the_channel_left_it(changed: Change) -> None:
    sound = changed({})
    for name in ("journeys/abandoned-cart.yaml", "journeys/spring.yaml", "messages/cart-reminder.yaml"):
        (sound / name).unlink()
    (sound / "parcours.yaml").write_text("project: luma\n", encoding="utf-8")
    (sound / "messages/order-confirmation.yaml").write_text("message: m\nsms: {text: hi}\n", encoding="utf-8")
    project = Project.load(sound, {"sms": Text})
    assert project.program.messages["m"].contents == {"sms": {"text": "hi", "shout": False}}
    assert Project.from_json(project.to_json()).program == project.program


@pytest.mark.parametrize(
    "text, finding",
    [
        ("much too long", "sms: the channel would refuse it: it is long"),
        ("odd", "warning: sms: it is odd"),
        ("fine", None),
        ("broken", "sms: the channel would refuse it: the channel's check fails with ZeroDivisionError: by what?"),
        ("{{ profile.email }} much too long", None),  # what it will say is not known yet
    ],
)
def test_a_content_that_says_the_same_to_everybody_is_judged_by_its_channel(
    changed: Change, text: str, finding: str | None
) -> None:
    def check(content: Text) -> list[Finding]:
        if content.text == "broken":
            raise ZeroDivisionError("by what?")
        found = [Finding("it is odd")] if content.text == "odd" else []
        return found + [Finding("it is long", refused=True)] * (len(content.text) > 10)

    folder = changed({"messages/extra.yaml": f"message: extra\nsms: {{text: '{text}'}}\n"})

    findings = Project.check(folder, {"sms": Text, "email": Text, "push": Text}, checks={"sms": check})

    told = [str(each) for each in findings if each.file == "messages/extra.yaml"]
    assert told == ([] if finding is None else [f"messages/extra.yaml:2: {finding}"])


@pytest.mark.parametrize(
    "of_project, of_person, findings",
    [
        ("FR", "profile.country", []),
        ("France", "profile.country", ["parcours.yaml:2: region: "]),
        ("fr", "profile.country", ["parcours.yaml:2: region: "]),
        ("XX", "profile.country", ["parcours.yaml:2: region: it is no country of ISO 3166, such as FR, GB or US"]),
        ("ZZ", "profile.country", ["parcours.yaml:2: region: it is no country of ISO 3166"]),
        ("UK", "profile.country", ["parcours.yaml:2: region: it is no country of ISO 3166, did you mean 'GB'?"]),
        ("XK", "profile.country", []),
        ("FR", "profile.age", ["profile.yaml:2: region: a country is a string of two letters"]),
        ("FR", "profile.cuontry", ["profile.yaml:2: region: "]),
    ],
)
def test_a_region_is_two_capitals_and_that_of_a_person_a_text(
    changed: Change, of_project: str, of_person: str, findings: list[str]
) -> None:
    folder = changed(
        {
            "parcours.yaml": f"project: luma\nregion: {of_project}\n",
            "profile.yaml": f"traits: {{country: string, age: integer}}\nregion: {of_person}\n",
        }
    )

    told = [line for line in findings_of(folder) if " region: " in line]

    assert len(told) == len(findings)
    assert all(line.startswith(begin) for line, begin in zip(told, findings, strict=True)), told


def test_a_faulty_content_and_an_unknown_channel_are_findings(changed: Change) -> None:
    message = "message: extra\nsms: {texts: hi, shout: 5}\nsmss: {text: hi}\n"
    findings = Project.check(changed({"messages/extra.yaml": message}), {"sms": Text, "email": Text, "push": Text})
    assert [str(each) for each in findings if each.file == "messages/extra.yaml"] == [
        "messages/extra.yaml:2: sms.shout: true or false is expected (found 5)",
        "messages/extra.yaml:2: sms.text: this key is needed",
        "messages/extra.yaml:2: sms.texts: unknown key, did you mean 'text'?",
        "messages/extra.yaml:3: smss: unknown channel 'smss', did you mean 'sms'?",
    ]


def test_a_content_file_stays_inside_the_project(changed: Change) -> None:
    message = (
        "message: extra\nsms: {text_file: ../../secret.txt}\npush: {body_file: nowhere.txt, title: x, title_file: y}\n"
    )
    assert findings_of(changed({"messages/extra.yaml": message})) == [
        "messages/extra.yaml:2: sms.text_file: the file lies outside the project folder (found '../../secret.txt')",
        "messages/extra.yaml:3: push.body_file: the file is missing (found 'nowhere.txt')",
        "messages/extra.yaml:3: push.title_file: title is given beside it; keep one of the two",
    ]


def test_a_folder_that_is_none_and_one_without_a_project_are_findings(tmp_path: Path) -> None:
    assert findings_of(tmp_path / "absent") == [f"{tmp_path / 'absent'}: there is no such project folder"]
    assert findings_of(tmp_path) == ["parcours.yaml: the file is missing"]


def test_loading_raises_one_error_with_every_finding(changed: Change) -> None:
    with pytest.raises(ProjectInvalid) as caught:
        Project.load(changed(journey("{id: a, send: x, next: y}")))
    assert len(caught.value.findings) == 2


@pytest.mark.parametrize("levels, refused", [(100, False), (101, True)])
@pytest.mark.parametrize("opened, closed", [("[", "]"), ("- ", "")])
def test_a_document_is_nested_a_hundred_levels_deep_at_most(
    opened: str, closed: str, levels: int, refused: bool, changed: Change
) -> None:
    folder = changed({"journeys/second.yaml": opened * levels + "1" + closed * levels})
    assert ("journeys/second.yaml: the document is nested too deeply" in findings_of(folder)) == refused


HOSTILE = [
    "- &a [*a]",
    "a: &x [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "\n".join(f"b{n}: &y{n} [*x, *x, *x]" for n in range(3)),
    "[" * 3_000,
    "- " * 3_000,
    "\x00",
    "!!python/object:os.system {}",
    "? [1, 2]\n: 3",
    "5",
    "<<: {journey: x}\nsteps: {}",
    "journey: x\nsteps: [5, null, [], {id: {}}]\nentry: 7\nexit: {}\ngoal: []\n",
]


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:20] for text in HOSTILE])
def test_whatever_a_file_holds_is_a_finding_and_no_crash(changed: Change, text: str) -> None:
    findings = Project.check(changed({"journeys/second.yaml": text}))
    assert findings
    assert {finding.file for finding in findings} == {"journeys/second.yaml"}


@pytest.mark.parametrize("place", ["messages/f.yaml", "messages/f.txt", "tests/f.yaml"])
def test_a_fifo_or_a_device_is_no_file_and_holds_nothing_up(changed: Change, place: str) -> None:
    text_file = "message: second\nstatus: ready\nsms: {text_file: f.txt}\n"
    folder = changed({"messages/second.yaml": text_file} if place.endswith(".txt") else {})
    (folder / place).parent.mkdir(exist_ok=True)
    os.mkfifo(folder / place)
    if place.startswith("tests/"):
        found = [str(each) for each in read_cases(Project.load(folder), folder)[1]]
    else:
        found = findings_of(folder)

    assert [each for each in found if "it is not a file" in each]
    (folder / place).unlink()
    (folder / place).symlink_to("/dev/zero")
    assert place != "messages/f.yaml" or any("it is not a file" in each for each in findings_of(folder))


def test_a_surrogate_pair_in_yaml_is_its_character(changed: Change) -> None:
    text = r'{message: second, sms: {text: "\ud83d\ude00 \ud83d"}}'
    project = Project.load(changed({"messages/second.yaml": text}))

    (message,) = [each for each in project.documents.messages if each.message == "second"]
    assert message.contents["sms"]["text"] == "\U0001f600 \ufffd"


ENDLESS = [
    ("{id: a, send: order-confirmation}\n{id: b, wait: 1d, next: a}", "a → b → a"),
    ("{id: a, wait: 1d}\n{id: b, send: order-confirmation, next: a}", "b → a → b"),
    (
        (
            "{id: a, send: order-confirmation}\n"
            "{id: b, wait_for: [{reaction: opened, of: a, next: c}], timeout: 1d, on_timeout: a}\n"
            "{id: c, wait: 2d, next: a}"
        ),
        "a → b → a",
    ),
]


@pytest.mark.parametrize("steps, way", ENDLESS)
def test_a_circle_that_writes_for_ever_is_a_warning(steps: str, way: str, changed: Change) -> None:
    (warning,) = findings_of(changed(journey(steps)))

    assert "warning: steps[" in warning
    assert f"is written to for ever ({way}): no step leads out, and there is no exit rule" in warning


@pytest.mark.parametrize(
    "steps, head",
    [
        (ENDLESS[0][0], "exit: [{event: Order Completed}]"),
        ("{id: a, send: order-confirmation}\n{id: b, wait: 1d}\n{id: c, branch: [{when: true, next: a}]}", ""),
        (
            (
                "{id: a, send: order-confirmation}\n"
                "{id: b, wait_for: [{reaction: opened, of: a, next: c}], timeout: 1d, on_timeout: a}\n"
                "{id: c, end: true}"
            ),
            "",
        ),
        # each further mail needs an event of theirs
        ("{id: a, send: order-confirmation}\n{id: b, wait_for: [{event: Order Completed, next: a}]}", ""),
        ("{id: a, wait: 1d}\n{id: b, update: {city: '\"Oslo\"'}, next: a}", ""),  # it writes nothing
    ],
)
def test_a_circle_that_something_ends_or_that_writes_nothing_by_itself_is_fine(
    steps: str, head: str, changed: Change
) -> None:
    assert findings_of(changed(journey(steps, head))) == []
