"""A project is tried out from the command line: by its tests, by made-up traffic, by named people."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any


def test_tests_that_pass_take_a_line_each(ask: Any, luma_copy: Path) -> None:
    result = ask("test", luma_copy)

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "10 passed, 0 failed."
    assert all(line.startswith("passed  tests/") for line in result.stdout.splitlines()[:-1])


def test_a_test_that_fails_shows_in_the_exit_code(ask: Any, luma_copy: Path) -> None:
    file = luma_copy / "tests" / "abandoned-cart.yaml"
    file.write_text(file.read_text().replace("at: +1h}", "at: +2h}"))

    result = ask("test", luma_copy)

    assert result.exit_code == 1
    assert "    happened:  +1h  abandoned-cart.remind: email cart-reminder sent" in result.stdout.splitlines()
    assert result.stderr == "9 passed, 1 failed.\n"


def test_a_mistake_in_a_test_is_a_failure_and_is_found_by_check_as_well(ask: Any, luma_copy: Path) -> None:
    file = luma_copy / "tests" / "abandoned-cart.yaml"
    file.write_text(file.read_text().replace("step: remind", "step: remnd"))

    tested, checked = ask("test", luma_copy), ask("check", luma_copy)

    finding = "tests/abandoned-cart.yaml:10: [0].expect[0].step: unknown step 'remnd', did you mean 'remind'?"
    assert (tested.exit_code, checked.exit_code) == (1, 1)
    assert finding in tested.stdout.splitlines()
    assert finding in checked.stdout.splitlines()


def test_a_project_without_tests_has_not_passed(ask: Any, tmp_path: Path) -> None:
    ask("init", tmp_path / "shop")
    shutil.rmtree(tmp_path / "shop" / "tests")

    result = ask("test", tmp_path / "shop")

    assert result.exit_code == 1
    assert "has no tests" in result.stderr


def test_made_up_traffic_prints_its_seed_and_what_holds(ask: Any, luma_copy: Path) -> None:
    result = ask("test", luma_copy, "--explore", "300", "--seed", "5")

    assert result.exit_code == 0
    assert result.stdout.startswith("Seed 5: 300 events of 30 people, ")
    assert "holds   one delivery per key" in result.stdout.splitlines()


def test_more_events_than_have_room_are_refused(ask: Any, luma_copy: Path) -> None:
    result = ask("test", luma_copy, "--explore", "99999999999999999999999")

    assert result.exit_code == 2
    assert "Invalid value for '--explore': Input should be less than or equal to 1000000" in result.stderr


def test_a_step_that_nobody_can_reach_is_warned_of(ask: Any, luma_copy: Path) -> None:
    journey = luma_copy / "journeys" / "abandoned-cart.yaml"
    journey.write_text(journey.read_text().replace("> 50", "> 50 && event.cart.total < 40"))

    result = ask("test", luma_copy, "--explore", "300")

    assert result.exit_code == 0
    assert "warning: nobody reached abandoned-cart.remind" in result.stdout.splitlines()


def test_named_people_are_followed(ask: Any, luma_copy: Path, events: Path) -> None:
    result = ask("test", luma_copy, "--people", events, "--shorten", "10s")

    assert result.exit_code == 0
    assert result.stdout.startswith("sarah\n")
    assert "+10s         abandoned-cart.remind: email cart-reminder sent" in result.stdout


def test_mistakes_in_a_file_of_people_are_named(ask: Any, luma_copy: Path, tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text("people: {sarah: {}}\nstart: 2026-03-02T09:00:00Z\ngiven:\n  - {who: sarah, event: Nothing}\n")

    result = ask("test", luma_copy, "--people", file)

    assert result.exit_code == 1
    assert "people.yaml:4: given[0].event: unknown event 'Nothing'" in result.stdout


def test_the_schema_of_tests_is_printed(ask: Any) -> None:
    schema = json.loads(ask("schema", "tests").stdout)

    assert "tests" in ask("schema").stdout.split()
    assert schema["type"] == "array"
    assert {"test", "people", "start", "expect"} <= set(schema["$defs"]["Case"]["properties"])
