"""Logs are lines of JSON that name nobody: of an error its kind and place are told, and not its text."""

from __future__ import annotations

import json
import logging
import sys

from parcours.ingress.logs import JsonLines
from parcours.wording import ForeignText


def line(record: logging.LogRecord) -> dict[str, object]:
    told: dict[str, object] = json.loads(JsonLines().format(record))
    return told


def record(level: int, text: str, *arguments: object, error: BaseException | None = None) -> logging.LogRecord:
    trace = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("parcours.door", level, __file__, 1, text, arguments, trace)
    made.created = 1_772_442_000.1234
    return made


def test_a_line_has_the_time_the_level_and_what_happened() -> None:
    made = record(logging.INFO, "request")
    made.told = {"status": 200, "key": None, "route": "GET /people/{id}"}

    assert line(made) == {
        "time": "2026-03-02T09:00:00.123Z",
        "level": "info",
        "event": "request",
        "status": 200,
        "route": "GET /people/{id}",
    }


def test_of_many_doors_each_line_has_the_number_of_its_door() -> None:
    assert json.loads(JsonLines(3).format(record(logging.INFO, "stopping")))["door"] == 3


def test_what_somebody_has_sent_is_left_out_of_a_message() -> None:
    told = line(record(logging.WARNING, "event %s is not declared%s, %r", ForeignText("sarah"), ", is it 'Seen'", 7))

    assert told["event"] == "event … is not declared, is it 'Seen', 7"


def test_of_an_error_its_kind_and_its_places_are_told_and_no_word_of_it() -> None:
    try:
        raise ValueError("sarah@shop.example")
    except ValueError as error:
        told = line(record(logging.ERROR, "a request failed", error=error))

    assert told["error"] == "ValueError"
    assert told["at"] == [f"{__file__}:{sys._getframe().f_lineno - 5} {sys._getframe().f_code.co_name}"]
    assert "sarah" not in json.dumps(told)
