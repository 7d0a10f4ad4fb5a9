"""What is at one step of a campaign: what it does and took, its sets, what it dropped and why, and its instants."""

from __future__ import annotations

from typing import Final

from parcours.campaigns.step_words import StepWords, words_of
from parcours.ingress.exchange import Request
from parcours.ingress.hidden_names import shown_reason
from parcours.ingress.page.frame import TEXT_MAX, moment, name
from parcours.ingress.page.parts import heads, numeric, wide
from parcours.ingress.page.step import UNTOLD
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.insight.sentences import dropped
from parcours.insight.summary import CampaignStepCount
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.model.campaign_sets import MAIN, REST
from parcours.journey.picture.set_words import set_step_words
from parcours.journey.picture.svg_text import cut
from parcours.journey.picture.words import WHOLE
from parcours.service.campaign_state import RunOfCampaign, StepOfRun

NOTHING_SAID: Final = StepWords((), ())


def set_panel(
    program: CampaignProgram | None,
    run: RunOfCampaign | None,
    step: str,
    told: CampaignStepCount | StepOfRun | None,
    back: str,
    request: Request,
) -> Markup:
    """All that is told of the step.

    run   of which; None: of all together
    told  None where nothing is known of it yet
    back  the address of the screen without it
    """
    compiled = None if program is None else program.steps.get(step)
    words = "a step of another version" if compiled is None else set_step_words(compiled, WHOLE)
    said = NOTHING_SAID if program is None or compiled is None else words_of(program).steps[step]
    return element(
        "section",
        element("h2", name(step), id="step-name"),
        element("p", _bounded(f"{words[:1].upper()}{words[1:]}."), class_="lead"),
        _is_at_hand(run, step, request.received_ms),
        element("p", "Nothing is known of it yet.") if told is None else _told(told, said, request),
        element("p", element("a", "Close", href=back), class_="close"),
        id="step",
        class_="panel",
        tabindex=-1,
        aria_labelledby="step-name",
    )


def _is_at_hand(run: RunOfCampaign | None, step: str, now_ms: int) -> Markup | None:
    if run is None or step not in run.at_hand:
        return None
    begins = moment(run.at_hand[step])
    if run.at_hand[step] > now_ms:
        return element("p", "It is at hand: it begins ", begins, ".")
    return element("p", "It is at hand: it began ", begins, " and is not over.")


def _told(told: CampaignStepCount | StepOfRun, said: StepWords, request: Request) -> Markup:
    return together(
        element("p", why_words(told, request)) if isinstance(told, StepOfRun) and told.why else None,
        element("p", f"It took {told.inflow:,}."),
        _sets(told, said),
        _dropped(told, said),
        _instants(told) if isinstance(told, StepOfRun) else None,
    )


def why_words(told: StepOfRun, request: Request) -> Markup:
    """Why a run has ended at a step, or it did nothing, as far as the reader may know it."""
    return _bounded(shown_reason(told.why, request.key) or UNTOLD)


def _sets(told: CampaignStepCount | StepOfRun, said: StepWords) -> Markup | None:
    if not told.outputs:
        return None
    rows = [
        element(
            "tr",
            element("th", "the set" if output == MAIN else name(output), scope="row"),
            element("td", _bounded(_who(output, said))),
            numeric(size),
        )
        for output, size in told.outputs.items()
    ]
    return _table("Its sets", ("Set", "Who is in it", "Rows"), rows)


def _who(output: str, said: StepWords) -> str:
    if output in said.inside:
        return said.inside[output]
    if output == REST:
        return said.outside or "whom no other set took"
    return f"the first of those who are equal{said.equal}" if said.equal and output == MAIN else ""


def _dropped(told: CampaignStepCount | StepOfRun, said: StepWords) -> Markup | None:
    if not told.dropped:
        return None
    why = said.gone or said.outside
    rows = [
        element("tr", element("th", _bounded(_reason(reason, why)), scope="row"), numeric(number))
        for reason, number in told.dropped.items()
    ]
    return _table("In none of its sets", ("Why", "Rows"), rows)


def _reason(reason: str, why: str) -> str:
    return f"{dropped(reason)}: {why}" if why and why != dropped(reason) else dropped(reason)


def _table(caption: str, columns: tuple[str, ...], rows: list[Markup]) -> Markup:
    table = element(
        "table",
        element("caption", caption),
        heads(*columns, numbers_from=len(columns) - 1),
        element("tbody", rows),
    )
    return wide(table, f"Table: {caption}")


def _instants(told: StepOfRun) -> Markup:
    began: Child = "with nobody, or not yet" if told.begins is None else moment(told.begins)
    rows = [("Its sets are as of", moment(told.at)), ("It begins with them", began)]
    return element(
        "dl", [element("div", element("dt", term), element("dd", value)) for term, value in rows], class_="rules"
    )


def _bounded(text: str) -> Markup:
    return element("bdi", cut(text, TEXT_MAX))
