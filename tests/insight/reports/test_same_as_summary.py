"""Do facts come to what the summary of the same simulation says, and add up, whatever the project and the traffic?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.insight.reports.simulated import differences, write_case
from tests.model import generate, linked
from tests.model.generate import Case
from tests.model.seeds import blocks, name_of
from tests.model.test_engine import settings_of
from tests.simulation.campaign_shop import BEGIN_MS, HOUR_MS, campaign, people, project_in, tracked
from tests.simulation.test_campaign_facts import EVERYBODY, HELLO, MAIL, simulated
from tests.simulation.test_total_caps import crowd, shop
from typer.testing import CliRunner

from parcours import Settings, simulate
from parcours.cli import build
from parcours.cli.files import read_summary
from parcours.demo.clickstream import read_clickstream
from parcours.demo.run import load_luma
from parcours.examples import EXAMPLES, write_example
from parcours.insight.reports.summary_counts import counts_of_summary
from parcours.simulation.fact_files import FactFiles

FULL = "PARCOURS_INSIGHT_FULL" in os.environ
SEEDS = range(200 if FULL else 9)
SEEDS_PER_TEST = 20


def drawn(seed: int) -> tuple[Case, Settings | None]:
    """One of three is of people who become one, and one has inboxes."""
    match seed % 3:
        case 0:
            return linked.case(seed), settings_of(linked.limits_of(seed))
        case 1:
            return generate.case(seed, generate.STAGE_2 | generate.INBOXES), None
        case _:
            return generate.case(seed), None


@pytest.mark.parametrize("seeds", blocks(SEEDS, SEEDS_PER_TEST), ids=name_of)
def test_facts_of_random_projects_add_up_to_their_summaries(seeds: range, tmp_path: Path) -> None:
    for seed in seeds:
        case, settings = drawn(seed)
        out = tmp_path / str(seed)
        summary = write_case(case, out, settings)

        assert not [*map(str, differences(out, summary))], f"seed {seed}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_facts_of_the_examples_add_up_to_their_summaries(example: str, tmp_path: Path) -> None:
    write_example(tmp_path / "shop", example)
    shop, out = str(tmp_path / "shop"), str(tmp_path / "out")
    events = f"{shop}/events.ndjson"
    done = CliRunner().invoke(build(), ["simulate", shop, "--events", events, "--out", out, "--facts"])
    assert done.exit_code == 0, done.output

    checked = CliRunner().invoke(build(), ["insight", "check", out, "--project", shop])

    assert (checked.exit_code, checked.output) == (0, "All facts add up, and to what summary.json says.\n")
    assert counts_of_summary(read_summary(Path(out)))


@pytest.mark.skipif(not FULL, reason="PARCOURS_INSIGHT_FULL is not set: the whole clickstream takes 15 seconds")
def test_facts_of_the_demo_add_up_to_its_summary(tmp_path: Path) -> None:
    project = load_luma()
    with FactFiles(tmp_path, project.program, None) as files:
        result = simulate(project, read_clickstream().lines, facts=files.add, accepted=files.add_events)
        files.write()

    assert not [*map(str, differences(tmp_path, result.summary))]


def test_facts_of_campaigns_add_up_to_the_summary(tmp_path: Path) -> None:
    some = {"id": "some", "filter": "profile.score > 0"}
    pushed = campaign(EVERYBODY, some, MAIL, {"id": "later", "wait": "1h"})
    project = project_in(tmp_path / "shop", pushed, journeys_hello=HELLO)

    result = simulated(project, [*people(3), tracked("u0", "Seen", 0.5)], tmp_path, also_at=BEGIN_MS + HOUR_MS * 3 // 2)

    assert counts_of_summary(result.summary)["campaigns", "push", "steps", "some", "outputs", "main"] == 2
    assert not [*map(str, differences(tmp_path, result.summary))]


@pytest.mark.parametrize("shards", [1, 3])
def test_facts_of_offers_add_up_to_the_summary(tmp_path: Path, shards: int) -> None:
    project = shop(tmp_path / "shop")
    with FactFiles(tmp_path, project.program, None) as files:
        result = simulate(project, crowd(1), shards=shards, facts=files.add, accepted=files.add_events)
        files.write()

    offers = result.summary.offers
    assert offers and sum(each.decided for each in offers["few"].values()) == 7 < offers["few"]["agent"].capped
    assert not [*map(str, differences(tmp_path, result.summary))]
