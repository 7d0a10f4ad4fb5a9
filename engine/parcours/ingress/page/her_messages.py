"""Her messages with what became of each, what she was offered and why nothing else, and what is told besides."""

from __future__ import annotations

from typing import Final

from parcours.ingress.exchange import Request
from parcours.ingress.page.frame import moment, name
from parcours.ingress.page.lines import bullets, text, timed
from parcours.ingress.page.parts import heads, wide
from parcours.ingress.page.person_links import journey_link, step_link
from parcours.insight.explain import DeliveryStory, Explanation, RunStory
from parcours.insight.explain_text import score_words, set_words, state_words
from parcours.insight.offer_words import DecisionStory
from parcours.insight.page.markup import Markup, element, together
from parcours.insight.sentences import NOT_MERGED
from parcours.journey.program import Program

DELIVERIES_SHOWN: Final = 50

STATES_SHOWN: Final = 8
"""Of one delivery, the newest."""

DECISIONS_SHOWN: Final = 20

REASONS_SHOWN: Final = 50
"""Of one decision."""

LINES_SHOWN: Final = 50
"""Of scores, of sets, and of all else, the newest."""


def messages(told: Explanation, program: Program, request: Request) -> Markup:
    """The deliveries that were decided on last, with gates and reasons."""
    found = [(run, each) for story in told.journeys for run in story.runs for each in run.deliveries if each.states]
    found.sort(key=lambda pair: pair[1].states[-1].at, reverse=True)
    if not found:
        return element("p", "She was sent nothing.")
    table = element(
        "table",
        element("caption", "Messages, the last first"),
        heads("Message", "By", "What became of it", numbers_from=3),
        element("tbody", [_delivery(run, each, program, request) for run, each in found[:DELIVERIES_SHOWN]]),
    )
    left_out = len(found) - DELIVERIES_SHOWN
    return together(
        wide(table, "Table of messages", "sheet"),
        element("p", f"{left_out:,} earlier ones are in the export.") if left_out > 0 else None,
    )


def _delivery(run: RunStory, each: DeliveryStory, program: Program, request: Request) -> Markup:
    to = element("span", "to ", name(each.to), class_="to") if each.to else None
    step = step_link(run.journey, run.version, each.step, program, request)
    states = each.states[-STATES_SHOWN:]
    return element(
        "tr",
        element("th", name(f"{each.channel} {each.message}"), " ", to, scope="row"),
        element("td", journey_link(run.journey, program, request), ", ", step),
        element("td", timed((state.at, state_words(state)) for state in states)),
    )


def decisions(told: Explanation) -> Markup | None:
    """What she was offered last, with every reason against all else."""
    if not told.decisions:
        return None
    newest = told.decisions[: -DECISIONS_SHOWN - 1 : -1]
    rows = [
        element(
            "tr",
            element("th", moment(each.at), scope="row"),
            element("td", text(f"{each.name}: {each.given}" if each.name else each.given)),
            element("td", bullets(each.others[:REASONS_SHOWN]) if each.others else "nothing else was looked at"),
        )
        for each in newest
    ]
    table = element(
        "table",
        element("caption", "Decisions, the last first"),
        heads("When", "She got", "And nothing else, for", numbers_from=3),
        element("tbody", rows),
    )
    return wide(table, "Table of decisions", "sheet")


def besides(told: Explanation) -> Markup | None:
    """What scores say of her, in which sets of campaigns she is, and all that concerns no journey."""
    decided = {(each.at, _noted(each)) for each in told.decisions}
    scores = [(each.at, f"{each.name}: {score_words(each)}") for each in told.scores]
    sets = [(each.at, f"{each.campaign}, run {each.run}, {set_words(each)}") for each in reversed(told.sets)]
    notes = [each for each in reversed(told.notes) if each not in decided]
    titled = {"Scores": scores, "Sets of campaigns": sets, "What else has happened": notes}
    parts = [together(element("h3", title), timed(lines[:LINES_SHOWN])) for title, lines in titled.items() if lines]
    if told.unlinked:
        parts.append(bullets(f"ids of {each} are {NOT_MERGED['never']}" for each in told.unlinked))
    return together(parts) if parts else None


def _noted(decision: DecisionStory) -> str:
    """The decision as it stands among the notes."""
    return f"{decision.name}: {decision.words}" if decision.name else decision.words
