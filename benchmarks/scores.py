"""How long does a score take: the model alone, its features, and a condition that asks for it in a shard's own code?

Trees of depth 3, all of them whole, with thresholds made by chance from a seed, over features of five kinds; and a
logistic model of the same features. Each model is asked of people made by chance, after a walk over its arrays has
given the same margin to the bit. "Arrays" is that walk, in plain Python. Prints the fastest run of each in microseconds
for one person, since a machine that does other things makes no run faster; and one line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from random import Random

from parcours.expression.expression import Scope, compile_expression
from parcours.scoring.features import Feature, rounding
from parcours.scoring.margins import margin_of, probability_of
from parcours.scoring.model import LEAF, ModelFeature, Node, ScoreModel, judged
from parcours.scoring.score import Outcome, Score

FEATURES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=25)
    asked = parser.parse_args()
    chance = Random(4)
    people = [person(chance) for _ in range(asked.people)]
    forest, weights = forest_of(asked.trees, chance), weights_of(chance)
    figures = {
        f"{asked.trees} trees": measured(forest, people, asked.runs),
        f"{FEATURES} weights": measured(weights, people, asked.runs),
    }
    for name, each in figures.items():
        print(f"{name}: {each}")
    print(json.dumps(figures))


def person(chance: Random) -> dict[str, object]:
    return {f"f{at}": chance.choice([None, 1, 2.5, True, 7]) for at in range(FEATURES)}


def forest_of(trees: int, chance: Random) -> ScoreModel:
    """Whole trees of depth 3: seven questions and eight leaves."""

    def tree() -> tuple[Node, ...]:
        inner = [(chance.randrange(FEATURES), chance.uniform(0, 7), 2 * at + 1, 2 * at + 2, 0.0) for at in range(7)]
        return (*inner, *((LEAF, 0.0, 0, 0, chance.gauss(0, 0.1)) for _ in range(8)))

    return sound(kind="trees", trees=tuple(tree() for _ in range(trees)))


def weights_of(chance: Random) -> ScoreModel:
    return sound(kind="logistic", weights=tuple(chance.gauss(0, 1) for _ in range(FEATURES)))


def sound(**parts: object) -> ScoreModel:
    features = tuple(ModelFeature(f"f{at}", f"profile.f{at}", 2.0, 1.5, 0.0) for at in range(FEATURES))
    whole = {"format": 1, "score": "s", "features": features, "intercept": -1.0, **parts}
    model = judged(ScoreModel(**whole))  # type: ignore[arg-type]  # each part is of its own type
    assert isinstance(model, ScoreModel), model
    return model


def measured(model: ScoreModel, people: Sequence[dict[str, object]], runs: int) -> dict[str, float]:
    features = tuple(Feature(f"f{at}", compile_expression(f"profile.f{at}"), missing=0.0) for at in range(FEATURES))
    score = Score("s", Outcome("E", None, 1), None, features, (0.3, 0.7), model=model)
    scopes = [Scope(profile=each) for each in people]
    numbers = [score.numbers(scope) for scope in scopes]
    known = [each for each in numbers if each is not None]
    assert len(known) == len(people)
    margin = margin_of(model)
    assert [margin(each) for each in known] == [walked(model, each) for each in known]
    assert rounding(FEATURES)(known[0]) == known[0]
    return {
        "model_us": fastest_us(lambda: [probability_of(margin(each)) for each in known], len(people), runs),
        "with_features_us": fastest_us(lambda: [score.of(scope) for scope in scopes], len(people), runs),
        "arrays_us": fastest_us(lambda: [walked(model, each) for each in known], len(people), runs),
    }


def walked(model: ScoreModel, numbers: Sequence[float]) -> float:
    margin = model.intercept
    for number, weight, each in zip(numbers, model.weights or (), model.features, strict=False):
        margin += weight * ((number - each.mean) / each.scale)
    for nodes in model.trees or ():
        at = 0
        while nodes[at][0] != LEAF:
            at = nodes[at][2] if numbers[nodes[at][0]] <= nodes[at][1] else nodes[at][3]
        margin += nodes[at][4]
    return margin


def fastest_us(work: Callable[[], object], people: int, runs: int) -> float:
    seconds = []
    for _ in range(runs):
        started_s = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started_s)
    return round(1e6 * min(seconds) / people, 2)


if __name__ == "__main__":
    main()
