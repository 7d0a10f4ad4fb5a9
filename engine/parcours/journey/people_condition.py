"""A condition that somebody asks of people in passing: it is in no document, and sees what one of an audience sees.

Nothing is kept for its sake, so it may ask for those histories alone that something published asks for, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from parcours.errors import CallerError
from parcours.expression.definition_keys import number_of, plain
from parcours.expression.expression import Expression, ExpressionError, compile_expression
from parcours.expression.kinds import in_words
from parcours.expression.names import ANYTHING, Names, Past
from parcours.journey.program import Program
from parcours.wording import quoted

_ANY: Final = frozenset("*")


def people_condition(text: str, program: Program) -> Expression:
    """The compiled condition. Raises CallerError for what is none, and for a history that is not kept."""
    try:
        compiled = compile_expression(text, _names(program))
    except ExpressionError as error:
        raise CallerError(f"{quoted(text)}: {error}") from None
    if compiled.kind not in ("boolean", "any"):
        raise CallerError(f"{quoted(text)}: a condition is true or false, and this is {in_words(compiled.kind)}")
    kept = {each.key: each.window_ms for several in program.series.values() for each in several}
    for asked in compiled.asked:
        longest = kept.get(asked.key)
        if asked.key not in kept or (asked.window_ms is not None and (longest is None or longest < asked.window_ms)):
            raise CallerError(
                f"{quoted(text)}: no history of {quoted(plain(asked.event))} is kept that tells this, since nothing "
                "that is published asks for it: write it into an audience"
            )
    return compiled


def _names(program: Program) -> Names:
    events = {plain(key): ANYTHING for key in (*program.events, *program.series)}
    past = Past(
        events,
        _ANY,
        _ANY,
        keys=_newest(program.series),
        audiences=_newest((*program.audiences, *program.saved_audiences)),
        scores=frozenset(program.scores),
    )
    return Names(program.trait_kinds, past=past)


def _newest(keys: Iterable[str]) -> dict[str, str]:
    """By name, the key of its newest definition."""
    return {plain(key): key for key in sorted(keys, key=number_of)}
