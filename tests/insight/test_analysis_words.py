"""What a project asks is said in a line, for each kind of analysis."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.projects import write_texts

from parcours.insight.analysis_words import analysis_words
from parcours.journey.project import Project

TEXTS = {
    "parcours.yaml": "{project: shop, insight: {events: all}}",
    "profile.yaml": "traits: {city: string}",
    "events.yaml": "events: {Seen: {}, Bought: {properties: {total: number}}}",
    "insight/shop.yaml": """
        segments: {west: profile.city == "Seattle"}
        funnels:
          plain: {steps: [Seen, {event: Bought, when: event.total > 50}]}
          bound: {steps: [Seen, Bought], within: 7d, segment: west}
        flows: {around: {anchor: Seen, before: 2, after: 1}}
        attributions:
          mails: {conversion: Bought, touches: {deliveries: clicked}}
          pages: {conversion: Bought, touches: {events: [Seen]}, segment: west}
          offers: {conversion: Bought, touches: {propositions: shown}}
        cohorts: {back: {starts: Seen, returns: Bought, unit: week, periods: 4}}
        metrics:
          revenue: {sum: event.total, of: Bought}
          buyers: {people: Bought, segment: west}
          sales: {count: Bought}
          clicks: {count: deliveries.clicked}
          each: {formula: revenue / buyers}
    """,
}


@pytest.mark.parametrize(
    "kind, name, words",
    [
        ("funnels", "plain", "Seen > Bought when event.total > 50"),
        ("funnels", "bound", "Seen > Bought within 1w, of west"),
        ("flows", "around", "2 before and 1 after Seen"),
        ("attributions", "mails", "Bought, credited to deliveries clicked"),
        ("attributions", "pages", "Bought, credited to Seen, of west"),
        ("attributions", "offers", "Bought, credited to offers shown"),
        ("cohorts", "back", "Seen > Bought, by week"),
        ("metrics", "revenue", "sum event.total of Bought"),
        ("metrics", "buyers", "people Bought, of west"),
        ("metrics", "sales", "count Bought"),
        ("metrics", "clicks", "count deliveries.clicked"),
        ("metrics", "each", "revenue / buyers"),
    ],
)
def test_each_kind_is_said_in_a_line(kind: str, name: str, words: str, tmp_path: Path) -> None:
    write_texts(tmp_path / "shop", TEXTS)

    analyses = Project.load(tmp_path / "shop").program.analyses

    assert analysis_words(getattr(analyses, kind)[name]) == words
