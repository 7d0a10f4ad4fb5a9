"""/campaigns/{name}: its sets and their sizes as a picture and as a table, of one run or of all; and its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from parcours.ingress.campaign_figures import campaign_of, count_of, run_of
from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request
from parcours.ingress.page.campaign_controls import campaign_controls
from parcours.ingress.page.cards import Column, Row, cards
from parcours.ingress.page.frame import TEXT_MAX, address, moment, name, screen, seen
from parcours.ingress.page.parts import chip, chips, wide
from parcours.ingress.page.run_parts import (
    NOT_BEGUN,
    at_hand_words,
    campaign_state_words,
    compiled,
    dropped_words,
    outputs_words,
    run_address,
    run_state_words,
    sizes_of,
)
from parcours.ingress.page.set_step import set_panel, why_words
from parcours.insight.figures import counted_text
from parcours.insight.page.markup import Child, Markup, drawn, element, together
from parcours.insight.summary import CampaignCount, CampaignStepCount
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.picture.counts import PictureCounts
from parcours.journey.picture.drawing import campaign_svg
from parcours.journey.picture.set_words import begin_words, set_step_words
from parcours.journey.picture.svg_text import cut
from parcours.journey.picture.words import WHOLE, exit_words, goal_words
from parcours.service.campaign_state import CampaignState, RunOfCampaign, StepOfRun

ALL: Final = "all"
"""What `?runs=` says where all runs are counted together."""

RUNS_SHOWN_MAX: Final = 50

STEP_WORDS_MAX: Final = 120

STEPS: Final = (
    Column("Step"),
    Column("What it does", is_whole=True),
    Column("Took", is_number=True),
    Column("In its sets"),
    Column("Dropped"),
    Column("Sets as of"),
    Column("Begins"),
)

RUNS: Final = (Column("Run"), Column("State"), Column("Began"), Column("Ended"))


@dataclass(frozen=True, slots=True)
class Looked:
    """What is looked at of a campaign.

    run      None: all of them together
    program  in the version of the run, or the newest one; None where that is kept no more
    """

    state: CampaignState
    count: CampaignCount
    run: RunOfCampaign | None
    program: CampaignProgram | None

    @property
    def steps(self) -> Mapping[str, CampaignStepCount | StepOfRun]:
        """The steps of which something is known."""
        return self.count.steps if self.run is None else self.run.steps

    @property
    def step_names(self) -> Sequence[str]:
        """All steps in the order of the document, and behind them those of other versions."""
        known = () if self.program is None else tuple(self.program.steps)
        return [*known, *(each for each in self.steps if each not in known)]

    def address(self, request: Request, step: str | None = None) -> str:
        """That of the run, or of all, with a step in the panel."""
        campaign = self.state.campaign
        if self.run is not None:
            return run_address(request, campaign, self.run.number, step)
        fragment = "step" if step else "main"
        return address(request, "campaigns", campaign, runs=ALL, step=step or None, fragment=fragment)


async def _campaign(door: Door, request: Request) -> Answer:
    state = await campaign_of(door, request)
    report = await answered(door.service.report())
    run = _run_asked(state, request)
    program = compiled(door, state.campaign, state.version if run is None else run.version)
    of = Looked(state, count_of(report, state.campaign), run, program)
    step = request.query.get("step")
    if step is not None and step not in of.step_names:
        raise Problem(404, "unknown", "there is no such step")
    campaign = state.campaign
    panel = None
    if step is not None:
        panel = set_panel(program, of.run, step, of.steps.get(step), of.address(request), request)
    return screen(
        door,
        request,
        campaign if step is None else f"{step} of {campaign}",
        element("p", element("a", "Campaigns", href=address(request, "campaigns")), class_="up"),
        element(
            "div",
            element("h1", name(campaign)),
            campaign_state_words(report.ledger, campaign, state.state),
            chip(f"version {state.version}"),
            chips(() if program is None else program.tags),
            class_="headline",
        ),
        campaign_controls(report.ledger.journeys.get(campaign), state, request),
        _described(program, of),
        _figures(of, request),
        _chosen(of, request),
        element("div", _picture(of, request, step), element("div", panel, _runs(of, request)), class_="beside"),
        _table(of, request, step),
    )


campaign_screen = seen(_campaign)


def _run_asked(state: CampaignState, request: Request) -> RunOfCampaign | None:
    """The run that the path names, or the newest one; None where all are asked for, or there is none."""
    if (number := request.params.get("run")) is not None:
        return run_of(state, number)
    return None if request.query.get("runs") == ALL or not state.runs else state.runs[-1]


def _described(program: CampaignProgram | None, of: Looked) -> Markup:
    if program is None:
        return element("p", f"Version {_version(of)} is kept no more: there are its sizes only.")
    told: list[tuple[str, Child]] = [("Begins", begin_words(program))]
    if program.starts_ms is not None:
        told.append(("From", moment(program.starts_ms)))
    if program.ends_ms is not None:
        told.append(("Until", moment(program.ends_ms)))
    if program.exits:
        told.append(("Leaves at once by", " or ".join(exit_words(each, WHOLE) for each in program.exits)))
    if program.goal is not None:
        told.append(("Goal", goal_words(program.goal, WHOLE)))
    rows = [element("div", element("dt", term), element("dd", _bounded(each))) for term, each in told]
    description = element("p", _bounded(program.description), class_="lead") if program.description else None
    return together(description, element("dl", rows, class_="rules"))


def _version(of: Looked) -> int:
    return of.state.version if of.run is None else of.run.version


def _bounded(text: Child) -> Child:
    if isinstance(text, str) and not isinstance(text, Markup):
        return element("bdi", cut(text, TEXT_MAX))
    return text


def _figures(of: Looked, request: Request) -> Markup:
    under_way = [each for each in of.state.runs if each.state == "under_way"]
    links = [
        together(", " if at else "", element("a", f"run {each.number}", href=_run_link(of, each, request)))
        for at, each in enumerate(under_way[:RUNS_SHOWN_MAX])
    ]
    coming: Child = "none by a schedule" if of.state.next_ms is None else moment(of.state.next_ms)
    figures: list[tuple[str, Child]] = [
        ("Runs begun", f"{of.count.runs:,}"),
        ("Under way", links or "none"),
        ("Next run", coming),
        ("Goal reached, over all runs", f"{of.count.goal:,}"),
    ]
    return element(
        "dl",
        [element("div", element("dt", term), element("dd", value)) for term, value in figures],
        class_="figures",
    )


def _run_link(of: Looked, run: RunOfCampaign, request: Request) -> str:
    return run_address(request, of.state.campaign, run.number)


def _chosen(of: Looked, request: Request) -> Markup:
    """Which run the figures below are of, and how it is."""
    run = of.run
    if run is None:
        told = counted_text(of.count.runs, "run", "runs") if of.count.runs else ""
        words = f"All runs together: {told}" if told else "No run has begun yet"
        return element("h2", words)
    everything = element("a", "All runs together", href=address(request, "campaigns", of.state.campaign, runs=ALL))
    look: dict[str, str] = {"class_": "warning", "role": "note"} if run.state == "failed" else {}
    reasons = [
        element("p", element("a", name(step), href=of.address(request, step)), ": ", why_words(told, request), **look)
        for step, told in run.steps.items()
        if told.why
    ]
    at_hand = at_hand_words(run, request.received_ms)
    return together(
        element("div", element("h2", f"Run {run.number}"), run_state_words(run), at_hand, class_="headline"),
        element("p", "Began ", moment(run.began), *_ended(run), *_by(run), f", version {run.version}. ", everything),
        reasons,
    )


def _ended(run: RunOfCampaign) -> Sequence[Child]:
    return () if run.ended is None else (", ended ", moment(run.ended))


def _by(run: RunOfCampaign) -> Sequence[Child]:
    return (", started by key ", name(run.by)) if run.by else ()


def _picture(of: Looked, request: Request, step: str | None) -> Markup | None:
    if of.program is None:
        return None
    svg = campaign_svg(
        of.program,
        PictureCounts(
            sizes=sizes_of({name: each.outputs for name, each in of.steps.items()}),
            at_hand=frozenset() if of.run is None else frozenset(of.run.at_hand),
        ),
        link=lambda each: of.address(request, each or None),
        chosen=step,
        embedded=True,
    )
    return element("figure", wide(drawn(svg), "Picture of the campaign; the table of steps says the same"))


def _runs(of: Looked, request: Request) -> Markup | None:
    every = [*reversed(of.state.runs)]
    rows = [_run(each, of, request) for each in every[:RUNS_SHOWN_MAX]]
    table = cards("Runs, the newest first", RUNS, rows) if rows else None
    more = element("p", f"{len(every) - len(rows):,} older ones are left out.") if len(every) > len(rows) else None
    missed = [
        element("li", moment(at), f": {NOT_BEGUN.get(why, why)}")
        for at, why in [*reversed([*of.state.not_begun.items()])][:RUNS_SHOWN_MAX]
    ]
    none = together(element("h2", "No run began at"), element("ul", missed)) if missed else None
    return together(table, more, none)


def _run(run: RunOfCampaign, of: Looked, request: Request) -> Row:
    link = element("a", f"{run.number}", href=_run_link(of, run, request))
    version = element("div", f"version {run.version}", class_="tags")
    ended: Child = "not yet" if run.ended is None else moment(run.ended)
    cells = [run_state_words(run), moment(run.began), ended]
    return Row(together(link, version), cells, is_chosen=of.run == run)


def _table(of: Looked, request: Request, chosen: str | None) -> Markup:
    steps = {} if of.program is None else of.program.steps
    columns = STEPS[:5] if of.run is None else STEPS
    rows = []
    for step in of.step_names:
        told = of.steps.get(step)
        words: Child = element("i", "of another version")
        if step in steps:
            words = element("bdi", cut(set_step_words(steps[step], WHOLE), STEP_WORDS_MAX))
        cells = [words, *_cells(told)][: len(columns) - 1]
        if of.run is not None and told is None and step in of.run.at_hand:
            cells[-1] = moment(of.run.at_hand[step])
        rows.append(Row(element("a", name(step), href=of.address(request, step)), cells, is_chosen=step == chosen))
    return cards("All steps", columns, rows)


def _cells(told: CampaignStepCount | StepOfRun | None) -> Sequence[Child]:
    if told is None:
        return "", "not yet", "", "", ""
    sets = outputs_words(told.outputs)
    cells: list[Child] = [f"{told.inflow:,}", sets, dropped_words(told.dropped)]
    if not isinstance(told, StepOfRun):
        return [*cells, "", ""]
    if told.why and not told.outputs:
        cells[1] = "nothing: see the step"
    return [*cells, moment(told.at), "" if told.begins is None else moment(told.begins)]
