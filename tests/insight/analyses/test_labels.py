"""What are groups, nodes and keys called, so that none looks like another or like nothing?"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.insight.asking.test_groups import SEEN, asking_of
from tests.insight.warehouse.rows import Journal

from parcours.insight.analyses.funnel import funnel
from parcours.insight.analyses.funnel_groups import group_name
from parcours.insight.analyses.happenings import Events, Happening
from parcours.journey.analyses import Attribution, ByProperty, EventTouches, Flow, Funnel

WITHIN: dict[str, dict[str, object]] = {
    "ann": {"source": ""},
    "ben": {},
    "cem": {"source": None},
    "dan": {"source": "ad"},
    "eve": {"source": " "},
}
LABELS = {'" "', "(empty)", "ad", "(missing)"}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("west", "west"),
        ("", "(empty)"),
        (None, "(missing)"),
        ("  ", '"  "'),
        ("\n", '"\\n"'),
        (" a ", " a "),
        (0, "0"),
        (False, "false"),
        ([], "[]"),
        ({"a": ""}, '{"a":""}'),
    ],
)
def test_a_name_can_be_seen_and_told_from_others(value: object, name: str) -> None:
    assert group_name(value) == name


def test_groups_of_a_funnel_name_an_empty_text_and_those_who_lack_it_come_last() -> None:
    texts = ('{"n":""}', "{}", '{"n":"z"}')
    units = [Events(str(number), 0, [Happening(1, "Seen", text)]) for number, text in enumerate(texts)]

    groups = funnel(Funnel(name="it", steps=(SEEN, SEEN), split=ByProperty("n")), units).groups

    assert isinstance(groups, dict)
    assert [*groups] == ["(empty)", "z", "(missing)"]


def test_nodes_and_keys_of_facts_are_named_alike(tmp_path: Path) -> None:
    journal = Journal()
    for minute, (person, properties) in enumerate(WITHIN.items()):
        journal.event(minute, person, "Seen", **properties)
    flow = Flow(name="it", anchor=SEEN, before=0, after=1, most=8, key="source")
    attribution = Attribution(
        name="it",
        conversion=SEEN,
        touches=EventTouches(("Seen",)),
        key="event.source",
        lookback_ms=60_000,
        models={"last": "last"},
    )
    for minute, (person, properties) in enumerate(WITHIN.items()):
        journal.event(minute + 0.5, person, "Seen", **properties)

    with journal.warehouse(tmp_path) as warehouse:
        nodes = asking_of(warehouse).flow(flow).result.columns[0].nodes
        credits_ = asking_of(warehouse).attribution(attribution).result.models["last"]

    assert {*nodes} == LABELS
    assert {*credits_} == LABELS | {"(none)"}
