"""Who asks for an audience is found wherever a project may ask for one, and each with where it does."""

from __future__ import annotations

from pathlib import Path

from tests.projects import write_texts

from parcours.journey.audience_uses import AudienceUse, uses_of_audiences
from parcours.journey.project import Project

TEXTS = {
    "parcours.yaml": "{project: shop, insight: {events: all}}",
    "profile.yaml": "{traits: {email: string, score: number}, addresses: {email: profile.email}}",
    "events.yaml": "events: {Seen: {}, Bought: {}}",
    "audiences.yaml": """
        audiences:
          high: profile.score > 3
          some: 'in_audience("best") && profile.score > 1'
          best: {saved: true}
          idle: profile.score < 0
    """,
    "messages/news.yaml": "{message: news, email: {subject: News, text: Hi}}",
    "offers.yaml": """
        placements: {banner: {channel: web, format: json}}
        offers: {tour: {eligible: 'in_audience("high")', content: {banner: {json: {text: Come}}}}}
        decisions: {best: {choose: [{collection: all}]}}
    """,
    "journeys/one.yaml": """
        journey: one
        entry: {audience: high, change: entered}
        exit: [{audience: best, change: entered}, {event: Bought, when: 'in_audience("some")'}]
        steps:
          - id: listen
            wait_for: [{audience: some, change: left, next: choose}]
            timeout: 1d
          - {id: choose, branch: [{when: 'in_audience("some") && in_audience("best")', next: rest}, {otherwise: rest}]}
          - {id: rest, wait: 3d}
    """,
    "campaigns/two.yaml": """
        campaign: two
        exit: [{event: Bought, when: 'in_audience("some")'}]
        steps:
          - {id: all, read: high}
          - {id: few, filter: 'in_audience("high") && profile.score > 5'}
          - {id: kept, save: best}
    """,
    "insight/shop.yaml": """
        funnels: {buying: {steps: [Seen, Bought], split: {audience: some}}}
        audiences: {best: {funnel: buying, who: "reached:2", mode: replace, schedule: {at: 2036-11-02T06:00:00}}}
    """,
}


def test_each_use_is_told_with_where_it_is(tmp_path: Path) -> None:
    write_texts(tmp_path / "shop", TEXTS)

    uses = uses_of_audiences(Project.load(tmp_path / "shop").program)

    assert uses == {
        "high": [
            AudienceUse("journey", "one", ("entry",)),
            AudienceUse("campaign", "two", ("read by step all", "step few")),
            AudienceUse("offers", "", ("a condition",)),
        ],
        "best": [
            AudienceUse("journey", "one", ("exit", "step choose")),
            AudienceUse("campaign", "two", ("saved by step kept",)),
            AudienceUse("campaign", "kept.best", ("saved by step save",)),
            AudienceUse("audience", "some", ("a condition",)),
        ],
        "some": [
            AudienceUse("journey", "one", ("step listen", "step choose")),
            AudienceUse("campaign", "two", ("a condition",)),
            AudienceUse("funnel", "buying", ("split",)),
        ],
    }
