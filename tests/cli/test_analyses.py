"""Do the commands of analyses say of facts what can be counted by hand, and what is wrong with what they are asked?"""

from __future__ import annotations

import csv
import json
import shutil
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.projects import write_texts

from parcours.config import DAY_MS, Settings
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.simulation.store_inputs import write_inputs

if TYPE_CHECKING:
    from tests.cli.conftest import Ask

YOGA = Path(__file__).parents[1] / "journey" / "yoga"
VIEWED, ADDED, ORDERED = "Product Viewed", "Product Added", "Order Completed"
STEPS = f"{VIEWED} > {ADDED} > {ORDERED}"

EVENTS: list[tuple[str, str, str, dict[str, object]]] = [
    ("02T09:00", "anna", VIEWED, {"platform": "web", "category": "mats"}),
    ("02T09:00", "bert", VIEWED, {"platform": "mobile", "category": "mats"}),
    ("02T09:00", "cleo", VIEWED, {"platform": "web", "category": "bags"}),
    ("02T09:00", "dora", VIEWED, {"platform": "web"}),
    ("02T09:05", "anna", ADDED, {"price": 30}),
    ("02T09:06", "bert", ADDED, {"price": 30}),
    ("02T09:07", "bert", "Support Contacted", {}),
    ("02T09:08", "cleo", ADDED, {"price": 10}),
    ("02T09:10", "anna", ORDERED, {"total": 60.5}),
    ("04T10:00", "anna", ORDERED, {"total": 10}),
]
CITIES = {"anna": "Seattle", "bert": "Oslo", "cleo": "Seattle"}  # nothing is known of dora


@pytest.fixture
def yoga(tmp_path: Path) -> Path:
    """The project of a shop, whose facts tell of cities; one of the ways of its split has a name, both go on alike.

    It keeps no audience up to date, by whose schedule the simulation would go on until the autumn.
    """
    folder = Path(shutil.copytree(YOGA, tmp_path / "yoga"))
    profile = folder / "profile.yaml"
    profile.write_text(profile.read_text().replace("city: string", "city: {type: string, insight: true}"))
    for insight in (folder / "insight").glob("*.yaml"):
        insight.write_text(insight.read_text().partition("audiences:\n")[0])
    cart = folder / "journeys" / "cart.yaml"
    ways = "[{percent: 50, next: remind}, {percent: 50, next: done}]"
    assert ways in cart.read_text()
    named = "[{name: mailed, percent: 40, next: remind}, {percent: 60, next: remind}]"
    cart.write_text(cart.read_text().replace(ways, named))
    return folder


@pytest.fixture
def out(ask: Ask, yoga: Path, tmp_path: Path) -> Path:
    """What four people did, as facts."""
    lines: list[dict[str, object]] = [
        {
            "type": "identify",
            "userId": who,
            "timestamp": "2026-03-02T08:00:00Z",
            "traits": {"city": city} | ({"email": "b@yoga.example"} if who == "bert" else {}),
        }
        for who, city in CITIES.items()
    ]
    lines.append(
        {"type": "consent", "channel": "email", "granted": True, "userId": "bert", "timestamp": "2026-03-02T08:30:00Z"}
    )
    lines += [
        {"type": "track", "event": event, "userId": who, "timestamp": f"2026-03-{at}:00Z", "properties": properties}
        for at, who, event, properties in EVENTS
    ]
    (tmp_path / "events.ndjson").write_text("\n".join(map(json.dumps, lines)))
    done = ask("simulate", yoga, "--events", tmp_path / "events.ndjson", "--out", tmp_path / "out", "--facts")
    assert done.exit_code == 0, done.output
    return tmp_path / "out"


def told(ask: Ask, *arguments: str | Path) -> Any:
    """The JSON of an answer."""
    result = ask(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_funnel_has_the_form_and_the_figures_that_can_be_counted_by_hand(ask: Ask, out: Path) -> None:
    assert told(ask, "funnel", out, f"{VIEWED} > {ADDED}[event.price > 20] > {ORDERED}", "--value", "event.total") == {
        "steps": [
            {"step": VIEWED, "reached": 4, "median_ms": None, "lost": 2, "lost_to": {ADDED: 1, "(nothing)": 1}}
            | {"worth": 60.5, "lost_worth": 0},
            {"step": ADDED, "reached": 2, "median_ms": 300_000, "lost": 1, "lost_to": {"Support Contacted": 1}}
            | {"worth": 60.5, "lost_worth": 0},
            {"step": ORDERED, "reached": 1, "median_ms": 300_000, "lost": 0, "lost_to": {}}
            | {"worth": 60.5, "lost_worth": 0},
        ]
    }


@pytest.mark.parametrize(
    "split, reached",
    [
        ("profile.city", {"Oslo": [1, 1, 0], "Seattle": [2, 2, 1], "(missing)": [1, 0, 0]}),
        ("event.category", {"bags": [1, 1, 0], "mats": [2, 2, 1], "(missing)": [1, 0, 0]}),
        ("audience:locals", {"in": [2, 2, 1], "not in": [2, 1, 0]}),
        ("experiment:cart.test", {"1": [1, 1, 0], "mailed": [2, 2, 1], "(missing)": [1, 0, 0]}),  # bert, anna and cleo
        ("segments:west,mobile", {"mobile": [1, 1, 0], "west": [2, 2, 1]}),
    ],
)
def test_groups_go_by_traits_properties_audiences_and_segments(
    split: str, reached: dict[str, list[int]], ask: Ask, out: Path
) -> None:
    groups = told(ask, "funnel", out, STEPS, "--split", split)["groups"]

    assert {name: [step["reached"] for step in group["steps"]] for name, group in groups.items()} == reached


def test_only_the_people_of_a_segment_count_and_only_what_lies_in_the_window(ask: Ask, out: Path) -> None:
    def reached(*options: str) -> list[int]:
        return [step["reached"] for step in told(ask, "funnel", out, STEPS, *options)["steps"]]

    assert reached("--segment", "west") == [2, 2, 1]
    assert reached("--segment", "mobile") == [1, 1, 0]
    assert reached("--to", "2026-03-02T09:05:00Z") == [4, 0, 0]  # what happens at its end is not in a window
    assert reached("--from", "2026-03-02T09:05:00Z") == [0, 0, 0]
    assert reached("--segment", "mobile", "--from", "2026-03-02T09:00:01Z") == [0, 0, 0]  # the segment has it too
    assert reached("--exclude", "Support Contacted", "--by", "visit") == [4, 3, 1]


def test_a_name_is_the_analysis_of_the_project_and_options_replace_its_keys(ask: Ask, out: Path) -> None:
    named = told(ask, "funnel", out, "to-order")
    replaced = told(ask, "funnel", out, "to-order", "--split", "event.platform")

    assert [*named["groups"]] == ["Oslo", "Seattle", "(missing)"]
    assert [*replaced["groups"]] == ["mobile", "web"]
    assert named["steps"] == replaced["steps"]


def test_a_flow_counts_what_came_after(ask: Ask, out: Path) -> None:
    result = told(ask, "flow", out, VIEWED, "--before", "0", "--after", "2", "--to", "2026-03-03T00:00:00Z")

    assert [column["nodes"] for column in result["columns"]] == [
        {VIEWED: 4},
        {ADDED: 3, "(end)": 1},
        {ORDERED: 1, "Support Contacted": 1, "(end)": 2},
    ]
    assert result["links"][0] == {"offset": 0, "from": VIEWED, "to": ADDED, "count": 3}


def test_conversions_are_credited_to_touches_before_them(ask: Ask, out: Path) -> None:
    asked = ("attribution", out, ORDERED, "--value", "event.total", "--touches", f"events:{VIEWED},{ADDED}")
    result = told(ask, *asked, "--models", "first,last,linear", "--lookback", "1d")

    assert (result["conversions"], result["value"]) == (2, 70.5)
    none = {"conversions": 1, "value": 10}  # two days after the last touch
    first = {"conversions": 1, "value": 60.5}
    nothing, half = {"conversions": 0, "value": 0}, {"conversions": 0.5, "value": 30.25}
    assert result["models"] == {
        "first": {ADDED: nothing, VIEWED: first, "(none)": none},
        "last": {ADDED: first, VIEWED: nothing, "(none)": none},
        "linear": {ADDED: half, VIEWED: half, "(none)": none},
    }


def test_touches_before_the_window_count_but_not_those_of_a_conversion_before_it(ask: Ask, out: Path) -> None:
    asked = ("attribution", out, ORDERED, "--touches", f"events:{VIEWED}", "--models", "last")
    later = ("--from", "2026-03-03T00:00:00Z")

    assert told(ask, *asked, *later)["models"]["last"][VIEWED]["conversions"] == 1
    assert [*told(ask, *asked, *later, "--since-last")["models"]["last"]] == ["(none)"]


def test_deliveries_are_touches_by_any_of_their_columns(ask: Ask, out: Path) -> None:
    asked = ("attribution", out, "Support Contacted", "--touches", "deliveries:sent", "--models", "linear")

    for key, value in (("message", "reminder"), ("channel", "email"), ("journey", "cart")):
        assert told(ask, *asked, "--key", key)["models"]["linear"] == {
            value: {"conversions": 1, "value": 1},
            "(none)": {"conversions": 0, "value": 0},
        }


def test_a_cohort_leaves_out_periods_that_are_not_over(ask: Ask, out: Path) -> None:
    assert told(ask, "cohort", out, ORDERED, "--unit", "day", "--periods", "4") == {
        "rows": [{"start": "2026-03-02", "people": 1, "returned": [0, 0, None, None]}]
    }


@pytest.mark.parametrize(
    "words, options, value",
    [
        ("revenue", (), 70.5),
        ("revenue", ("--to", "2026-03-03T00:00:00Z"), 60.5),
        ("margin", (), 121),  # (70.5 - 10) * 2
        (f"people {ORDERED}", (), 1),
        (f"count {ADDED}", ("--where", "event.price > 20"), 2),
        (f"count {ADDED}", ("--segment", "west"), 2),
        ("buyers", (), 1),
        ("count deliveries.refused", (), 2),  # those of anna and cleo, who have not consented
        ("count deliveries.sent", (), 1),
        ("count deliveries.sent", ("--segment", "west"), 0),
        ("clicks", (), 0),
        ("per-click", (), None),  # nothing was clicked
    ],
)
def test_metrics_are_counted_added_up_and_calculated(
    words: str, options: tuple[str, ...], value: float | None, ask: Ask, out: Path
) -> None:
    assert told(ask, "metric", out, words, *options) == {"value": value}


def test_a_table_names_its_window_as_of_when_it_is_and_how_many_people_there_are(ask: Ask, out: Path) -> None:
    result = ask("funnel", out, STEPS, "--from", "2026-03-02T00:00:00Z", "--split", "segments:west,mobile")

    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines[:4] == [
        STEPS,
        "From 2026-03-02T00:00:00.000Z on.",
        "As of 2026-03-04T10:00:00.000Z.",
        "4 people with any of what is asked for.",
    ]
    assert " 2 Product Added        ███████▌░░   3 / 4   75.0 %   3 / 4   75.0 %         6m" in lines
    difference = "3 Order Completed 1 / 2 50.0 % 0 / 1 0.0 % +50.0 -39.1 to +90.5"
    assert difference in [" ".join(line.split()) for line in lines]


def test_a_table_tells_what_was_not_kept_of_what_it_read(ask: Ask, out: Path) -> None:
    cut = {"shard": 0, "before": {"changes": "2026-03-01", "events": "2026-03-01"}, "made_ms": 0, "format": 1}
    (out / "facts" / "_done" / "0.cut.json").write_text(json.dumps(cut))
    before = "from before 2026-03-01T00:00:00.000Z: they were kept for long enough."
    changes, events = f"There are no changes {before}", f"There are no events {before}"

    def said(*options: str) -> list[str]:
        lines = ask("funnel", out, STEPS, *options).stdout.splitlines()
        return [line for line in lines if line.startswith("There are ")]

    assert said() == [events]
    assert said("--split", "audience:locals") == [changes, events]
    since = ("--from", "2026-03-01T00:00:00Z")
    assert said(*since) == []
    assert said(*since, "--split", "audience:locals") == [changes]  # she may have been in it before


@pytest.mark.parametrize(
    "arguments",
    [
        ("funnel", "compared"),
        ("flow", "before-order"),
        ("attribution", "seen"),
        ("cohort", "monthly"),
        ("metric", "margin"),
    ],
)
def test_every_analysis_is_a_table_of_80_columns_and_csv_with_one_line_of_names(
    arguments: tuple[str, str], ask: Ask, out: Path, tmp_path: Path
) -> None:
    command, name = arguments

    shown = ask(command, out, name, "--out", tmp_path / "table.txt")
    written = ask(command, out, name, "--format", "csv")

    assert (shown.exit_code, shown.stdout) == (0, "")
    table = (tmp_path / "table.txt").read_text()
    assert table.startswith(f"{name}\n") and "As of 2026-03-04T10:00:00.000Z." in table
    rows = list(csv.reader(StringIO(written.stdout)))
    assert len(rows) > 1 and {len(row) for row in rows} == {len(rows[0])}
    assert "As of 2026-03-04T10:00:00.000Z." in written.stderr


def test_people_are_saved_as_an_audience_that_is_declared(ask: Ask, out: Path) -> None:
    saved = ask("funnel", out, STEPS, "--save-audience", "almost", "--who", "lost:2")

    assert saved.exit_code == 0, saved.output
    assert (out / "audiences" / "almost.ndjson").read_text() == '{"profile":"bert"}\n{"profile":"cleo"}\n'
    more = ask("funnel", out, STEPS, "--save-audience", "almost", "--who", "reached:3", "--append")
    assert (more.exit_code, more.stderr.split(": ")[1].split("\n")[0]) == (0, "3 people")
    assert (out / "audiences" / "almost.ndjson").read_text().count("\n") == 3
    assert ask("funnel", out, STEPS, "--save-audience", "almost", "--who", "reached:3", "--replace").exit_code == 0
    assert (out / "audiences" / "almost.ndjson").read_text() == '{"profile":"anna"}\n'
    (out / "audiences" / "almost.ndjson").write_text("anna\n")
    broken = ask("funnel", out, STEPS, "--save-audience", "almost", "--who", "reached:3", "--append")
    assert broken.exit_code == 1 and "is no list of people" in broken.stderr
    group = ("--split", "segments:west,mobile", "--who", "group:west")
    assert ask("funnel", out, STEPS, "--save-audience", "west-side", *group).exit_code == 0
    assert (out / "audiences" / "west-side.ndjson").read_text() == '{"profile":"anna"}\n{"profile":"cleo"}\n'


@pytest.mark.parametrize(
    "arguments, why",
    [
        (("funnel", "OUT", "to-ordr"), "neither a funnel nor an event is called 'to-ordr', did you mean 'to-order'?"),
        (("funnel", "OUT", STEPS, "--segment", "wst"), "unknown segment 'wst', did you mean 'west'?"),
        (("funnel", "OUT", STEPS, "--who", "lost:2", "--save-audience", "almst"), "add 'almst: {saved: true}'"),
        (("funnel", "OUT", STEPS, "--who", "lost:3", "--save-audience", "almost"), "a step from 1 to 2 is expected"),
        (("funnel", "OUT", STEPS, "--split", "profile.age"), "no changes of age: declare it in profile.yaml with"),
        (("flow", "OUT/facts", VIEWED), "holds no exported facts"),
        (("flow", "OUT/facts", VIEWED, "--project", "YOGA"), "holds no exported facts"),
        (("cohort", "--store", "sqlite:///nowhere/at/all", ORDERED, "--project", "YOGA"), "there is no store"),
    ],
)
def test_what_cannot_be_answered_is_told(arguments: tuple[str, ...], why: str, ask: Ask, out: Path, yoga: Path) -> None:
    result = ask(*(each.replace("OUT", str(out)).replace("YOGA", str(yoga)) for each in arguments))

    assert result.exit_code == 1
    assert why in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    "arguments, why",
    [
        (("OUT", STEPS, "--from", "2026-03-03T00:00:00Z", "--to", "2026-03-03T00:00:00Z"), "nothing is between them"),
        (("OUT", STEPS, "--from", "yesterday"), "'yesterday' is no time with a zone"),
        (("OUT", STEPS, "--live", "--from", "2026-03-03T00:00:00Z"), "without --from and --to"),
        (("OUT", STEPS, "--url", "http://127.0.0.1:1"), "choose one of OUT, --facts, --store and --url"),
        (("OUT", STEPS, "--facts", "OUT/facts"), "choose one of OUT, --facts, --store and --url"),
        (("OUT", STEPS, "--door-key", "env:KEY"), "it goes with --url"),
        ((STEPS, "--url", "http://127.0.0.1:1", "--project", "OUT"), "a running engine knows its own"),
        (("OUT", STEPS, "--who", "lost:2"), "it goes with --save-audience"),
        (("OUT", STEPS, "--append"), "it goes with --save-audience"),
        (("--facts", "OUT/facts", STEPS, "--who", "lost:2", "--save-audience", "almost"), "it goes with OUT"),
        ((STEPS,), "whose facts?"),
        (("OUT/missing", STEPS), "there is no folder"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    arguments: tuple[str, ...], why: str, ask: Ask, out: Path
) -> None:
    result = ask("funnel", *(each.replace("OUT", str(out)) for each in arguments))

    assert result.exit_code == 2
    assert why in " ".join(result.stderr.split())


SHOP = {
    "parcours.yaml": "{project: shop, insight: {inputs: true, people: never}}",
    "profile.yaml": "traits: {city: {type: string, insight: true}}",
    "events.yaml": "events: {Seen: {properties: {page: string}}, Bought: {properties: {total: number}}}",
    "insight/shop.yaml": "segments: {northern: profile.city == 'Lille', unknown: '!has(profile.city)'}",
}


def test_a_funnel_of_a_store_is_that_of_its_simulation(ask: Ask, tmp_path: Path) -> None:
    write_texts(tmp_path / "shop", SHOP)
    store = f"sqlite:///{tmp_path / 'store'}"
    settings = Settings(export_every_ms=300 * DAY_MS, export_lag_max_ms=400 * DAY_MS)  # all is in journals
    shop = Project.load(tmp_path / "shop")
    with Engine.open(shop, store, shards=2, runtime="local", records=(), settings=settings) as engine:
        for number in range(8):
            engine.identify(f"u{number}", {"city": "Lille"} if number % 2 else {}).result(30)
            engine.track(f"u{number}", "Seen", {"page": "home"}).result(30)
            if number % 4 == 1:
                engine.track(f"u{number}", "Bought", {"total": number}).result(30)
        engine.drain(30)
    write_inputs(store, tmp_path / "inputs.ndjson")
    ask("simulate", tmp_path / "shop", "--events", tmp_path / "inputs.ndjson", "--out", tmp_path / "out", "--facts")
    asked = ("Seen > Bought", "--value", "event.total", "--split", "segments:northern,unknown")

    live = told(ask, "funnel", "--store", store, *asked, "--project", tmp_path / "shop")

    assert live == told(ask, "funnel", tmp_path / "out", *asked)
    assert [step["reached"] for step in live["steps"]] == [8, 2]
    assert [step["reached"] for step in live["groups"]["northern"]["steps"]] == [4, 2]
    assert [step["reached"] for step in live["groups"]["unknown"]["steps"]] == [4, 0]
