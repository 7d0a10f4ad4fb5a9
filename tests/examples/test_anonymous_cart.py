"""What the example of a visitor who logs in comes to where what was before is not used, and live in two shards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from parcours import Project, simulate
from parcours.cli import build
from parcours.core.fact import Merged, NotMerged
from parcours.core.identity import NO_IDS, SlotMap
from parcours.insight.explain import explain
from parcours.insight.explain_text import explanation_text
from parcours.service.engine import Engine

EXAMPLE = Path(str(files("parcours.examples"))) / "anonymous-cart"
SETTINGS = ("used", "unused")

CART = "{product: mat, cart: {id: c1, total: 80}}"

SCENE = """\
- test: {test}
  people:
    "@anonymous/laptop": null
    "@anonymous/phone": null
    sarah: {{email: sarah@shop.example, phone: "+33612345678"}}
  start: 2026-03-02T10:00:00Z
  given:
    - {{who: sarah, consent: {{channel: sms}}}}
    - {{who: "@anonymous/laptop", event: Product Added, properties: {cart}}}
    - {{at: "{log_in}", who: sarah, identify: {{anonymous: laptop}}}}
{given}  until: +10d
  expect:
{expect}"""

LOG_INS = [
    ("+20m", "hour"),
    ("+59m59s999ms", "hour"),  # a millisecond before the reminder is due
    ("+1h", "hour"),  # at that very instant: a call goes before a timer
    ("+1h1ms", "day"),  # a millisecond after it: the mail has been refused, for it had no address
]


def scene(log_in: str, expect: Sequence[str], given: Sequence[str] = ()) -> str:
    def listed(items: Sequence[str]) -> str:
        return "".join(f"    - {{{item}}}\n" for item in items)

    return SCENE.format(test="a log-in", cart=CART, log_in=log_in, given=listed(given), expect=listed(expect))


def example(folder: Path, history: str) -> Path:
    """A copy of the example with this setting, and without tests."""
    copy = Path(shutil.copytree(EXAMPLE, folder / history))
    settings = copy / "parcours.yaml"
    text = settings.read_text()
    assert "anonymous_history: used\n" in text
    settings.write_text(text.replace("anonymous_history: used\n", f"anonymous_history: {history}\n"))
    shutil.rmtree(copy / "tests")
    (copy / "tests").mkdir()
    return copy


def run(*arguments: str | Path) -> str:
    result = CliRunner(env={"COLUMNS": "100"}).invoke(build(), list(map(str, arguments)))
    assert result.exit_code == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture
def unused(tmp_path: Path) -> Path:
    return example(tmp_path, "unused")


def test_with_either_setting_nothing_is_wrong_with_it(unused: Path) -> None:
    assert run("check", unused) == f"{unused}: nothing is wrong.\n"


@pytest.mark.parametrize("log_in", [at for at, _ in LOG_INS])
def test_where_it_is_unused_a_log_in_ends_the_visitor_s_run_and_nothing_reaches_her(log_in: str, unused: Path) -> None:
    ended = f'who: "@anonymous/laptop", journey: anonymous-cart, what: ended, why: "merged: unused", at: "{log_in}"'
    expect = [ended, "outcome: sent, times: 0", "who: sarah, journey: anonymous-cart, times: 0"]
    (unused / "tests" / "unused.yaml").write_text(scene(log_in, expect))

    assert "1 passed, 0 failed." in run("test", unused)


@pytest.mark.parametrize("log_in, step", LOG_INS)
def test_where_it_is_used_the_run_goes_on_as_hers_from_where_it_stood(log_in: str, step: str, tmp_path: Path) -> None:
    used = example(tmp_path, "used")
    arrived = f'who: sarah, journey: anonymous-cart, step: {step}, what: merged, at: "{log_in}"'
    sent = "who: sarah, step: text, channel: sms, at: +1d1h"
    (used / "tests" / "used.yaml").write_text(scene(log_in, [arrived, sent, "outcome: sent, channel: sms, times: 1"]))

    assert "1 passed, 0 failed." in run("test", used)


def test_where_it_is_unused_a_cart_filled_after_the_log_in_is_followed_whatever_was_before(unused: Path) -> None:
    again = f'at: +30m, who: "@anonymous/laptop", event: Product Added, properties: {CART}'
    expect = ["who: sarah, step: mail, to: sarah@shop.example, at: +1h30m", "outcome: sent, channel: email, times: 1"]
    (unused / "tests" / "unused.yaml").write_text(scene("+20m", expect, [again]))

    assert "1 passed, 0 failed." in run("test", unused)


@pytest.mark.parametrize(
    "history, bought, logged_in, expect",
    [
        # Bought as herself: an exit, with either setting.
        ("used", "+40m1ms", "+40m", "who: sarah, journey: anonymous-cart, what: exited, at: +40m1ms"),
        ("unused", "+40m1ms", "+40m", "who: sarah, journey: anonymous-cart, what: exited, at: +40m1ms"),
        # Bought as the phone's visitor: the look back sees it, if what was before is used.
        ("used", "+39m59s999ms", "+40m", "outcome: sent, times: 0"),
        ("unused", "+39m59s999ms", "+40m", "who: sarah, step: mail, channel: email, at: +1h10m"),
    ],
)
def test_a_purchase_on_the_phone_before_and_after_the_log_in_there(
    history: str, bought: str, logged_in: str, expect: str, tmp_path: Path
) -> None:
    copy = example(tmp_path, history)
    given = [
        f"at: +10m, who: sarah, event: Product Added, properties: {CART}",  # she is logged in on the laptop by then
        f'at: "{bought}", who: "@anonymous/phone", event: Order Completed, properties: {{order_id: o1}}',
        f"at: {logged_in}, who: sarah, identify: {{anonymous: phone}}",
    ]
    (copy / "tests" / "phone.yaml").write_text(scene("+5m", [expect], given).replace("+1h10m", after(history)))

    assert "1 passed, 0 failed." in run("test", copy)


def after(history: str) -> str:
    """When the mail is due: of the visitor's run, or of her own, which she entered at +10m."""
    return "+1h" if history == "used" else "+1h10m"


# What clients send in place of ids, and live


def identify(user: str, anonymous: object, at: str = "10:20:00") -> bytes:
    line = {"type": "identify", "userId": user, "anonymousId": anonymous, "traits": {"email": f"{user}@shop.example"}}
    return json.dumps({**line, "timestamp": f"2026-03-02T{at}Z"}).encode()


def fill(anonymous: object) -> bytes:
    line = {"type": "track", "event": "Product Added", "anonymousId": anonymous, "properties": {"product": "mat"}}
    return json.dumps({**line, "timestamp": "2026-03-02T10:00:00Z"}).encode()


@pytest.mark.parametrize("placeholder", sorted(NO_IDS - {""}))
def test_an_id_that_is_nobody_s_makes_no_two_shoppers_one(placeholder: str) -> None:
    text = f" {placeholder.upper()} "
    lines = [fill(text), identify("sarah", text), identify("joe", text)]

    result = simulate(Project.load(EXAMPLE), lines)

    told = {(fact.person, fact.reason) for fact in result.facts if isinstance(fact, NotMerged)}
    assert told == {("joe", "no_id"), ("sarah", "no_id")}
    assert not [fact for fact in result.facts if isinstance(fact, Merged)]
    assert result.summary.channels["email"] == {"refused": 1}  # the cart is that of somebody without an address


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_anonymous_id_links_nothing_and_the_traits_apply(empty: object) -> None:
    result = simulate(Project.load(EXAMPLE), [identify("sarah", empty)])

    assert (result.summary.events.used, result.summary.events.rejected) == (1, 0)
    assert not [fact for fact in result.facts if isinstance(fact, Merged | NotMerged)]


@pytest.mark.parametrize("history", SETTINGS)
def test_the_recorded_visits_end_the_same_whoever_keeps_them(history: str, tmp_path: Path) -> None:
    copy = example(tmp_path, history)
    outs = [tmp_path / f"{history}-{shards}" for shards in (1, 2, 5)]
    for shards, out in zip((1, 2, 5), outs, strict=True):
        run("simulate", copy, "--events", EXAMPLE / "events.ndjson", "--out", out, "--shards", str(shards))

    found = [{path.name: path.read_bytes() for path in out.iterdir()} for out in outs]
    assert found[0] == found[1] == found[2]


def test_explain_tells_who_she_was_before() -> None:
    project = Project.load(EXAMPLE)
    result = simulate(project, (EXAMPLE / "events.ndjson").read_bytes().splitlines())

    text = explanation_text(explain(result.facts, "sarah", project.program.journeys))

    assert "@anonymous/laptop was merged into her by identify" in text
    assert "it is or was another person's" in text  # the tablet


def visitor_apart_from(user: str, shards: int) -> str:
    """The id of a browser that lives in another shard than the user, if there are several."""
    owners = SlotMap(shards)
    ids = (f"v{number}" for number in range(99))
    return next(each for each in ids if shards == 1 or owners.shard(f"@anonymous/{each}") != owners.shard(user))


@pytest.mark.parametrize("shards", [1, 2])
@pytest.mark.parametrize("history", SETTINGS)
def test_live_the_run_goes_along_or_ends_in_one_shard_or_two(shards: int, history: str, tmp_path: Path) -> None:
    project = Project.load(example(tmp_path, history))
    sarah, visitor = "sarah", visitor_apart_from("sarah", shards)
    store = f"sqlite:///{tmp_path / 'store'}"
    properties: dict[str, Any] = {"product": "mat", "cart": {"id": "c1", "total": 80}}
    with Engine.open(project, store, shards=shards, runtime="local", records=["email", "sms"]) as engine:
        engine.track(None, "Product Added", properties, anonymous_id=visitor).result()
        engine.identify(sarah, {"email": "sarah@shop.example"}, anonymous_id=visitor).result()
        engine.drain(30)

        person = engine.profile(sarah)

        assert person is not None
        assert [run.step for run in person.runs] == (["hour"] if history == "used" else [])
        assert person.counts == {"anonymous-cart": 1}
        engine.track(None, "Order Completed", {"order_id": "o1"}, anonymous_id=visitor).result()
        engine.drain(30)
        after_purchase = engine.profile(sarah)
        assert after_purchase is not None and not after_purchase.runs
