"""Does the engine make of random campaigns what the model makes of them? Sets, sends, instants and exports, to the row.

A case is a project with tables and a recording, drawn from a seed. It is simulated on one shard and on three; on one of
both every set is exported, so that it shows who is in it. A failure writes the case down and says where.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.model.campaigns.case import Case
from tests.model.campaigns.differences import differences, simulated
from tests.model.campaigns.generator import case
from tests.model.campaigns.model import Line, Outcome, outcome_of
from tests.model.campaigns.set_steps import KINDS as STEPS
from tests.model.campaigns.set_steps import kind_of_step
from tests.model.seeds import CAMPAIGNS, blocks, name_of

SEEDS_PER_TEST = 3
SHARDS = (1, 3)
DRAWN_AT_LEAST = 60
"""Cases in which every kind of thing has come up: so many are drawn also where fewer are run."""

KINDS = {
    "read.audience", "read.where", "read.table", "read.create", "read.new", "filter", "dedupe.person",
    "dedupe.values", "dedupe.keep", "order.highest", "order.lowest", "order.earliest", "order.latest",
    "order.filled", "order.prefer", "order.random", "split.subsets", "split.limit", "split.percent", "split.order",
    "split.otherwise", "split.overlap", "split.even", "split.parts", "split.experiment", "union.person", "union.values",
    "intersect.person", "intersect.values", "exclude.person", "exclude.values", "enrich.first", "enrich.take",
    "enrich.count", "enrich.sum", "enrich.avg", "enrich.min", "enrich.max", "enrich.where", "enrich.required",
    "save.replace", "save.append", "save.remove", "save.key", "update", "export.csv", "export.ndjson",
    "wait.duration", "wait.until", "wait.time", "test", "reacted.own", "reacted.campaign", "reacted.journey",
    "reacted.last", "send", "send.rate", "send.waves", "send.window", "send.local_time", "send.first", "after",
    "campaign.rule", "campaign.dates", "campaign.overlap", "campaign.by_hand", "campaign.exit", "campaign.goal",
    "campaign.seeds",
    "table.csv", "table.ndjson", "table.glob", "table.many", "table.single", "table.key", "table.fold",
    "table.user", "table.email", "table.code", "table.join", "table.bad_cell", "table.sql", "message.expires",
    "policy.caps", "policy.holdouts", "policy.quiet_hold", "policy.quiet_drop", "expression.mixed",
    "expression.consent", "expression.membership", "person.moves",
}  # fmt: skip


def sums_wrong(drawn: Case, lines: list[Line]) -> list[str]:
    """The steps of runs whose outputs and dropped rows do not make what they took."""
    steps = {(each["campaign"], step["id"]): step for each in drawn.campaigns for step in each["steps"]}
    made: dict[tuple[str, int, str], list[Line]] = {}
    for line in lines:
        if line.step is not None and line.output not in ("skipped", "refused"):
            made.setdefault((line.campaign, line.run, line.step), []).append(line)
    return [
        f"{key}: {outputs}"
        for key, outputs in made.items()
        if not steps[key[0], key[2]].get("overlap")
        and sum(each.size for each in outputs) + sum(dict(outputs[0].dropped).values()) != outputs[0].inflow
    ]


@pytest.mark.parametrize("seeds", blocks(CAMPAIGNS, SEEDS_PER_TEST), ids=name_of)
def test_the_engine_and_the_model_agree_on_campaigns(seeds: range, tmp_path: Path) -> None:
    for seed in seeds:
        drawn = case(seed)
        for shards in SHARDS:
            looked_at = drawn if shards == SHARDS[seed % 2] else drawn.unobserved()
            folder = tmp_path / f"seed-{seed}-{shards}"
            looked_at.write(folder)

            found = simulated(looked_at, folder, shards)

            unlike = [*differences(outcome_of(looked_at), found), *sums_wrong(looked_at, found.lines)]
            assert not unlike, "\n".join([f"seed {seed} on {shards} shards, written to {folder}:", *unlike])


def steps_tried(drawn: Case, outcome: Outcome) -> Counter[str]:
    """How often each kind of step was done with somebody in its set, the exports that only observe aside."""
    kinds = {step["id"]: kind_of_step(step) for step in drawn.unobserved().campaigns[0]["steps"]}
    done = {(line.run, line.step) for line in outcome.lines if line.campaign == "push" and line.inflow and line.size}
    return Counter(kinds[step] for _, step in done if step in kinds)


def test_every_kind_of_step_is_tried() -> None:
    drawn, done = Counter[str](), Counter[str]()
    for seed in range(max(len(CAMPAIGNS), DRAWN_AT_LEAST)):
        each = case(seed)
        drawn += each.tried
        done += steps_tried(each, outcome_of(each))

    assert drawn.keys() == KINDS
    assert done.keys() == set(STEPS)
