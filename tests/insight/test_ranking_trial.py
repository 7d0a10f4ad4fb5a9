"""Is another ranking worth what a few lines say that count everything anew, and know the chances of two offers?"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from scipy import stats
from tests.projects import write_texts
from tests.simulation.test_learning import MINUTE, Life, lines_of, lives_of, shop
from typer.testing import CliRunner

from parcours.cli import build
from parcours.config import Settings
from parcours.core.fact import Decided, Fact, Learned, OfferMarked
from parcours.errors import CallerError
from parcours.insight.ranking_trial import Trial, try_ranking
from parcours.journey.project import Project
from parcours.simulation.simulation import simulate

LOGGED = "{bandit: clicked, of: shown, every: 1m, prior: [1, 3], explore: 20%}"


def project_of(folder: Path) -> Project:
    """Two offers for everybody; what decides is `learned`, beside others that might."""
    shop(folder, LOGGED)
    text = (folder / "offers.yaml").read_text()
    others = f"""rankings:
  surer: {{bandit: clicked, of: shown, every: 1m, prior: [50, 150]}}
  fixed: {{formula: offer.priority}}
  personal: {{formula: 'offer.priority + count("Asked", "1d")'}}
  learned: {LOGGED}"""
    write_texts(folder, {"offers.yaml": text.replace(f"rankings: {{learned: {LOGGED}}}", others)})
    return Project.load(folder)


def lives() -> dict[str, Life]:
    return {who: life._replace(city=None) for who, life in lives_of(3, people=30).items()}


def log_of(facts: Sequence[Fact]) -> list[Decided | OfferMarked | Learned]:
    log = [fact for fact in facts if isinstance(fact, Decided | OfferMarked | Learned)]
    return sorted(log, key=lambda fact: (fact.at, not isinstance(fact, Learned)))


def chance_of(chosen: str, prior: tuple[int, int], explore: float, cases: dict[str, list[int]]) -> float:
    """Of two normals, the difference is a normal."""
    beliefs = {name: stats.beta(prior[0] + s, prior[1] + n - s) for name, (n, s) in cases.items()}
    mine, other = beliefs[chosen], beliefs["b" if chosen == "a" else "a"]
    first = stats.norm.cdf((mine.mean() - other.mean()) / math.hypot(mine.std(), other.std()))
    return float(explore / 2 + (1 - explore) * first)


def by_hand(facts: Sequence[Fact], other: tuple[int, int] | None) -> tuple[float, float]:
    """Both estimates for a ranking with this prior that does not explore, or for uniform choice."""
    decided = [fact for fact in facts if isinstance(fact, Decided)]
    marks = [fact for fact in facts if isinstance(fact, OfferMarked)]
    clicked = {fact.proposition for fact in marks if fact.mark == "clicked"}
    weights, rewards = [], []
    for fact in decided:
        before = [mark for mark in marks if mark.at < fact.at // MINUTE * MINUTE]
        cases = {
            name: [sum(mark.offer == name and mark.mark == what for mark in before) for what in ("shown", "clicked")]
            for name in "ab"
        }
        chosen = fact.offers[0].offer
        logged = chance_of(chosen, (1, 3), 0.2, cases)
        weights.append((0.5 if other is None else chance_of(chosen, other, 0, cases)) / logged)
        rewards.append(fact.offers[0].proposition in clicked)
    total = math.fsum(weight * reward for weight, reward in zip(weights, rewards, strict=True))
    return total / len(decided), total / math.fsum(weights)


def tried(project: Project, facts: Sequence[Fact], ranking: str) -> Trial:
    return try_ranking(project.program.offers, "best", ranking, "clicked", log_of(facts), Settings())


def test_estimates_are_those_of_an_independent_count(tmp_path: Path) -> None:
    project = project_of(tmp_path / "shop")
    facts = simulate(project, lines_of(lives())).facts

    for ranking, other in (("uniform", None), ("surer", (50, 150)), ("learned", (1, 3))):
        found = tried(project, facts, ranking)
        assert found.estimate is not None and found.estimate.cases == 240 and not found.left_out and not found.certain
        if ranking == "learned":
            assert found.estimate.inverse == pytest.approx(found.estimate.logged, abs=1e-12)
        else:
            expected = by_hand(facts, other)
            assert (found.estimate.inverse, found.estimate.normalised) == pytest.approx(expected, abs=1e-9)

    fixed = tried(project, facts, "fixed").estimate
    assert fixed is not None and 0 < fixed.effective < 240


def test_what_facts_do_not_tell_is_said(tmp_path: Path) -> None:
    project = project_of(tmp_path / "shop")
    facts = simulate(project, lines_of(lives()), settings=Settings(decision_trace_max=1)).facts

    found = tried(project, facts, "uniform")
    with pytest.raises(CallerError, match="'personal' asks for what is known of people"):
        tried(project, facts, "personal")
    with pytest.raises(CallerError, match="unknown ranking 'unifrom', did you mean 'uniform'"):
        tried(project, facts, "unifrom")

    assert found.estimate is None
    assert found.left_out == {"not all offers are told that might have been chosen (decision_trace_max)": 240}


def invoked(*command: str) -> str:
    ended = CliRunner().invoke(build(), [*command])
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_the_command_tells_both_estimates_by_the_facts_of_a_simulation(tmp_path: Path) -> None:
    project_of(tmp_path / "shop")
    (tmp_path / "events.ndjson").write_bytes(b"\n".join(lines_of(lives())))
    shop_folder, out = str(tmp_path / "shop"), str(tmp_path / "out")
    invoked("simulate", shop_folder, "--events", str(tmp_path / "events.ndjson"), "--out", out, "--facts")
    asked = ("offers", "evaluate", shop_folder, "best", "--facts", f"{out}/facts", "--ranking", "uniform")

    told = json.loads(invoked(*asked, "--json"))
    text = invoked(*asked)

    facts = simulate(Project.load(tmp_path / "shop"), lines_of(lives())).facts
    assert (told["estimate"]["inverse"], told["estimate"]["normalised"]) == pytest.approx(
        by_hand(facts, None), abs=1e-9
    )
    assert text.startswith("240 choices by best, of which ") and "(self-normalised)." in text
