"""What offers.yaml may say, what is wrong with it, and what of it a publication tells."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.projects import findings_of, write_texts

from parcours.errors import ProjectInvalid
from parcours.expression.expression import Scope
from parcours.journey.model.document import ProjectDocument
from parcours.journey.model.offers import JsonContentDocument, OffersDocument
from parcours.journey.offers import FormulaRanking
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.difference import beyond, differences
from parcours.journey.publish.publications import PublicationCompiler, begun
from parcours.journey.read.project_files import project_texts
from parcours.journey.read.schema import schema
from parcours.routing.change_protocol import publishing

DAY_MS = 86_400_000

STUDIO = {
    "parcours.yaml": "project: studio\ntimezone: Europe/Paris\n",
    "profile.yaml": "traits: {first_name: string, loyal: boolean, age: number}\n",
    "events.yaml": "events: {Class Attended: {}, Class Booked: {properties: {kind: string}}}\n",
}

OFFERS = """\
placements:
  email-hero: {channel: email, format: html}
  home-banner: {channel: web, format: json}
  line: {channel: push, format: text}
  picture: {channel: web, format: image}
offers:
  free-class:
    title: A free yoga class
    tags: [yoga, class]
    attributes: {category: yoga, margin: 4.5}
    eligible: profile.loyal && count("Class Attended", "365d") == 0
    starts: 2026-03-01
    ends: 2026-12-31
    priority: 40
    caps:
      - {max: 3, per: 30d, of: shown}
      - {max: 1, of: Class Booked}
    content:
      email-hero: {html: "<b>{{ profile.first_name }}</b>", url: "https://luma.example/yoga"}
      home-banner: {json: {title: "{{ offer.title }}, {{ offer.attributes.category }}", page: "{{ context.page }}"}}
      line: {text: "{{ offer.name }} {{ event.kind }}"}
  ten-pack: {tags: [class], starts: "2026-03-01T09:00:00", ends: "2026-03-31T09:00:00Z", content: {line: {text: Ten}}}
  news: {content: {line: {text: News}, picture: {image: "https://luma.example/a.png", alt: A}}}
collections:
  yoga: {tags: {any: [yoga], none: [outlet]}}
  classes: {tags: {all: [class]}}
  named: {offers: [ten-pack, news]}
rankings:
  margin: {formula: offer.margin * 2}
  learned: {bandit: clicked, of: shown, every: 1h, prior: [1, 19]}
decisions:
  best:
    choose:
      - {collection: yoga, when: profile.age > 3 && context.page == "yoga", ranking: margin}
      - {collection: all, ranking: learned}
      - {collection: named}
    count: 3
    fallback: news
    context: {page: string}
"""


def studio(folder: Path, *changes: tuple[str, str], **more: str) -> Path:
    """The studio with its offers, after these replacements; `more` has texts of other documents, by their names."""
    text = OFFERS
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    write_texts(folder, {**STUDIO, "offers.yaml": text, **{f"{name}.yaml": each for name, each in more.items()}})
    return folder


def test_offers_are_compiled_with_what_they_say(tmp_path: Path) -> None:
    project = Project.load(studio(tmp_path))
    offers = project.program.offers
    free, ten = offers.offers["free-class"], offers.offers["ten-pack"]

    assert findings_of(tmp_path) == [
        "offers.yaml:25: warning: collections.yoga.tags.none[0]: no offer has the tag 'outlet'"
    ]
    midnight = 1_772_319_600_000  # 1 March 2026 in Paris
    assert (free.starts_ms, free.ends_ms) == (midnight, midnight + 306 * DAY_MS - 1)
    assert (ten.starts_ms, ten.ends_ms) == (midnight + 9 * 3_600_000, 1_774_947_600_000)
    assert free.known == {"name": "free-class", "priority": 40, "category": "yoga", "margin": 4.5}
    caps = [(cap.max, cap.of, cap.per_ms) for cap in free.caps]
    assert caps == [(3, "shown", 30 * DAY_MS), (1, "Class Booked", None)]
    assert free.content["home-banner"].paths == {"offer.title", "offer.attributes.category", "context.page"}
    best = offers.decisions["best"]
    assert [[each.name for each in strategy.offers] for strategy in best.strategies] == [
        ["free-class"],
        ["free-class", "news", "ten-pack"],
        ["news", "ten-pack"],
    ]
    assert best.fallback is offers.offers["news"] and best.distinct and best.count == 3


def test_histories_of_conditions_and_caps_are_kept(tmp_path: Path) -> None:
    series = Project.load(studio(tmp_path)).program.series

    assert [each.window_ms for each in series["Class Attended"]] == [365 * DAY_MS]
    assert [each.window_ms for each in series["Class Booked"]] == [3_650 * DAY_MS]


def test_an_attribute_that_an_offer_lacks_is_missing_there(tmp_path: Path) -> None:
    folder = studio(tmp_path, ("{collection: all, ranking: learned}", "{collection: all, ranking: margin}"))
    offers = Project.load(folder)
    ranking = offers.program.offers.decisions["best"].strategies[1].ranking
    assert isinstance(ranking, FormulaRanking)

    values = [ranking.formula.value(Scope(offer=each.known)) for each in offers.program.offers.offers.values()]

    assert [str(each) for each in values] == ["9.0", "Missing.MISSING", "Missing.MISSING"]


MISTAKES = YAML(typ="safe").load(Path(__file__).with_name("offer_mistakes.yaml").read_text())


@pytest.mark.parametrize("case", MISTAKES, ids=[each["said"].split(":")[0] for each in MISTAKES])
def test_a_mistake_is_told_with_its_line(tmp_path: Path, case: dict[str, Any]) -> None:
    told = findings_of(studio(tmp_path, (case["old"], case["new"])))

    assert f"offers.yaml:{case['line']}: {case['said']}" in [each.split(" (found {'bandit'")[0] for each in told]
    assert len([each for each in told if "'outlet'" not in each and "no offer is in it" not in each]) <= 2


def test_offer_and_context_mean_nothing_elsewhere(tmp_path: Path) -> None:
    folder = studio(tmp_path, audiences="audiences: {a: offer.margin > 3, b: context.page == 'x'}\n")

    assert [each for each in findings_of(folder) if "audiences" in each] == [
        "audiences.yaml:1: audiences.a: 'offer' has no meaning here (column 1) (found offer.margin > 3)",
        "audiences.yaml:1: audiences.b: 'context' has no meaning here (column 1) (found context.page == 'x')",
    ]


def test_a_macro_may_call_its_variable_offer(tmp_path: Path) -> None:
    asked = "eligible: profile.age > 3 || [1, 2].exists(offer, offer == 2) &&"
    project = Project.load(studio(tmp_path, ("eligible: profile.loyal &&", asked)))

    eligible = project.program.offers.offers["free-class"].eligible

    assert eligible is not None and eligible.holds(Scope())


def test_what_cannot_be_read_is_not_missed_elsewhere(tmp_path: Path) -> None:
    folder = studio(tmp_path, ("    priority: 40", "    priority: high"), ("  ten-pack: {tags", "  ten-pack: {tgs"))

    assert [each for each in findings_of(folder) if "outlet" not in each] == [
        "offers.yaml:14: offers.free-class.priority: a whole number is expected (found 'high')",
        "offers.yaml:22: offers.ten-pack.tgs: unknown key, did you mean 'tags'?",
    ]


def test_a_publication_tells_what_has_changed_of_offers(tmp_path: Path) -> None:
    telling = "journey: tell\nentry: {event: Class Booked}\nsteps: [{id: done, end: true}]\n"
    write_texts(studio(tmp_path), {"journeys/tell.yaml": telling})
    before = Project.load(tmp_path)
    changes = [("priority: 40", "priority: 41"), ("format: json}", "format: json} # same"), ("count: 3", "count: 2")]
    changes += [("  named: {offers: [ten-pack, news]}\n", ""), ("      - {collection: named}\n", "")]
    studio(tmp_path, *changes, ("every: 1h, prior: [1, 19]", "every: 2h, prior: [1, 19]"))
    after, published = Project.load(tmp_path), begun(before)

    changed = differences(published, publishing(after, reopen=False)(published, 0))

    told = [
        "the offer 'free-class' has changed",
        "the collection 'named' is gone",
        "the ranking 'learned' has changed",
        "the decision 'best' has changed",
    ]
    assert [each.text for each in changed] == told
    assert beyond(changed, after, "tell") == [told[0], *told[2:]]
    assert differences(published, publishing(before, reopen=False)(published, 0)) == []


def test_offers_go_where_their_documents_go(tmp_path: Path) -> None:
    project = Project.load(studio(tmp_path / "studio"))

    others: tuple[Program, ...] = (
        Project.from_json(project.to_json()).program,
        pickle.loads(pickle.dumps(project)).program,
        PublicationCompiler().program(begun(project)),
    )

    assert [each.offers for each in others] == [project.program.offers] * 3
    write_texts(tmp_path / "there", project_texts(tmp_path / "studio"))
    assert Project.load(tmp_path / "there").to_json() == project.to_json()


def test_a_project_of_python_models_has_offers() -> None:
    offer: dict[str, Any] = {"content": {"banner": JsonContentDocument(data={"a": 1})}}
    document = OffersDocument.model_validate(
        {
            "placements": {"banner": {"channel": "web", "format": "json"}},
            "offers": {"one": offer},
            "decisions": {"best": {"choose": [{"collection": "all"}]}},
        }
    )

    project = Project.of(ProjectDocument(project="studio"), offers=document)

    assert project.program.offers.offers["one"].content["banner"].values == {"json": {"a": 1}}
    with pytest.raises(ProjectInvalid, match="unknown placement 'banner'"):
        Project.of(ProjectDocument(project="studio"), offers=document.model_copy(update={"placements": {}}))


def test_an_editor_knows_the_document() -> None:
    assert schema("offers")["properties"].keys() == {"placements", "offers", "collections", "rankings", "decisions"}


def test_what_messages_say_of_offers_is_checked_where_it_stands(tmp_path: Path) -> None:
    write_texts(
        tmp_path,
        STUDIO
        | {
            "offers.yaml": OFFERS,
            "messages/hero.yaml": """\
                message: hero
                offers:
                  hero: {decision: best, placement: {email: line}}
                email: {subject: "{{ offers.hero.title }}", text: "{{ offers.hero.colour }}"}
                sms: {text: "{{ offers.hero.title }}"}
            """,
            "journeys/tell.yaml": "{journey: tell, entry: {event: Class Booked}, steps: [{id: tell, send: hero}]}\n",
            "profile.yaml": "traits: {first_name: string, loyal: boolean, age: number, email: string, phone: string}\n",
        },
    )

    told = [str(each) for each in Project.check(tmp_path) if "hero.yaml" in str(each)]

    assert told == [
        "messages/hero.yaml:3: warning: offers.hero.placement.email: the placement 'line' is one of 'push'",
        "messages/hero.yaml:4: email.text: unknown name offers.hero.colour, did you mean 'offers.hero.score'?",
        "messages/hero.yaml:5: warning: sms.text: offers.hero has no placement for 'sms', and is always empty there",
    ]
