"""A project is started, checked, described and drawn from the command line."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from parcours import Engine, Project, ProjectInvalid, PublishRefused
from parcours.cli import build
from parcours.journey.model.kinds import DOCUMENTS


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(build(), [str(argument) for argument in arguments])


@pytest.fixture
def luma(tmp_path: Path) -> Path:
    """A copy of the Luma project, to be spoilt."""
    return Path(shutil.copytree(str(files("parcours.demo") / "luma"), tmp_path / "luma"))


def spoil(document: Path, old: str, new: str) -> None:
    text = document.read_text()
    assert old in text
    document.write_text(text.replace(old, new))


def test_a_project_in_order_passes(luma: Path) -> None:
    result = run("check", luma)

    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{luma}: nothing is wrong.\n", "")


def test_a_text_message_of_several_segments_is_told_and_one_that_is_too_long_is_an_error(luma: Path) -> None:
    told, refused = luma / "messages" / "told.yaml", luma / "messages" / "refused.yaml"
    told.write_text("message: told\nsms: {text: 'Fête!'}\n", encoding="utf-8")

    result = run("check", luma)

    assert result.exit_code == 0
    assert "messages/told.yaml:2: warning: sms: the text leaves as 1 segment in UCS-2, because of 'ê'" in result.stdout

    refused.write_text(f"message: refused\nsms: {{text: '{'x' * 1_601}'}}\n", encoding="utf-8")

    result = run("check", luma)

    assert result.exit_code == 1
    assert "messages/refused.yaml:2: sms: the channel would refuse it: the text has 1601 characters" in result.stdout


def test_everything_wrong_is_listed_at_once_with_its_place(luma: Path) -> None:
    spoil(luma / "journeys" / "checkout.yaml", "send: order-confirmation", "send: order-confirmatoin")
    spoil(luma / "journeys" / "abandoned-cart.yaml", "event.cart.total > 50", "event.cart.totall > 50")
    spoil(luma / "profile.yaml", "traits:", "trait:")

    result = run("check", luma)

    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert any(line.startswith("journeys/checkout.yaml:28: steps[3].send: ") for line in lines)
    assert any("order-confirmation" in line for line in lines), "the nearest known name is given"
    assert any(line.startswith("journeys/abandoned-cart.yaml:8: entry.when: ") for line in lines)
    assert any(line.startswith("profile.yaml:2: trait: ") for line in lines)
    assert result.stderr == f"{luma}: {len(lines)} errors, 0 warnings.\n"


def test_the_settings_of_installed_channels_are_checked(luma: Path) -> None:
    channels = "channels:\n  email: {hots: mail.example, sender: s@shop.example, password: 'env:PASSWORD'}\n"
    (luma / "parcours.yaml").write_text(f"project: luma\n{channels}")

    lines = run("check", luma).stdout.splitlines()

    assert "parcours.yaml:3: channels.email.hots: unknown key, did you mean 'host'?" in lines
    assert "parcours.yaml:3: channels.email.host: this key is needed" in lines


def test_a_destination_that_nobody_offers_is_an_error(luma: Path) -> None:
    to = "to: {plugin: {name: webhok, settings: {}}}"
    (luma / "destinations.yaml").write_text(f"destinations:\n  crm: {{audience: young-west, {to}}}\n")

    result = run("check", luma)

    assert result.exit_code == 1
    assert "destinations.yaml:2: destinations.crm.to: no installed distribution offers the destination 'webhok', " in (
        result.stdout
    )


def test_a_destination_that_takes_members_alone_gets_no_facts(luma: Path) -> None:
    to = "to: {plugin: {name: webhook, settings: {url: 'https://a.example'}}}"
    (luma / "destinations.yaml").write_text(f"destinations:\n  lake: {{facts: [moves], {to}}}\n")

    result = run("check", luma)

    assert result.exit_code == 1
    assert "destinations.lake.to: the destination 'webhook' takes members of audiences, and no facts" in (
        " ".join(result.output.split())
    )


def test_a_folder_without_a_project_does_not_pass(tmp_path: Path) -> None:
    result = run("check", tmp_path)

    assert result.exit_code == 1
    assert "parcours.yaml" in result.stdout


def test_a_new_project_is_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "shop"

    started = run("init", folder)

    assert started.exit_code == 0
    assert f"parcours check {folder}" in started.stdout
    assert run("check", folder).exit_code == 0


def test_the_new_project_has_tests_that_pass_and_events_that_lead_somewhere(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    run("init", folder)

    tested = run("test", folder)
    simulated = run("simulate", folder, "--events", folder / "events.ndjson", "--out", tmp_path / "out")

    assert tested.exit_code == 0, tested.output
    assert simulated.exit_code == 0, simulated.output
    assert "goal reached by 1 (50.0 %)" in simulated.stdout
    assert " sent" in simulated.stdout


def test_a_second_init_says_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    run("init", folder)

    again = run("init", folder)

    assert again.exit_code == 1
    assert f"{folder} holds a project already: go on with `parcours check {folder}`" in again.stderr


def test_a_channel_whose_library_is_missing_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an environment that has the email channel without its library
    run("init", tmp_path / "shop")
    monkeypatch.setitem(sys.modules, "aiosmtplib", None)
    monkeypatch.delitem(sys.modules, "parcours_channels.email", raising=False)

    result = run("check", tmp_path / "shop")

    assert result.exit_code == 0
    assert "parcours.yaml: warning: the channel 'email' (library aiosmtplib) needs the extra [email]" in result.stdout
    assert "nothing is wrong, 1 warning." in result.stdout


def test_outbound_calls_without_their_library_are_named_with_their_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop"
    run("init", folder)
    shutil.rmtree(folder / "tests")  # they are about the mail
    (folder / "actions.yaml").write_text("actions: {note: {url: 'https://crm.example.com/notes'}}\n")
    spoil(folder / "journeys" / "abandoned-cart.yaml", "send: cart-reminder\n    channels: [email]", "call: note")
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.delitem(sys.modules, "parcours.dispatch.call_channel", raising=False)

    result = run("check", folder)

    assert result.exit_code == 0, result.stdout
    assert "an outbound call needs the extra [call]: pip install 'parcours[call]'" in result.stdout


def test_nothing_is_written_over_what_is_there(luma: Path) -> None:
    before = {path: path.read_bytes() for path in luma.rglob("*") if path.is_file()}

    result = run("init", luma)

    assert result.exit_code == 1
    assert str(luma) in result.stderr
    assert {path: path.read_bytes() for path in luma.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_each_kind_of_document_has_a_schema(kind: str) -> None:
    result = run("schema", kind)

    assert result.exit_code == 0
    assert "properties" in json.loads(result.stdout)


def test_without_a_kind_the_kinds_are_listed() -> None:
    assert run("schema").stdout.split() == [*DOCUMENTS, "tests"]


def test_a_journey_is_drawn(luma: Path, tmp_path: Path) -> None:
    shown = run("graph", luma, "checkout")
    written = run("graph", luma, "checkout", "--out", tmp_path / "checkout.mmd")

    assert shown.exit_code == written.exit_code == 0
    assert shown.stdout.startswith("flowchart ")
    assert "order-confirmation" in shown.stdout
    assert (tmp_path / "checkout.mmd").read_text() == shown.stdout
    assert written.stdout == ""


def test_a_journey_is_drawn_as_a_picture(luma: Path, tmp_path: Path) -> None:
    shown = run("graph", luma, "checkout", "--format", "svg")
    written = run("graph", luma, "checkout", "--format", "svg", "--out", tmp_path / "checkout.svg")

    assert shown.exit_code == written.exit_code == 0
    assert shown.stdout.startswith("<svg ") and "order-confirmation" in shown.stdout
    assert (tmp_path / "checkout.svg").read_text() == shown.stdout
    assert written.stdout == ""


def test_a_journey_has_no_sets_to_count(luma: Path, tmp_path: Path) -> None:
    result = run("graph", luma, "checkout", "--counts", tmp_path)

    assert result.exit_code == 2
    assert "'checkout' is a journey, and has no sets to count." in " ".join(result.stderr.split())


def test_a_journey_that_is_not_there_is_answered_with_the_nearest_name(luma: Path) -> None:
    result = run("graph", luma, "chekout")

    assert result.exit_code == 1
    assert result.stderr == "The project has no journey 'chekout', did you mean 'checkout'?\n"


def test_a_broken_project_is_not_drawn_but_explained(luma: Path) -> None:
    spoil(luma / "journeys" / "checkout.yaml", "send: order-confirmation", "send: order-confirmatoin")

    result = run("graph", luma, "checkout")

    assert result.exit_code == 1
    assert "journeys/checkout.yaml:28: steps[3].send: " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_draft_can_be_tested_and_simulated_but_not_published(luma: Path, tmp_path: Path) -> None:
    spoil(luma / "messages" / "cart-reminder.yaml", "status: ready", "status: draft")
    place = "the message 'cart-reminder' is a draft, set its status to ready"

    strict, lenient = run("check", luma), run("check", luma, "--draft")

    assert strict.exit_code == 1 and place in strict.stdout
    drafts = len(strict.stdout.splitlines())
    advice = "Drafts can be tested and simulated, but not published; `check --draft` allows them."
    assert strict.stderr == f"{luma}: 0 errors, {drafts} drafts, 0 warnings. {advice}\n"
    assert lenient.exit_code == 0 and lenient.stdout.endswith(f"{luma}: nothing is wrong, {drafts} drafts.\n")
    assert run("test", luma).exit_code == 0
    events = tmp_path / "events.ndjson"
    line = {"type": "track", "event": "Checkout Started", "userId": "u1", "timestamp": "2026-01-01T10:00:00Z"}
    events.write_text(json.dumps(line))
    assert run("simulate", luma, "--events", events, "--out", tmp_path / "out").exit_code == 0


def test_an_error_beside_a_draft_is_no_draft(luma: Path) -> None:
    spoil(luma / "messages" / "cart-reminder.yaml", "status: ready", "status: draft")
    spoil(luma / "journeys" / "checkout.yaml", "send: order-confirmation", "send: order-confirmatoin")

    assert run("check", luma, "--draft").exit_code == 1


def test_a_project_with_drafts_is_neither_opened_nor_published(luma: Path) -> None:
    ready = Project.load(luma)
    spoil(luma / "messages" / "cart-reminder.yaml", "status: ready", "status: draft")
    project = Project.load(luma, drafts=True)

    assert project.drafts == ("cart-reminder",)
    with pytest.raises(ProjectInvalid, match="cart-reminder"):
        Project.load(luma)
    with pytest.raises(ProjectInvalid, match="the message 'cart-reminder' is a draft"):
        Engine.open(project, store="memory:", runtime="local", records=["email", "sms", "push"])
    with (
        Engine.open(ready, store="memory:", runtime="local", records=["email", "sms", "push"]) as engine,
        pytest.raises(PublishRefused, match="the message 'cart-reminder' is a draft"),
    ):
        engine.publish(project)
