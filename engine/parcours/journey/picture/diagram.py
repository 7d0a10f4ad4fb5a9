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
    "entry", "send", "listen", "wait", "branch", "split", "update", "call", "decide", "standby", "end",
    "finish",
    "read", "filter", "dedupe", "union", "intersection", "exclusion", "enrich", "save", "export", "test", "reacted",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Box:
    """A step, the entry, or where runs end without a step that says so (`finish`).

    words    what it does, whole: a picture shows as much of it as there is room for
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
    way: int = 0
    dashed: bool = False
    main: bool = False
    set: str | None = None


@dataclass(frozen=True, slots=True)
class Diagram:
    """What is drawn.

    exits  by what people leave at once
    goal   None where there is none
    """

    kind: Literal["Journey", "Campaign"]
    name: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    exits: tuple[str, ...] = ()
    goal: str | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """The exits and the goal as they stand below the entry."""
        goal = () if self.goal is None else (f"goal: {self.goal}",)
        return (*(f"leaves at once by {each}" for each in self.exits), *goal)


def journey_diagram(journey: program.Journey, most: int = WHOLE) -> Diagram:
    """A journey. Each step from which runs end without an `end` step leads to an end of its own.

    most  how many characters of a condition stand in the words
    """
    begin = entry_words(journey.entry, most)
    boxes = [Box(ENTRY, "entry", "entry", begin, f"Entry: {begin}.")]
    arrows = [Arrow(ENTRY, journey.first, main=True)]
    for name, step in journey.steps.items():
        words, shown = step_words(step, most), ways_shown(step, most)
        boxes.append(Box(name, _kind(step), name, words, f"{name}: {words}."))
        finish = f"{name}\0end"  # no step can be called so
        for number, way in enumerate(shown):
            target = finish if way.target is None else way.target
            arrows.append(Arrow(name, target, way.label, way=number, dashed=way.dotted, main=number == 0))
        if any(way.target is None for way in shown):
            boxes.append(Box(finish, "finish", "end", "", f"After {name} the run ends."))
    return Diagram("Journey", journey.name, tuple(boxes), tuple(arrows), *_rules(journey, most))


def campaign_diagram(campaign: CampaignProgram, most: int = WHOLE) -> Diagram:
    """A campaign: its steps, and the sets that go from one to the other; `most` is as for a journey."""
    begin = begin_words(campaign)
    boxes = [Box(ENTRY, "entry", "begin", begin, f"Begins {begin}.")]
    arrows = []
    for name, step in campaign.steps.items():
        outputs = tuple(sets.SetRef(name, output) for output in step.outputs)
        words = set_step_words(step, most)
        boxes.append(Box(name, _set_kind(step), name, words, f"{name}: {words}.", outputs))
        if not step.sources:
            arrows.append(Arrow(ENTRY, name, main=True))
        for number, source in enumerate(step.sources):
            arrows.append(Arrow(source.step, name, edge_words(source, step), main=number == 0, set=str(source)))
        arrows += [Arrow(each, name, dashed=True) for each in step.after]
    return Diagram("Campaign", campaign.name, tuple(boxes), tuple(arrows), *_rules(campaign, most))


def _rules(journey: program.Journey | CampaignProgram, most: int) -> tuple[tuple[str, ...], str | None]:
    goal = None if journey.goal is None else goal_words(journey.goal, most)
    return tuple(exit_words(rule, most) for rule in journey.exits), goal


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
        case program.Decide():
            return "decide"
        case program.Standby():
            return "standby"
        case program.End():
            return "end"
    assert_never(step)


def _set_kind(step: sets.CampaignStep) -> Kind:
    match step:
        case sets.ReadAudience() | sets.ReadPeople() | sets.ReadTable() | sets.ReadFound():
            return "read"
        case sets.Filter():
            return "filter"
        case sets.Dedupe():
            return "dedupe"
        case sets.Divide() | sets.DivideAtRandom():
            return "split"
        case sets.Union():
            return "union"
        case sets.Intersect():
            return "intersection"
        case sets.Exclude():
            return "exclusion"
        case sets.Enrich():
            return "enrich"
        case sets.Save():
            return "save"
        case sets.UpdatePeople():
            return "update"
        case sets.Export():
            return "export"
        case sets.WaitAll():
            return "wait"
        case sets.Test():
            return "test"
        case sets.Reacted():
            return "reacted"
        case sets.SendToSet():
            return "send"
    assert_never(step)
