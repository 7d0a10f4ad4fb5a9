"""Facts in words: one line each, without its time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.core.counted import INTERNAL_OUTCOMES
from parcours.core.fact import (
    Changed,
    CopyReached,
    Decided,
    DeliveryReached,
    LimitReached,
    Merged,
    Moved,
    NotMerged,
    OfferMarked,
    Unmatched,
    Unmet,
    ZoneUnknown,
)
from parcours.core.synced import Synced
from parcours.insight.offer_words import decision_sentence, mark_sentence
from parcours.insight.place_words import place_sentence

REFUSALS = {
    "already_in": "a run of it is open already",
    "too_soon": "the last run was too recent, or there may be one only",
    "outside_dates": "it is outside of the journey's dates",
    "paused": "the journey is paused",
    "exit_audience": "the person is in an audience that ends the journey",
}
"""Why an entry is refused, in words."""

NOT_MERGED = {
    "two_known": "not merged, for both are known people, who are never merged",
    "shared": "not merged, for it is or was another person's; with a new anonymous id it would be",
    "no_id": "not merged, for this is a placeholder and nobody's id; whoever sends it has to send a real one",
    "identities_max": "not merged, for the person has as many names as identities_max lets her have",
    "erased": "not merged, for one of the two is being erased",
    "too_large": "not merged, for what is known under it is larger than package_bytes_max",
    "never": "not merged, for profile.yaml says `link: never` of their namespace",
}
"""Why two ids were not merged, in words, and what would have to be different."""

ENDED_BY_MERGE = {
    "unused": "what was before the merge is not used",
    "exit_audience": REFUSALS["exit_audience"],
    "already_in": REFUSALS["already_in"],
    "too_soon": REFUSALS["too_soon"],
    "open_runs_max": "too many runs were open",
}
"""Why an arriving run ended by a merge, in words."""

BY_MERGE = "merged: "
"""What stands before the reason where a run ended by a merge."""

READS_ENDED = "The reads of {journeys} recur without end; here they ended with the last event, and go on with {until}."
"""What became of reads by a rule without COUNT and UNTIL where no end of the simulation was given."""

AFTER_A_PAUSE = "the last run ended too recently"
ONCE_ONLY = "the journey may be entered once only"
"""The words for `too_soon` in a journey whose re-entry is `never`."""

_MOVES = {
    "entered": "entered by {why}",
    "reached": "reached",
    "waiting": "waits until {why}",
    "matched": "went on by {why}",
    "timed_out": "timed out",
    "branched": "took branch {why}",
    "split": "fell into part {why} of the split",
    "updated": "set {why}",
    "decided": "decided on {why}",
    "goal": "goal reached",
    "exited": "left by the exit rule {why}",
    "ended": "ended at the {why}",
    "parked": "parked: {why}",
    "merged": "goes on as hers, and was {why} before",
}

_WHOLE: dict[tuple[str, str | None], str] = {
    ("ended", "stopped"): "ended, for the journey was stopped",
    ("entered", "campaign"): "taken along by the campaign",
    ("ended", "campaign"): "ended with the run of the campaign",
}
"""Moves that have words of their own."""

_WITHOUT_WHY = {
    "waiting": "waits, without a time-out",
    "branched": "no branch was met",
    "decided": "decided on no offer",
}


DROPPED = {
    "double": "in it already, by an equal row",
    "unknown_person": "of nobody who is known",
    "no_key": "without a value for the key",
    "no_row": "without a row in a table that has to have one",
    "exited": "had left the run",
}
"""Why rows that a step of a campaign took are in none of its sets."""


def dropped(reason: str) -> str:
    """The reason why a step of a campaign dropped rows, in words."""
    return DROPPED.get(reason, reason.replace("_", " "))


def moved(what: str, why: str | None) -> str:
    """A move of a run in words."""
    if why is None and what in _WITHOUT_WHY:
        return _WITHOUT_WHY[what]
    if (what, why) in _WHOLE:
        return _WHOLE[what, why]
    if what == "ended" and why is not None and why.startswith(BY_MERGE):
        reason = why.removeprefix(BY_MERGE)
        return f"ended by the merge: {ENDED_BY_MERGE.get(reason, reason)}"
    return _MOVES.get(what, f"{what} {{why}}").format(why=why or "").rstrip()


def refused(why: str, detail: str | None = None) -> str:
    """The reason why an entry was refused, in words."""
    return detail or REFUSALS.get(why, why)


def unstarted(starts_by: str | None, state: str) -> str:
    """The reason why a journey neither took nor refused the person, in words, by its current state."""
    nobody = f"; nobody enters now, for it is {state}" if state in ("closed", "stopped") else ""
    if starts_by is None:
        return f"nothing started it{nobody}"
    return f"nothing of this happened while it could start it: {starts_by}{nobody}"


def reached(outcome: str, gate: str | None, reason: str | None, code: str | None, *, is_machine: bool = False) -> str:
    """A state or mark of a delivery in words."""
    by = " by a machine" if is_machine else f" by the gate {gate!r}" if gate else ""
    coded = f" ({code})" if code and code not in (reason or "") else ""
    what = "not sent, and tried again later" if outcome == "retried" else outcome
    return f"{what}{by}" + (f": {one_line(reason)}{coded}" if reason else coded)


def one_line(reason: str) -> str:
    """A reason as it stands in a line of a list: mail servers answer in several lines."""
    return " ".join(reason.split())


def sentence(fact: object) -> str | None:
    """A fact as one line; None for internal facts and kinds not named here."""
    if isinstance(fact, Moved):
        if fact.run is None:
            return f"{fact.journey}: did not enter: {refused(fact.why or fact.what)}"
        step = f".{fact.step}" if fact.step else ""
        return f"{fact.journey}{step}: {moved(fact.what, fact.why)}"
    if isinstance(fact, DeliveryReached):
        if fact.outcome in INTERNAL_OUTCOMES:
            return None
        told = reached(fact.outcome, fact.gate, fact.reason, fact.code, is_machine=fact.machine)
        return f"{fact.journey}.{fact.step}: {fact.channel} {fact.message} {told}"
    if isinstance(fact, CopyReached):
        told = reached(fact.outcome, None, fact.reason, fact.code)
        return f"{fact.journey}.{fact.step}: the copy with her data for the seed {fact.to} on {fact.channel}: {told}"
    if isinstance(fact, Synced):
        return _synced(fact)
    if isinstance(fact, Unmet):
        return f"{fact.journey}: did not enter by {fact.event}: {fact.why}"
    if isinstance(fact, Unmatched):
        return f"{fact.reaction} was a reaction to nothing: {fact.why}"
    if isinstance(fact, LimitReached):
        return f"the limit {fact.setting} was reached: {fact.why}"
    if isinstance(fact, ZoneUnknown):
        given = repr(fact.zone) if fact.zone else "what was given, and is personal,"
        return f"{given} is no time zone: that of the project counts instead, {fact.used}"
    if isinstance(fact, NotMerged):
        other = f"the anonymous id {fact.other_id!r}" if fact.call == "identify" else "another id"
        why = NOT_MERGED.get(fact.reason, "nobody is merged, and what is known under it stays apart")
        return f"{fact.call} with {other}: {why}"
    if isinstance(fact, Merged):
        return _merged(fact)
    if isinstance(fact, Decided):
        return decision_sentence(fact)
    if isinstance(fact, OfferMarked):
        return mark_sentence(fact)
    if isinstance(fact, Changed) and is_of_place(fact):
        return place_sentence(fact)
    return None


def is_of_place(fact: object) -> bool:
    """Whether somebody has entered a place, or left one."""
    return isinstance(fact, Changed) and fact.what == "place"


_SYNCED: Final[Mapping[str, str]] = {
    "queued": "is to be told",
    "sent": "was told",
    "retried": "is to be told again",
    "failed": "could not be told",
}


def _synced(fact: Synced) -> str:
    change = "is not in its audience any more" if fact.change == "left" else "is in its audience"
    said = " ".join(filter(None, (fact.reason and one_line(fact.reason), fact.code and f"({fact.code})")))
    return f"{fact.destination}: {_SYNCED[fact.outcome]} that she {change}{f': {said}' if said else ''}"


def _merged(fact: Merged) -> str:
    on = [f"{run.journey} (run {run.number} is her run {run.to} now)" for run in fact.runs if run.to is not None]
    unused = sum(run.why == "unused" for run in fact.runs)
    ended = [
        f"{run.journey} (run {run.number}: {ENDED_BY_MERGE.get(run.why, run.why)})"
        for run in fact.runs
        if run.why and run.why != "unused"
    ]
    parts = [f"{fact.name} was merged into her by {fact.call}"]
    if on:
        parts.append(f"goes on in {', '.join(on)}")
    if ended:
        parts.append(f"ended in {', '.join(ended)}")
    if unused:
        parts.append(f"{unused} open run{'' if unused == 1 else 's'} ended, for {ENDED_BY_MERGE['unused']}")
    return "; ".join(parts)
