"""A journey's Mermaid flowchart: its entry, steps, listeners, timeouts and exits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from parcours.journey import program
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.picture.words import entry_words, exit_words, goal_words, step_words, ways_shown


def mermaid(journey: program.Journey) -> str:
    """The flowchart as Mermaid text, ending in a line break. The same journey gives the same text."""
    nodes = {name: f"s{number}" for number, name in enumerate(journey.steps)}
    lines = [
        "flowchart TD",
        f"    entry([{quoted_label(f'{journey.name}: {entry_words(journey.entry)}')}])",
        f"    entry --> {nodes[journey.first]}",
    ]
    for name, step in journey.steps.items():
        lines.append(f"    {nodes[name]}{_shape(step)}")
        for way in ways_shown(step):
            arrow = "-.->" if way.dotted else "-->"
            label = f"|{quoted_label(way.label)}|" if way.label else ""
            lines.append(f"    {nodes[name]} {arrow}{label} {nodes[way.target] if way.target else 'finish'}")
    if any(way.target is None for step in journey.steps.values() for way in ways_shown(step)):
        lines.append(f"    finish(({quoted_label('end')}))")
    lines += end_rules(journey)
    return "\n".join(lines) + "\n"


def end_rules(journey: program.Journey | CampaignProgram) -> Iterator[str]:
    """The nodes of the exits and the goal, which no way leads to."""
    for number, rule in enumerate(journey.exits):
        yield f"    exit{number}>{quoted_label(f'exit: {exit_words(rule)}')}]"
    if journey.goal is not None:
        yield f"    goal>{quoted_label(f'goal: {goal_words(journey.goal)}')}]"


def quoted_label(text: str) -> str:
    """Text in the quotes of a label. Mermaid reads entities as `#code;`, and markup in labels as HTML."""
    codes = {'"': "#quot;", "#": "#35;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", ";": "#59;"}
    return '"' + "".join(codes.get(character, character) for character in " ".join(text.split())) + '"'


def _shape(step: program.Step) -> str:
    text = quoted_label(f"{step.id}: {step_words(step)}")
    match step:
        case program.Send():
            return f"[/{text}/]"
        case program.WaitFor():
            return f"{{{{{text}}}}}"
        case program.WaitDuration() | program.WaitUntil() | program.WaitLocalTime() | program.Standby():
            return f"([{text}])"
        case program.Branch() | program.Split():
            return f"{{{text}}}"
        case program.Update():
            return f"[{text}]"
        case program.CallAction():
            return f"[[{text}]]"
        case program.End():
            return f"(({text}))"
    assert_never(step)
