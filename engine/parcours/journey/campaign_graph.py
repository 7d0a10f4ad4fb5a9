"""A campaign's Mermaid flowchart: its steps, and on each edge the set that goes along it."""

from __future__ import annotations

from collections.abc import Mapping

from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.graph import end_rules, quoted_label
from parcours.journey.picture.set_words import begin_words, edge_words, set_step_words


def campaign_mermaid(campaign: CampaignProgram, sizes: Mapping[str, int] | None = None) -> str:
    """The flowchart as Mermaid text, ending in a line break. The same campaign gives the same text.

    sizes  how many were in each set, by `STEP` or `STEP.OUTPUT`: they stand on the edges of those that are named
    """
    known = sizes or {}
    nodes = {name: f"s{number}" for number, name in enumerate(campaign.steps)}
    lines = ["flowchart TD", f"    begin([{quoted_label(f'{campaign.name}: {begin_words(campaign)}')}])"]
    for name, step in campaign.steps.items():
        lines.append(f"    {nodes[name]}{_shape(step)}")
        if not step.sources:
            lines.append(f"    begin --> {nodes[name]}")
        lines += [f"    {nodes[source.step]} -->{_label(source, step, known)} {nodes[name]}" for source in step.sources]
        lines += [f"    {nodes[each]} -.-> {nodes[name]}" for each in step.after]
    lines += end_rules(campaign)
    return "\n".join(lines) + "\n"


def _label(source: steps.SetRef, step: steps.CampaignStep, sizes: Mapping[str, int]) -> str:
    size = sizes.get(str(source))
    words = " ".join([*filter(None, [edge_words(source, step)]), *([] if size is None else [f"{size:,}"])])
    return f"|{quoted_label(words)}|" if words else ""


def _shape(step: steps.CampaignStep) -> str:
    text = quoted_label(f"{step.id}: {set_step_words(step)}")
    match step:
        case steps.SendToSet():
            return f"[/{text}/]"
        case steps.WaitAll() | steps.Reacted():
            return f"([{text}])"
        case steps.Divide() | steps.DivideAtRandom() | steps.Test() | steps.Filter():
            return f"{{{text}}}"
        case steps.Save() | steps.Export():
            return f"[({text})]"
        case _:
            return f"[{text}]"
