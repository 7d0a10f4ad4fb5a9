"""Durations are written and read as texts such as `1d12h`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from parcours.expression.duration import DURATION_MAX_MS, format_duration, parse_duration
from parcours.expression.expression import compile_expression
from parcours.expression.functions import to_duration
from parcours.expression.names import Names
from parcours.expression.syntax import ExpressionError
from parcours.expression.values import MISSING
from parcours.journey.model.policies import QuietHoursDocument
from parcours.journey.model.steps import UntilInstant, UntilLocalTime, WaitStep

READ = [
    ("30s", 30_000),
    ("20m", 1_200_000),
    ("5h", 18_000_000),
    ("3d", 259_200_000),
    ("2w", 1_209_600_000),
    ("1d12h", 129_600_000),
    ("0s", 0),
    ("250ms", 250),
    ("1h30m15s", 5_415_000),
]


@pytest.mark.parametrize("text,duration_ms", READ)
def test_a_duration_is_a_sum_of_numbers_with_units(text: str, duration_ms: int) -> None:
    assert parse_duration(text) == duration_ms


@pytest.mark.parametrize(
    "text", ["", "3", "d", "3 d", "1.5h", "-1d", "3d extra", "1h1h", "99999999w", "3D", "١d", "1١d"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="a duration"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=DURATION_MAX_MS))
def test_a_duration_is_read_back_as_it_was_written(duration_ms: int) -> None:
    assert parse_duration(format_duration(duration_ms)) == duration_ms


@pytest.mark.parametrize("time", ["٠٩:00", "09:٠0", "0９:00"])
def test_a_time_of_day_is_written_in_ascii(time: str) -> None:
    for model in (UntilLocalTime, QuietHoursDocument):
        with pytest.raises(ValidationError, match='a time of day is written "09:00", in quotes'):
            model.model_validate({"time": time} if model is UntilLocalTime else {"from": "08:00", "until": time})


def test_a_duration_in_an_expression_is_written_in_ascii() -> None:
    assert to_duration("1١m") is MISSING
    with pytest.raises(ExpressionError, match="'١d' is no duration such as 90m"):
        compile_expression("now - duration('١d') < now", Names())


def test_models_take_text_or_a_timedelta_and_write_text() -> None:
    assert WaitStep(id="a", wait="3d") == WaitStep(id="a", wait=timedelta(days=3))
    assert WaitStep(id="a", wait="36h").model_dump(mode="json")["wait"] == "1d12h"
    assert UntilInstant(until="now", offset="-3d").offset == -259_200_000
    assert UntilInstant(until="now", offset="-3d").model_dump()["offset"] == "-3d"
