"""The reasons why a condition does not hold: its failing parts, down to a comparison or a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from parcours.expression import nodes
from parcours.expression.kinds import in_words
from parcours.expression.operand import Condition, Operand, Why
from parcours.expression.values import MISSING, Evaluate, Scope, kind_of


def always_read(node: nodes.Node) -> Iterator[nodes.Path]:
    """The paths below the node that are read for any data, and needed: of a `? :` choice only those of its condition.

    What default() has a value for may be missing.
    """
    if isinstance(node, nodes.Path):
        yield node
    below = (node.condition,) if isinstance(node, nodes.Choice) else nodes.children(node)
    if isinstance(node, nodes.FunctionCall) and node.name == "default":
        below = node.arguments[1:]
    for child in below:
        yield from always_read(child)


def of_leaf(
    part: Operand, looked: Mapping[str, Operand], compared: Sequence[tuple[Operand, Operand]], *, decided: bool
) -> Why:
    """The reasons of a part without sub-conditions: what is missing or of unlike kinds in it, else its value.

    looked    the paths that it always reads
    compared  the two sides of each comparison in it
    decided   whether its value is always a boolean, so that not to hold means false
    """
    paths = tuple((path, each.evaluate, each.source, each.kind) for path, each in looked.items())
    sides = tuple((left, right, left.evaluate, _kind_asked(right)) for left, right in compared)
    false = f"{part.text} is false"

    def why(scope: Scope) -> list[str]:
        reasons = []  # filled by loops, not by comprehensions: this is asked for nearly every event
        for path, evaluate, source, wanted in paths:
            if evaluate(scope) is MISSING:
                reasons.append(f"{path} is {_instead(source, wanted, scope)}")
        for left, right, evaluate, kind_asked in sides:
            kind, other = kind_of(evaluate(scope)), kind_asked or kind_of(right.evaluate(scope))
            if kind != other and kind != "missing" and other != "missing":
                reasons.append(f"{left.text} is {in_words(kind)} and {right.text} {in_words(other)}")
        return reasons or ([false] if decided else [_come_to(part, scope)])

    if decided and len(sides) == 1 and [*looked.values()] == [sides[0][0]]:
        return _of_path(false, why, *sides[0][2:])
    return why


def _of_path(false: str, otherwise: Why, read: Evaluate, wanted: str) -> Why:
    """The same where a path is compared with a literal, as most are: if it holds a value of that kind, it is false."""
    if wanted in ("", "missing"):
        return otherwise
    return lambda scope: [false] if kind_of(read(scope)) == wanted else otherwise(scope)


def of_negation(text: str) -> Why:
    """The reason of a negation. Its operand holds, so there is nothing missing to name."""
    false = f"{text} is false"
    return lambda scope: [false]


def of_chain(parts: Sequence[Condition]) -> Why:
    """The reasons of a chain: its failing parts, which for `||` are all of them."""
    return lambda scope: [reason for part in parts if part.holds(scope) is not True for reason in part.why(scope)]


def of_choice(condition: Condition, then: Why, otherwise: Why) -> Why:
    """The reasons of a `? :` choice: those of the branch taken and, if that was the second, of the condition."""
    return lambda scope: then(scope) if condition.holds(scope) is True else [*condition.why(scope), *otherwise(scope)]


def _kind_asked(part: Operand) -> str:
    """The kind of a literal, which need not be determined again at each evaluation; empty for everything else."""
    return part.kind if part.literal else ""


def _instead(source: Evaluate | None, wanted: str, scope: Scope) -> str:
    """What a missing path holds instead of a value: nothing, or what cannot be read as the timestamp or date wanted."""
    kind = "missing" if source is None else kind_of(source(scope))
    if kind == "missing":
        return kind
    return f"a string that is no {wanted}" if kind == "string" else f"{in_words(kind)} and no {wanted}"


def _come_to(part: Operand, scope: Scope) -> str:
    value = part.evaluate(scope)
    if value is MISSING:
        return f"{part.text} has no value"
    return (
        f"{part.text} is false" if type(value) is bool else f"{part.text} is {in_words(kind_of(value))} and no boolean"
    )
