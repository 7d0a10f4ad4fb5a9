"""The compiler: what a project means once it is compiled."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from parcours.errors import CallerError, ProjectInvalid, SettingInvalid
from parcours.expression.expression import Scope
from parcours.instants import ceil_ms
from parcours.journey import program
from parcours.journey.model.document import (
    EventDocument,
    EventEntryDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.model.steps import EndStep, SendStep, WaitStep
from parcours.journey.picture.mermaid import mermaid
from parcours.journey.project import Project
from parcours.journey.read import schema
from parcours.journey.read.secrets import resolve_secrets
from parcours.journey.starter import write_starter

DAY_MS = 86_400_000


@pytest.fixture
def compiled(luma: Path) -> program.Program:
    return Project.load(luma).program


def instant(text: str) -> int:
    return ceil_ms(datetime.fromisoformat(text))


def journey(compiled: program.Program, name: str) -> program.Journey:
    found = compiled.journey(name, 1)
    assert found is not None
    return found


def test_the_abandoned_cart_compiles_step_by_step(compiled: program.Program) -> None:
    cart = journey(compiled, "abandoned-cart")
    steps = cart.steps
    assert list(steps) == ["bought", "remind", "opened", "text", "pause", "last-call", "thank", "done"]
    assert cart.first == "bought"
    bought, opened = steps["bought"], steps["opened"]
    assert isinstance(bought, program.WaitFor) and isinstance(opened, program.WaitFor)
    assert bought.listeners == (program.EventListener(program.Trigger("Order Completed"), "thank"),)
    assert (bought.timeout_ms, bought.on_timeout) == (20_000, "remind")
    assert opened.listeners == (program.ReactionListener("opened", "remind", None, None, "done"),)
    assert (opened.timeout_ms, opened.on_timeout) == (DAY_MS, "text")
    remind, last_call, thank = steps["remind"], steps["last-call"], steps["thank"]
    assert isinstance(remind, program.Send) and isinstance(last_call, program.Send) and isinstance(thank, program.Send)
    assert {channel: address.text for channel, address in remind.to.items()} == {"email": "profile.email"}
    assert {channel: address.text for channel, address in last_call.to.items()} == {"push": "profile.push_token"}
    assert (remind.next, last_call.next, thank.next) == ("opened", "done", "done")
    assert steps["pause"] == program.WaitDuration("pause", DAY_MS, "last-call")
    assert steps["done"] == program.End("done")


def test_the_head_of_a_journey_compiles(compiled: program.Program) -> None:
    cart = journey(compiled, "abandoned-cart")
    assert isinstance(cart.entry, program.EventEntry)
    when = cart.entry.triggers[0].when
    assert when is not None
    assert when.holds(Scope(event={"cart": {"total": 50.01}}))
    assert not when.holds(Scope(event={"cart": {"total": 50}}))
    assert cart.correlation is not None and cart.correlation.value(Scope(event={"cart_id": "c1"})) == "c1"
    assert cart.reentry_after_ms == 300_000
    assert [rule.event for rule in cart.exits if isinstance(rule, program.Trigger)] == ["Cart Emptied"]
    assert cart.goal is not None and (cart.goal.within_ms, cart.goal.target_percent) == (7 * DAY_MS, 50)
    assert cart.starts_ms == instant("2026-11-01T00:00:00+01:00")
    assert cart.ends_ms == instant("2027-01-01T00:00:00+01:00")


def test_a_run_keeps_only_what_steps_and_templates_name(compiled: program.Program) -> None:
    cart = journey(compiled, "abandoned-cart")
    assert cart.entry_paths == {"cart.total", "cart.items", "cart_id"}
    assert cart.event_paths == {"order_id", "total"}


def test_every_other_form_of_step_compiles(compiled: program.Program) -> None:
    spring = journey(compiled, "spring")
    steps = spring.steps
    assert spring.entry == program.ReadEntry("young-west", instant("2026-03-02T09:00:00+01:00"), 500)
    assert spring.reentry_after_ms is None
    assert steps["morning"] == program.WaitLocalTime("morning", 540, frozenset({0, 4}), "by-tier")
    tier, halves, birthday = steps["by-tier"], steps["halves"], steps["birthday"]
    assert isinstance(tier, program.Branch) and isinstance(halves, program.Split)
    assert isinstance(birthday, program.WaitUntil)
    assert ([target for _, target in tier.arms], tier.otherwise, tier.has_otherwise) == (["mark"], "halves", True)
    assert halves.arms == ((3_334, "birthday"), (10_000, "greet"))
    assert birthday.offset_ms == -3 * DAY_MS
    greet, mark = steps["greet"], steps["mark"]
    assert isinstance(greet, program.Send) and isinstance(mark, program.Update)
    assert (list(greet.to), greet.on_refused, greet.has_on_refused) == (["email", "push"], "done", True)
    assert mark.values["score"].value(Scope(profile={"score": 1})) == 2


def test_journeys_go_by_priority_and_events_are_known_by_what_comes_in(compiled: program.Program) -> None:
    assert [each.name for each in compiled.journeys] == ["abandoned-cart", "spring"]
    assert compiled.moving == {"Checkout Started", "Order Completed", "Cart Emptied", "Notice Shown"}
    assert compiled.entering == {"Checkout Started"}
    assert [each.name for each in compiled.derived["Notice Shown"]] == ["Thanked"]
    visit = compiled.events["Store Visit"]
    assert visit.namespace == "loyalty" and visit.key is not None
    assert visit.key.value(Scope(event={"card": "77"})) == "77"


def test_a_message_keeps_its_contents_and_the_names_that_it_uses(compiled: program.Program) -> None:
    reminder = compiled.messages["cart-reminder"]
    assert list(reminder.contents) == ["email", "sms", "push"]
    assert str(reminder.contents["email"]["text"]).startswith("Hello {{ profile.first_name }}")
    assert (reminder.message_class, reminder.purpose, reminder.expires_ms) == ("marketing", "cart", 2 * DAY_MS)
    assert reminder.paths == {"profile.first_name", "entry.cart.total", "entry.cart.items", "entry.cart_id"}
    assert compiled.messages["order-confirmation"].purpose == "transactional"


def test_a_project_is_the_same_after_its_way_through_json(luma: Path) -> None:
    project = Project.load(luma)
    again = Project.from_json(project.to_json())
    assert again.program == project.program
    assert again.to_json() == project.to_json()
    assert project.channels["email"]["password"] == "env:SMTP_PASSWORD"


def made_in_python(*steps: SendStep | WaitStep | EndStep) -> Project:
    return Project.of(
        settings=ProjectDocument(project="small"),
        profile=ProfileDocument(traits={"email": "string"}),
        events=EventsDocument(events={"Signed Up": EventDocument()}),
        messages=[MessageDocument.model_validate({"message": "welcome", "email": {"subject": "Hello"}})],
        journeys=[JourneyDocument(journey="welcome", entry=EventEntryDocument(event="Signed Up"), steps=steps)],
    )


def test_a_project_can_be_made_in_python() -> None:
    project = made_in_python(SendStep(id="greet", send="welcome"), WaitStep(id="rest", wait="1d"))
    assert list(project.program.journeys[0].steps) == ["greet", "rest"]
    assert Project.from_json(project.to_json()).program == project.program


def test_a_faulty_project_made_in_python_names_the_document() -> None:
    with pytest.raises(ProjectInvalid, match="journeys/welcome: steps\\[0\\].send: unknown message 'welcom'"):
        made_in_python(SendStep(id="greet", send="welcom"))


def test_a_graph_shows_entry_steps_ways_and_exits(compiled: program.Program) -> None:
    picture = mermaid(journey(compiled, "abandoned-cart")).splitlines()
    assert picture[:6] == [
        "flowchart TD",
        '    entry(["abandoned-cart: Checkout Started when event.cart.total #gt; 50"])',
        "    entry --> s0",
        '    s0{{"bought: wait for"}}',
        '    s0 -->|"Order Completed"| s6',
        '    s0 -.->|"after 20s"| s1',
    ]
    assert '    exit0>"exit: Cart Emptied when event.reason != #quot;by mistake#quot;"]' in picture
    assert '    s7(("done: end"))' in picture


def test_a_graph_leads_to_the_end_where_the_list_ends() -> None:
    picture = mermaid(made_in_python(SendStep(id="greet", send="welcome")).program.journeys[0])
    assert picture.splitlines()[-2:] == ["    s0 --> finish", '    finish(("end"))']


def test_the_starter_project_passes_the_check(tmp_path: Path) -> None:
    written = write_starter(tmp_path / "new")
    assert all(path.is_file() for path in written)
    assert Project.check(tmp_path / "new") == []
    assert Project.load(tmp_path / "new").program.journeys[0].name == "abandoned-cart"


def test_the_starter_leaves_a_folder_with_files_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(CallerError, match="is not empty"):
        write_starter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("kind", schema.KINDS)
def test_every_kind_of_document_has_a_closed_schema(kind: str) -> None:
    described = schema.schema(kind)
    assert described["$schema"] == schema.DIALECT
    assert described["additionalProperties"] is (False if kind != "message" else described["additionalProperties"])
    assert described["properties"]


def test_the_schema_of_a_journey_knows_every_step() -> None:
    described = schema.schema("journey")
    choices = {choice["$ref"].rsplit("/", 1)[1] for choice in described["properties"]["steps"]["items"]["oneOf"]}
    assert choices == {
        "SendStep",
        "WaitStep",
        "WaitForStep",
        "BranchStep",
        "SplitStep",
        "UpdateStep",
        "CallStep",
        "DecideStep",
        "EndStep",
    }
    assert set(schema.schema("actions")["$defs"]["ActionDocument"]["properties"]) >= {"url", "body", "answer"}
    assert set(schema.schema("project")["$defs"]["QuietHoursDocument"]["properties"]) >= {"from", "until", "then"}
    assert schema.schema("message")["additionalProperties"]["type"] == "object"


def test_an_unknown_kind_of_document_has_no_schema() -> None:
    with pytest.raises(CallerError, match="did you mean 'journey'"):
        schema.schema("journy")


def test_secrets_are_looked_up_in_the_environment_and_in_files(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text('{"k": 1}\n', encoding="utf-8")
    settings = {"port": 587, "password": "env:PASSWORD", "tls": {"key": "file:key.json"}, "hosts": ["a", "env:HOST"]}
    assert resolve_secrets(settings, tmp_path, {"PASSWORD": "s3cret", "HOST": "b"}) == {
        "port": 587,
        "password": "s3cret",
        "tls": {"key": '{"k": 1}'},
        "hosts": ["a", "b"],
    }


@pytest.mark.parametrize("reference", ["env:", "file:"])
def test_a_reference_to_nothing_is_said_to_be_one(tmp_path: Path, reference: str) -> None:
    with pytest.raises(SettingInvalid, match=rf"channels\.email\.password is '{reference}', which does not name"):
        resolve_secrets({"password": reference}, tmp_path, {"": "x"}, "channels.email")


@pytest.mark.parametrize("reference", ["env:NOWHERE", "file:nowhere.txt"])
def test_a_secret_that_is_not_there_is_named_without_its_value(tmp_path: Path, reference: str) -> None:
    with pytest.raises(SettingInvalid, match="the setting password refers to"):
        resolve_secrets({"password": reference}, tmp_path, {})
