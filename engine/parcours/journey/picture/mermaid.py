"""A journey or a campaign as a Mermaid flowchart: its diagram, with conditions cut to the room that labels have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from parcours.journey import program
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.picture.diagram import ENTRY, Arrow, Diagram, Kind, campaign_diagram, journey_diagram
from parcours.journey.picture.words import WORD_MAX

_RECTANGLE: Final = ("[", "]")
_ROUND: Final = ("([", "])")
_DECISION: Final = ("{", "}")
_KEPT: Final = ("[(", ")]")
_END: Final = ("((", "))")

_SHAPES: Final[Mapping[Kind, tuple[str, str]]] = {
    "entry": _ROUND,
    "send": ("[/", "/]"),
    "listen": ("{{", "}}"),
    "wait": _ROUND,
    "standby": _ROUND,
    "reacted": _ROUND,
    "branch": _DECISION,
    "split": _DECISION,
    "test": _DECISION,
    "filter": _DECISION,
    "call": ("[[", "]]"),
    "decide": ("[[", "]]"),
    "save": _KEPT,
    "export": _KEPT,
    "end": _END,
    "finish": _END,
}
"""What stands around the words of a node; the other kinds are rectangles."""

_FINISH: Final = "finish"
"""The one node at which all runs end that come to no step that says so."""


def mermaid(journey: program.Journey) -> str:
    """A journey as Mermaid text, ending in a line break. The same journey gives the same text."""
    return _flowchart(journey_diagram(journey, WORD_MAX), {})


def campaign_mermaid(campaign: CampaignProgram, sizes: Mapping[str, int] | None = None) -> str:
    """A campaign as Mermaid text, ending in a line break. The same campaign gives the same text.

    sizes  how many were in each set, by `STEP` or `STEP.OUTPUT`: they stand on the edges of those that are named
    """
    return _flowchart(campaign_diagram(campaign, WORD_MAX), sizes or {})


def _flowchart(diagram: Diagram, sizes: Mapping[str, int]) -> str:
    nodes = _nodes(diagram)
    lines = ["flowchart TD"]
    for box in diagram.boxes:
        if box.kind != "finish":
            title = diagram.name if box.id == ENTRY else box.title
            lines.append(f"    {_node(nodes[box.id], box.kind, f'{title}: {box.words}')}")
            lines += [_edge(arrow, nodes, sizes) for arrow in diagram.arrows if _stands_at(arrow, diagram) == box.id]
    if _FINISH in nodes.values():
        lines.append(f"    {_node(_FINISH, 'finish', 'end')}")
    lines += [f"    {line}" for line in _rules(diagram)]
    return "\n".join(lines) + "\n"


def _nodes(diagram: Diagram) -> dict[str, str]:
    """What each box is called, which may have any name."""
    steps = [box.id for box in diagram.boxes if box.kind != "finish" and box.id != ENTRY]
    ends = [box.id for box in diagram.boxes if box.kind == "finish"]
    begin = "entry" if diagram.kind == "Journey" else "begin"
    return {ENTRY: begin} | {name: f"s{number}" for number, name in enumerate(steps)} | dict.fromkeys(ends, _FINISH)


def _stands_at(arrow: Arrow, diagram: Diagram) -> str:
    """The box behind which an arrow is written: a step says where it leads to, and a set what it is made of."""
    return arrow.source if diagram.kind == "Journey" else arrow.target


def _edge(arrow: Arrow, nodes: Mapping[str, str], sizes: Mapping[str, int]) -> str:
    size = None if arrow.set is None else sizes.get(arrow.set)
    words = [*([arrow.label] if arrow.label else []), *([] if size is None else [f"{size:,}"])]
    label = f"|{_quoted(' '.join(words))}|" if words else ""
    return f"    {nodes[arrow.source]} {'-.->' if arrow.dashed else '-->'}{label} {nodes[arrow.target]}"


def _node(name: str, kind: Kind, words: str) -> str:
    left, right = _SHAPES.get(kind, _RECTANGLE)
    return f"{name}{left}{_quoted(words)}{right}"


def _rules(diagram: Diagram) -> Iterator[str]:
    """The nodes of the exits and the goal, which no way leads to."""
    for number, words in enumerate(diagram.exits):
        yield f"exit{number}>{_quoted(f'exit: {words}')}]"
    if diagram.goal is not None:
        yield f"goal>{_quoted(f'goal: {diagram.goal}')}]"


def _quoted(text: str) -> str:
    """Text in the quotes of a label. Mermaid reads entities as `#code;`, and markup in labels as HTML."""
    codes = {'"': "#quot;", "#": "#35;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", ";": "#59;"}
    return '"' + "".join(codes.get(character, character) for character in " ".join(text.split())) + '"'
