"""A run decides which offer somebody gets, keeps it, and asks for it: what is chosen, remembered and told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.core.conftest import Story, project_of
from tests.core.test_merging import ANONYMOUS, anonymous, merge

from parcours.config import Settings
from parcours.core.delivery.proposition_key import proposition_key
from parcours.core.fact import Decided, OfferGiven, StrategyTried
from parcours.errors import ProjectInvalid
from parcours.insight.sentences import sentence
from parcours.journey.offers import NO_OFFERS

MINUTE, HOUR = 60_000, 3_600_000

OFFERS = """
placements: {agent: {channel: agent, format: text}, banner: {channel: web, format: text}}
offers:
  free:
    priority: 4
    attributes: {margin: 4.5}
    caps: [{max: 1}]
    eligible: profile.city != "Oslo"
    content: {agent: {text: Free}}
  ten: {priority: 9, attributes: {margin: 9}, eligible: event.total > 10, content: {agent: {text: Ten}}}
  side: {content: {banner: {text: Side}}}
  news: {content: {agent: {text: News}}}
collections: {some: {offers: [free, ten, side]}}
decisions: {best: {choose: [{collection: some}], fallback: news}}
"""
"""`free` once for each person, `ten` to whoever buys for more than 10, and `news` to all others."""

PICK = "{id: pick, decide: best, placement: agent, as: best}"
TRIP = """
journey: trip
entry: {event: Start}
reentry: always
steps:
  - PICK
  - id: which
    branch:
      - {when: offers.best.name == "free" && offers.best.attributes.margin > 4 && offers.best.score == 4, next: free}
      - {when: offers.best.fallback, next: news}
      - {when: has(offers.best.name), next: other}
  - {id: none, end: true}
  - {id: free, wait: 1h, next: again}
  - {id: again, branch: [{when: offers.best.name == "free", next: none}, {otherwise: lost}]}
  - {id: lost, end: true}
  - {id: news, end: true}
  - {id: other, end: true}
"""


def trip(pick: str = PICK, offers: str = OFFERS, **settings: int) -> Story:
    return Story(project_of(TRIP.replace("PICK", pick), offers=offers).program, Settings(**settings))


def starts(story: Story, at: int, total: int = 5) -> Decided:
    """She starts; what was decided then."""
    story.event(at, "Start", total=total)
    (found,) = [each for each in story.facts if isinstance(each, Decided) and each.at == at]
    return found


def ways(story: Story) -> list[str | None]:
    return [step for _, step in story.steps() if step not in ("pick", "which")]


def test_the_run_goes_by_what_was_chosen_until_it_ends() -> None:
    story = trip().identify(1, city="Rome")

    decided = starts(story, 10)

    key = proposition_key("shop", "sarah", "best", "agent", "trip/1/pick/1", 0)
    tried = StrategyTried(
        0, looked=(("free", "c", 4, ""), ("ten", "i", None, "event.total > 10 is false"), ("side", "n", None, ""))
    )
    given = (OfferGiven("free", key, 4),)
    assert decided == Decided(10, "sarah", "best", "agent", "trip/1/pick/1", given, False, (tried,))
    assert story.moves("decided") == [("decided", "pick", "free")]
    assert [*(story.profile.runs[0].offers or ())] == ["best"]
    assert ways(story.wait(2 * HOUR)) == ["free", "again", "none"]
    assert story.profile.past[0].offers is None
    kept = story.profile.offers
    assert kept is not None and [(each.key, each.at) for each in kept.propositions] == [(key, 10)]


@pytest.mark.parametrize(
    "city, totals, expected",
    [
        ("Rome", [5, 5], ["free", "news"]),  # once for each person
        ("Rome", [11, 11], ["other", "other"]),  # the event of the run
        ("Oslo", [5], ["news"]),
    ],
)
def test_what_is_chosen_goes_by_the_person_the_event_and_what_she_got(
    city: str, totals: list[int], expected: list[str]
) -> None:
    story = trip().identify(1, city=city)

    for number, total in enumerate(totals, start=1):
        starts(story, number * 2 * HOUR, total)

    reached = [step for step in ways(story) if step not in ("again", "none")]
    assert reached == expected


def test_where_there_is_nothing_the_answer_is_empty_and_missing() -> None:
    story = trip(offers=OFFERS.replace(", fallback: news", "")).identify(1, city="Oslo")

    decided = starts(story, 10)

    assert (decided.offers, decided.fallback) == ((), False)
    assert story.moves("decided") == [("decided", "pick", None)] and ways(story) == ["none"]
    assert story.profile.offers is None


def test_whoever_objects_to_be_chosen_for_gets_the_fallback() -> None:
    story = trip().identify(1, city="Rome").consent(2, "personalisation", granted=False)

    decided = starts(story, 10)

    assert decided.fallback and [each.offer for each in decided.offers] == ["news"]
    assert {letter for each in decided.trace for _, letter, *_ in each.looked} == {"x"}


def test_a_decision_that_is_published_no_more_chooses_nothing() -> None:
    story = trip().identify(1, city="Rome")
    story.program = replace(story.program, offers=NO_OFFERS)

    story.event(10, "Start", total=5)

    assert story.moves("decided") == [("decided", "pick", None)] and ways(story) == ["none"]


def test_what_the_facts_tell_is_bounded() -> None:
    decided = starts(trip(decision_trace_max=1).identify(1, city="Rome"), 10)

    assert [(len(each.looked), each.left_out) for each in decided.trace] == [(1, 2)]


def test_a_decision_is_told_in_a_line() -> None:
    story = trip().identify(1, city="Rome")
    told = sentence(starts(story, 10))

    others = "ten: not eligible, event.total > 10 is false; {}side: no content for the placement"
    assert told == f"best at agent: free (score 4); {others.format('')}"
    assert sentence(starts(story, 3 * HOUR)) == (
        f"best at agent: news (the fallback); {others.format('free: capped, 1 of 1 decided; ')}"
    )


def test_what_the_run_keeps_survives_a_merge_and_so_do_its_keys() -> None:
    known = trip()
    other = Story(replace(known.program, anonymous_history="used"), known.settings, person=ANONYMOUS)
    known.program = other.program
    other.call(1, userId=None, anonymousId="7f3a", type="identify", traits={"city": "Rome"})
    anonymous(other, 10, "Start", total=5)
    anonymous_key = proposition_key("shop", ANONYMOUS, "best", "agent", "trip/1/pick/1", 0)

    merge(known, other, 20)

    kept = known.profile.offers
    assert kept is not None and [each.key for each in kept.propositions] == [anonymous_key]
    assert (known.profile.runs[0].offers or {})["best"].key == anonymous_key
    assert starts(known, 3 * HOUR).fallback, "the cap counts what she got before"


def faults(pick: str, condition: str = "true") -> list[str]:
    journey = TRIP.replace("PICK", pick).replace('offers.best.name == "free", next: none', f"{condition}, next: none")
    with pytest.raises(ProjectInvalid) as raised:
        project_of(journey, offers=OFFERS)
    return [str(each) for each in raised.value.findings]


@pytest.mark.parametrize(
    "pick, condition, said",
    [
        ("{id: pick, decide: bst, placement: agent, as: best}", "true", "unknown decision 'bst', did you mean 'best'?"),
        ("{id: pick, decide: best, placement: agnt, as: best}", "true", "unknown placement 'agnt'"),
        (PICK, "offers.best.nam == 1", "unknown name offers.best.nam"),
        (PICK, "offers.worst.name == 'a'", "unknown name offers.worst.name"),
        (PICK, "offers.best.attributes.margn > 1", "unknown name offers.best.attributes.margn"),
        ("{id: pick, wait: 1h}", "true", "'offers' has no meaning here"),
    ],
)
def test_what_is_wrong_with_it_is_said_when_it_is_read(pick: str, condition: str, said: str) -> None:
    assert any(said in each for each in faults(pick, condition))
