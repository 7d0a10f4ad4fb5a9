"""The margin of a model: what its weights or trees add up to for one person's features, before it is a probability.

A model is compiled to one Python function with a statement for each weight or tree, so that all additions are of 64-bit
floats and in the order of the file: the same on every machine, and to the bit what scikit-learn's trees come to. Into
its text goes nothing of the file but numbers of a judged model, as Python writes them.

    def margin(x):
        x0, x1 = x
        m = -2.197
        m += (0.21 if x1 <= 3.5 else -0.07) if x0 <= 1.5 else 0.4
        return m

Walking arrays instead takes fifteen times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import exp
from typing import Any, Final, TypeAlias

from parcours.scoring.model import LEAF, Node, ScoreModel

Margin: TypeAlias = Callable[[Sequence[float]], float]
"""From the features in the order of the file, each a 32-bit float, to the margin."""

DECIMALS: Final = 6
"""Of a probability: the last digits of an exponential depend on the machine."""

EXPONENT_MAX: Final = 700.0
"""An exponential of more does not fit into a float; its probability is 0 or 1 long before."""


def margin_of(model: ScoreModel) -> Margin:
    """The margin of a judged model, compiled."""
    names = ", ".join(f"x{number}" for number in range(len(model.features)))
    lines = [
        "def margin(x):",
        f"    {names}, = x",
        f"    m = {_number(model.intercept)}",
        *(f"    m += {term}" for term in _terms(model)),
        "    return m",
    ]
    space: dict[str, Any] = {"__builtins__": {}}
    exec(compile("\n".join(lines), "<model of a score>", "exec"), space)
    margin: Margin = space["margin"]
    return margin


def _terms(model: ScoreModel) -> Iterator[str]:
    for number, (weight, each) in enumerate(zip(model.weights or (), model.features, strict=bool(model.weights))):
        yield f"{_number(weight)} * ((x{number} - {_number(each.mean)}) / {_number(each.scale)})"
    for nodes in model.trees or ():
        yield _tree(nodes, 0)


def _tree(nodes: Sequence[Node], at: int) -> str:
    feature, threshold, left, right, value = nodes[at]
    if feature == LEAF:
        return _number(value)
    below, above = _tree(nodes, left), _tree(nodes, right)
    return f"({below} if x{int(feature)} <= {_number(threshold)} else {above})"


def _number(number: float) -> str:
    """The shortest text that is this float again, in brackets for its sign."""
    return f"({float(number)!r})"


def probability_of(margin: float) -> float:
    """The probability of a margin, rounded half to even to `DECIMALS`."""
    if margin >= 0:
        return round(1.0 / (1.0 + exp(-min(margin, EXPONENT_MAX))), DECIMALS)
    power = exp(max(margin, -EXPONENT_MAX))
    return round(power / (1.0 + power), DECIMALS)


def probability_text(probability: float) -> str:
    """A probability with all its decimals."""
    return f"{probability:.{DECIMALS}f}"
