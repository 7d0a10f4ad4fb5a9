"""What an expression sees beside the shards: what was asked for, as it was told, and nothing else."""

from __future__ import annotations

import pytest

from parcours.campaigns.row_values import picked, ways_of
from parcours.campaigns.told_scope import ToldScopes
from parcours.config import Settings
from parcours.core.columns import PersonColumns
from parcours.expression.expression import Expression, compile_expression
from parcours.expression.history import HistoryCall
from parcours.journey.campaign_columns import ShardColumns

DAY_MS = 86_400_000
CALL = HistoryCall("Viewed", None, None, DAY_MS)
SUM = HistoryCall("Ordered", "total", None, DAY_MS)
LAST = HistoryCall("Viewed", None, None, None)

ASKED = ShardColumns(
    ("loyal", "lapsed"),
    (),
    (("cart", "total"), ("cart",), ("home", "city")),
    (CALL, SUM, LAST),
    (("email", "news"), ("sms", "news")),
)
SCOPES = ToldScopes("wishes/3", "mail", 2_000, 1_000, ASKED, Settings())
TOLD = PersonColumns([True, False], [], [5, {"total": 5, "items": 2}, None], [2, 7.5, 1_500], [True, False])


def expression(text: str) -> Expression:
    return compile_expression(text)


@pytest.mark.parametrize(
    "text, value",
    [
        ("profile.cart.items + profile.cart.total", 7),
        ("has(profile.home.city)", False),
        ('count("Viewed", "1d")', 2),
        ('sum("Ordered", "total", "1d")', 7.5),
        ('last("Viewed") < now', True),
        ('consent("email", "news") && !consent("sms", "news")', True),
        ('in_audience("loyal") && !in_audience("lapsed")', True),
        ("run.id", "ann/wishes/3"),
        ("run.step", "mail"),
        ("now - run.entered_at", "1s"),
    ],
)
def test_what_was_told_is_seen(text: str, value: object) -> None:
    seen = expression(text).value(SCOPES.of_row({}, "ann", TOLD))

    assert (f"{seen.total_seconds():g}s" if hasattr(seen, "total_seconds") else seen) == value


@pytest.mark.parametrize(
    "text", ['count("Viewed", "2d")', 'last("Ordered")', 'consent("push", "news")', 'in_audience("else")']
)
def test_what_was_not_asked_for_is_our_mistake(text: str) -> None:
    with pytest.raises(AssertionError, match="no shard was asked for"):
        expression(text).value(SCOPES.of_row({}, "ann", TOLD))


def test_of_whoever_is_not_known_nothing_is_seen() -> None:
    scope = SCOPES.of_row({"n": 1}, None, None)

    assert scope.profile == {} and scope.row == {"n": 1}
    assert expression('count("Viewed", "2d")').value(scope) == 0
    assert expression("run.id").value(scope) == "wishes/3"
    assert not expression('in_audience("loyal")').holds(scope)


@pytest.mark.parametrize(
    "paths, found",
    [
        (["wishes.product"], {"wishes": [{"product": "a"}, {}]}),
        (["wishes", "wishes.product"], {"wishes": [{"product": "a", "price": 1}, {"price": 2}]}),
        (["store.phone", "store.city"], {"store": {"phone": "+1"}}),
        (["store.city"], {}),
        (["spent.cents", "none", "gone"], {}),
        (['"odd.name"', "spent"], {"odd.name": 3, "spent": 4}),
    ],
)
def test_of_a_row_what_paths_lead_to_is_picked_in_lists_too(paths: list[str], found: dict[str, object]) -> None:
    row: dict[str, object] = {
        "wishes": [{"product": "a", "price": 1}, {"price": 2}],
        "store": {"phone": "+1"},
        "none": None,
        "odd.name": 3,
        "spent": 4,
    }

    assert picked(row, ways_of(paths)) == found
