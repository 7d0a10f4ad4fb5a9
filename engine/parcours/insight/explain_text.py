"""The explanation of a person as text, journey by journey, each line with its time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final

from parcours.arguments import check_kind
from parcours.core.time_text import time_text
from parcours.insight.explain import (
    AskedFor,
    DeliveryStory,
    Explanation,
    JourneyStory,
    Reached,
    Refusal,
    RunStory,
    SetStory,
)
from parcours.insight.score_stories import Missing, ScoreStory
from parcours.insight.sentences import NOT_MERGED, moved, reached, refused, unstarted
from parcours.scoring.margins import probability_text


def explanation_text(explanation: Explanation) -> str:
    """The whole explanation, ending with a line end."""
    check_kind("explanation", explanation, Explanation, "what `explain` has answered")
    return "".join(f"{line}\n" for line in _lines(explanation))


def _lines(explanation: Explanation) -> Iterator[str]:
    if explanation.asked_for is not None:
        yield f"asked for as {asked_for_words(explanation.asked_for, explanation.person)}"
        yield ""
    yield explanation.person
    for story in explanation.journeys:
        yield ""
        yield from _journey(story)
    for (campaign, run), places in groupby(explanation.sets, lambda place: (place.campaign, place.run)):
        yield ""
        yield f"sets of {campaign}, run {run}"
        yield from (f"  {time_text(place.at)}  {set_words(place)}" for place in places)
    if explanation.scores:
        yield ""
        yield "scores"
        yield from (f"  {time_text(each.at)}  {each.name}: {score_words(each)}" for each in explanation.scores)
    if explanation.places:
        yield ""
        yield "places"
        for line in explanation.places:
            yield f"  {line}"
    if explanation.notes or explanation.unlinked:
        yield ""
        yield "besides"
        for at, note in explanation.notes:
            yield f"  {time_text(at)}  {note}"
        for namespace in explanation.unlinked:
            yield f"  ids of {namespace} are {NOT_MERGED['never']}"


_WHY_MISSING: Final[Mapping[Missing, str]] = {
    "no_personalisation": "she does not want to be personalised, or has not allowed it",
    "not_among": "it is not about her",
    "no_model": "it has no model",
    "no_number": "what its model adds up to is no number",
    "not_asked": "it is not about her, or she is not to be personalised",
}


def score_words(story: ScoreStory) -> str:
    """What a score says and what has moved it most, or why it is missing."""
    if story.score is None or story.margin is None or story.mean is None:
        if story.missing is None or story.missing == "no_value":
            return f"missing, for there is no value of {', '.join(story.lacks)}"
        return f"missing, for {_WHY_MISSING[story.missing]}"
    moved = [f"{each.feature} {each.by:+.4f}" for each in story.moved if each.by]
    others = [f"all others {story.others:+.4f}"] if story.others else []
    why = f"{story.mean:.4f} on average" + "".join(f", {each}" for each in (*moved, *others))
    return f"{probability_text(story.score)}, {story.band}: the margin is {story.margin:.4f}, {why}"


def set_words(place: SetStory) -> str:
    """Whether she is in the sets of a step, and why."""
    where = ", ".join("in" if output == "main" else output for output in place.outputs) or "out"
    return f"{place.step}: {where}" + (f" ({place.why})" if place.why else "")


def asked_for_words(asked: AskedFor, person: str) -> str:
    """Whose the name is by which she was asked for, and since when."""
    since = "" if asked.since is None else f" since {time_text(asked.since)}, by {asked.call}"
    return f"{asked.name}, which is {person}{since}"


def _journey(story: JourneyStory) -> Iterator[str]:
    yield story.journey if story.state == "open" else f"{story.journey}, which is {story.state} now"
    if not story.runs and not story.refusals:
        yield f"  not entered: {unstarted(story.starts_by, story.state)}"
    for refusal in story.refusals:
        yield f"  {time_text(refusal.at)}  {refusal_words(refusal)}"
    for run in story.runs:
        whose = f" of {run.name}" if run.name else ""
        yield f"  run {run.run}{whose}, version {run.version}"
        yield from _run(run)


def refusal_words(refusal: Refusal) -> str:
    """That somebody did not enter, by what, and why."""
    by = f" by {refusal.event}" if refusal.event else ""
    return f"{_named(refusal.name)}not entered{by}: {refused(refusal.why, refusal.detail)}"


def _run(run: RunStory) -> Iterator[str]:
    for at, line in run_lines(run):
        yield f"    {time_text(at)}  {line}"
    yield f"    now: {standing(run)}"


def run_lines(run: RunStory) -> list[tuple[int, str]]:
    """What has happened in a run, in the order of happening, each with its time."""
    lines = [
        (
            move.sequence,
            move.at,
            f"{_named(move.name)}{_at_step(move.step)}{moved(move.what, move.why)}{_tie(move.tie)}",
        )
        for move in run.moves
    ]
    for delivery in run.deliveries:
        lines += [
            (state.sequence, state.at, f"{_named(state.name)}{_delivery(delivery)} {state_words(state)}")
            for state in delivery.states
        ]
    return [(at, line) for _, at, line in sorted(lines)]


def _named(name: str | None) -> str:
    """The name under which it happened, if that is the person's only since then."""
    return f"{name}: " if name else ""


def state_words(state: Reached) -> str:
    """A state or mark of a delivery in words, with the gate and the reason."""
    return reached(state.outcome, state.gate, state.reason, state.code, is_machine=state.machine)


def _at_step(step: str | None) -> str:
    return f"{step}: " if step else ""


def _tie(tie: str | None) -> str:
    return f" ({tie})" if tie else ""


def _delivery(delivery: DeliveryStory) -> str:
    visit = f", visit {delivery.visit}" if delivery.visit > 1 else ""
    to = f" to {delivery.to}" if delivery.to else ""
    return f"{delivery.step}{visit}: {delivery.channel} {delivery.message}{to}"


def standing(run: RunStory) -> str:
    """The run's current step and what it waits for."""
    if run.state != "open":
        return f"{run.state}" + (f" at {run.step}" if run.step else "")
    until = "" if run.until_ms is None else f" until {time_text(run.until_ms)}"
    listens = f" for {' or '.join(run.waits_for)}" if run.waits_for else ""
    where = "before its first step" if run.step is None else f"at {run.step}"
    return f"{where}, waiting{listens}{until}"
