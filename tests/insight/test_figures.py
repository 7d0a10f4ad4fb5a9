"""Are numbers rounded half up as they are written, however large they are?"""

from __future__ import annotations

from fractions import Fraction

import pytest

from parcours.insight.figures import amount_text, bar, counted_text, half_up, percent_text, points_text, share_text


@pytest.mark.parametrize(
    ("number", "decimals", "text"),
    [
        # in binary each of these is a little less
        (2.675, 2, "2.68"),
        (0.145, 2, "0.15"),
        (1.005, 2, "1.01"),
        (-2.675, 2, "-2.68"),
        (Fraction(1, 8), 2, "0.13"),
        (0.05, 1, "0.1"),
        (0.0499, 1, "0.0"),
        # zero has no sign
        (-0.0, 2, "0.00"),
        (-0.001, 2, "0.00"),
        (-0.4, 0, "0"),
        (-0.5, 0, "-1"),
        # more digits than a decimal context has
        (1e27, 1, "1,000,000,000,000,000,000,000,000,000.0"),
        (10**27 + 1, 0, "1,000,000,000,000,000,000,000,000,001"),
        (1_234.5, 0, "1,235"),
        (5e-324, 3, "0.000"),
    ],
)
def test_a_number_is_rounded_half_up_as_it_is_written(number: float | Fraction, decimals: int, text: str) -> None:
    assert half_up(number, decimals) == text


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_what_is_not_finite_is_no_figure(number: float) -> None:
    with pytest.raises(ValueError, match="Invalid literal for Fraction"):
        half_up(number, 1)


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, ""),
        (1, 0, ""),
        (0, 5, "0.0 %"),
        (5, 5, "100.0 %"),
        (1, 3, "33.3 %"),
        (2, 3, "66.7 %"),
        (1, 8, "12.5 %"),
        # a half goes up, also where a binary fraction is a little less
        (1, 2_000, "0.1 %"),
        (1, 2_001, "0.0 %"),
        (1_005, 10_000, "10.1 %"),
        (1_004, 10_000, "10.0 %"),
        (0.1005, 1, "10.1 %"),
        (3, 2, "150.0 %"),
        (1e27, 1, "100,000,000,000,000,000,000,000,000,000.0 %"),
        (-1, 8, "-12.5 %"),
    ],
)
def test_a_percentage_has_one_decimal(part: float, whole: float, text: str) -> None:
    assert percent_text(part, whole) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, ""),
        (0.125, "0.13"),
        (-0.125, "-0.13"),
        (1_234.5, "1,234.5"),
        (10.0, "10"),
        (100, "100"),
        (1e15, "1,000,000,000,000,000"),
        (1e27, "1,000,000,000,000,000,000,000,000,000"),
        (-0.001, "0"),
        (-0.0, "0"),
    ],
)
def test_an_amount_has_the_decimals_that_are_not_zero(amount: float | None, text: str) -> None:
    assert amount_text(amount) == text


def test_a_share_has_its_two_numbers() -> None:
    assert [share_text(*each) for each in ((3, 1_200), (5, 5), (0, 0))] == ["3 / 1,200    0.3 %", "5 / 5  100.0 %", ""]


def test_a_difference_in_points_has_its_sign() -> None:
    assert [points_text(each) for each in (0.0145, Fraction(-1, 8), 0.0, -0.0)] == ["+1.5", "-12.5", "+0.0", "+0.0"]


def test_a_bar_is_drawn_to_an_eighth_of_a_character() -> None:
    assert [bar(*each, characters=2) for each in ((0, 4), (1, 4), (4, 4), (1, 16), (0, 0))] == [
        "░░", "▌░", "██", "▏░", "░░",
    ]  # fmt: skip


def test_a_number_of_things_is_told_in_the_singular_or_plural() -> None:
    assert [counted_text(each, "person", "people") for each in (0, 1, 1_000)] == [
        "0 people",
        "1 person",
        "1,000 people",
    ]
