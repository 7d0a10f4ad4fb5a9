"""Which boxes and arrows does a picture have? Those of a journey or a campaign, with their words, before any places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, assert_never

from parcours.journey import campaign_steps as sets
from parcours.journey import program
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.picture.set_words import begin_words, edge_words, set_step_words
from parcours.journey.picture.words import WHOLE, entry_words, exit_words, goal_words, step_words, ways_shown

ENTRY: Final = ""
"""The id of the box of the entry, or of a campaign's begin."""

Kind: TypeAlias = Literal[
    "entry", "send", "listen", "wait", "branch", "split", "update", "call", "standby", "end", "finish",
    "read", "filter", "dedupe", "union", "intersection", "exclusion", "enrich", "save", "export", "test", "reacted",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Box:
    """A step, the entry, or where runs end without a step that says so (`finish`).

    words    as far as there is room
    whole    a sentence for those who do not look
    outputs  of a step of a campaign: the names of its sets, as in `PictureCounts.sizes`
    """

    id: str
    kind: Kind
    title: str
    words: str
    whole: str
    outputs: tuple[sets.SetRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """A way, or an edge between sets.

    way   its number among the ways of its source
    main  the first one, which is drawn straight
    set   the set that goes along it, by its name in `PictureCounts.sizes`
    """

    source: str
    target: str
    label: str = ""
    whole: str = ""
    way: int = 0
    dashed: bool = False
    main: bool = False
    set: str | None = None


@dataclass(frozen=True, slots=True)
class Diagram:
    """What is drawn. `rules` stand below the entry: the exits and the goal, each as far as there is room, and whole."""

    kind: Literal["Journey", "Campaign"]
    name: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    rules: tuple[tuple[str, str], ...]


def journey_diagram(journey: program.Journey) -> Diagram:
    """A journey. Each step from which runs end without an `end` step leads to an end of its own."""
    begin = entry_words(journey.entry)
    boxes = [Box(ENTRY, "entry", "entry", begin, f"Entry: {entry_words(journey.entry, WHOLE)}.")]
    arrows = [Arrow(ENTRY, journey.first, main=True)]
    for name, step in journey.steps.items():
        boxes.append(Box(name, _kind(step), name, step_words(step), f"{name}: {step_words(step, WHOLE)}."))
        finish = f"{name}\0end"  # no step can be called so
        ways = list(zip(ways_shown(step), ways_shown(step, WHOLE), strict=True))
        for number, (way, whole) in enumerate(ways):
            target = finish if way.target is None else way.target
            arrows.append(Arrow(name, target, way.label, whole.label, way=number, dashed=way.dotted, main=number == 0))
        if any(way.target is None for way, _ in ways):
            boxes.append(Box(finish, "finish", "end", "", f"After {name} the run ends."))
    return Diagram("Journey", journey.name, tuple(boxes), tuple(arrows), _rules(journey))


def campaign_diagram(campaign: CampaignProgram) -> Diagram:
    """A campaign: its steps, and the sets that go from one to the other."""
    begin = begin_words(campaign)
    boxes = [Box(ENTRY, "entry", "begin", begin, f"Begins {begin}.")]
    arrows = []
    for name, step in campaign.steps.items():
        outputs = tuple(sets.SetRef(name, output) for output in step.outputs)
        whole = f"{name}: {set_step_words(step, WHOLE)}."
        boxes.append(Box(name, _set_kind(step), name, set_step_words(step), whole, outputs))
        if not step.sources:
            arrows.append(Arrow(ENTRY, name, main=True))
        for number, source in enumerate(step.sources):
            words = edge_words(source, step)
            arrows.append(Arrow(source.step, name, words, words, main=number == 0, set=str(source)))
        arrows += [Arrow(each, name, dashed=True) for each in step.after]
    return Diagram("Campaign", campaign.name, tuple(boxes), tuple(arrows), _rules(campaign))


def _rules(journey: program.Journey | CampaignProgram) -> tuple[tuple[str, str], ...]:
    rules = [
        (f"leaves at once by {exit_words(rule)}", f"Leaves at once by {exit_words(rule, WHOLE)}.")
        for rule in journey.exits
    ]
    if journey.goal is not None:
        rules.append((f"goal: {goal_words(journey.goal)}", f"Goal: {goal_words(journey.goal, WHOLE)}."))
    return tuple(rules)


def _kind(step: program.Step) -> Kind:
    match step:
        case program.Send():
            return "send"
        case program.WaitFor():
            return "listen"
        case program.WaitDuration() | program.WaitUntil() | program.WaitLocalTime():
            return "wait"
        case program.Branch():
            return "branch"
        case program.Split():
            return "split"
        case program.Update():
            return "update"
        case program.CallAction():
            return "call"
        case program.Standby():
            return "standby"
        case program.End():
            return "end"
    assert_never(step)


_SET_KINDS: Final[dict[type[sets.CampaignStep], Kind]] = {
    sets.ReadAudience: "read",
    sets.ReadPeople: "read",
    sets.ReadTable: "read",
    sets.Filter: "filter",
    sets.Dedupe: "dedupe",
    sets.Divide: "split",
    sets.DivideAtRandom: "split",
    sets.Union: "union",
    sets.Intersect: "intersection",
    sets.Exclude: "exclusion",
    sets.Enrich: "enrich",
    sets.Save: "save",
    sets.UpdatePeople: "update",
    sets.Export: "export",
    sets.WaitAll: "wait",
    sets.Test: "test",
    sets.Reacted: "reacted",
    sets.SendToSet: "send",
}


def _set_kind(step: sets.CampaignStep) -> Kind:
    return _SET_KINDS[type(step)]
