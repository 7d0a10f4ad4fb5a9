"""How many of the paths of a large Markov chain convert without some of its states? By iteration with a proven error.

Sought is h, by state the expected reward of a path that is in it: h = b + Q h, with b the reward right after the state
and Q the transitions, without those into removed states. Elimination would fill Q up; here it is only multiplied. The
same h follows from rewards and transitions of some steps at once, which is what is solved: below, b and Q are of those.

Let v be how often paths are in each state. It is known from the counts, and v = start + v Q. Two things follow. In the
inner product weighted by v, 1 - Q is positive, so that generalised conjugate residuals (Eisenstat, Elman and Schultz)
come nearer with every round. And with residual r = b + Q h - h the start's h is wrong by at most the sum of v |r|, also
where states are removed, since fewer paths come by then: the iteration ends when that sum says so and not before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence, Set
from operator import itemgetter, mul
from typing import Final, NamedTuple, TypeAlias

from parcours.errors import AnalysisRefused

ROUNDING: Final = 5e-15
"""The part of all rewards by which a result may be wrong, for each state that a path is in on average.

Some times the rounding of one number, below which no residual comes.
"""

ROUNDS_MAX: Final = 5_000
"""A chain of thousands of states takes about ten; long ways round and round in it take more."""

DIRECTIONS_KEPT: Final = 6
"""From so many of the latest directions a new one is kept apart; more cost more than the rounds that they save."""

TRANSITIONS_A_STEP: Final = 4
"""So many transitions are looked ahead in one round: they cost less than what keeps directions apart."""

Vector: TypeAlias = list[float]


class _Fork(NamedTuple):
    """Of one state: its number, how likely the states after it are, and what picks their entries out of a vector."""

    state: int
    chances: tuple[float, ...]
    pick: Callable[[Vector], tuple[float, ...]]


class _Way(NamedTuple):
    """Of a state with one state after it: its number, how likely the other is, and the other's number."""

    state: int
    chance: float
    there: int


class _Transitions(NamedTuple):
    """Of the states that have any after them; in a large chain many have one."""

    forks: Sequence[_Fork]
    ways: Sequence[_Way]


class _Direction(NamedTuple):
    step: Vector
    image: Vector
    weighted: Vector
    square: float


class Chain:
    """A chain by its counts, of which every state was reached from the start.

    onward  by state the states after it, with how often
    ending  by state how many paths ended after it
    start   the state in which all begin
    """

    __slots__ = ("leaving", "start", "transitions", "visits")

    def __init__(self, onward: Sequence[Mapping[int, int]], ending: Sequence[int], start: int) -> None:
        self.start = start
        self.leaving = [sum(there.values()) + ended for there, ended in zip(onward, ending, strict=True)]
        self.visits = [times / self.leaving[start] for times in self.leaving]
        forks, ways = [], []
        for state, there in enumerate(onward):
            chances = tuple(times / self.leaving[state] for times in there.values())
            if len(chances) > 1:
                forks.append(_Fork(state, chances, itemgetter(*there)))
            elif chances:
                ways.append(_Way(state, chances[0], next(iter(there))))
        self.transitions = _Transitions(forks, ways)


def reached_without(chain: Chain, removed: Set[int], rewards: Sequence[float], go_on: Callable[[], object]) -> float:
    """The sum of rewards that paths from the start come to, if those that led into removed states end there.

    `rewards` are by state the sums that paths got right after it. `go_on` is called before each round, and what it
    raises ends them. Raises AnalysisRefused if `ROUNDS_MAX` rounds do not bring the error below `ROUNDING`.
    """
    visits = [0.0 if state in removed else often for state, often in enumerate(chain.visits)]
    transitions = _Transitions(
        [fork for fork in chain.transitions.forks if fork.state not in removed],
        [way for way in chain.transitions.ways if way.state not in removed],
    )
    wanted = [
        0.0 if state in removed else reward / leaving
        for state, (reward, leaving) in enumerate(zip(rewards, chain.leaving, strict=True))
    ]
    error_max = ROUNDING * (1 + sum(chain.visits)) * sum(map(abs, rewards)) / chain.leaving[chain.start]
    soon = wanted
    for _ in range(TRANSITIONS_A_STEP - 1):
        soon = [x + y for x, y in zip(wanted, _later(transitions, soon), strict=True)]
    solution = _solve(transitions, visits, soon, error_max, go_on)
    return solution[chain.start] * chain.leaving[chain.start]


def _solve(
    transitions: _Transitions, visits: Vector, wanted: Vector, error_max: float, go_on: Callable[[], object]
) -> Vector:
    """Generalised conjugate residuals; a residual that is small enough is worked out afresh before it is believed."""
    solution = [0.0] * len(wanted)
    residual = wanted
    kept: deque[_Direction] = deque(maxlen=DIRECTIONS_KEPT)
    for _ in range(ROUNDS_MAX):
        go_on()
        if sum(map(mul, visits, map(abs, residual))) <= error_max:
            residual = [want - have for want, have in zip(wanted, _applied(transitions, solution), strict=True)]
            if sum(map(mul, visits, map(abs, residual))) <= error_max:
                return solution
            kept.clear()
        direction = _direction(residual, _applied(transitions, residual), visits, kept)
        kept.append(direction)
        far = sum(map(mul, direction.weighted, residual)) / direction.square
        solution = [x + far * y for x, y in zip(solution, direction.step, strict=True)]
        residual = [x - far * y for x, y in zip(residual, direction.image, strict=True)]
    raise AnalysisRefused(
        f"a Markov chain of {len(visits)} states is not solved after {ROUNDS_MAX} rounds: its paths are too long "
        "for its order: choose a lower one or a shorter lookback"
    )


def _direction(step: Vector, image: Vector, visits: Vector, kept: deque[_Direction]) -> _Direction:
    """A step and its image, of which what lies along earlier images is taken out."""
    for earlier in kept:
        along = sum(map(mul, earlier.weighted, image)) / earlier.square
        step = [x - along * y for x, y in zip(step, earlier.step, strict=True)]
        image = [x - along * y for x, y in zip(image, earlier.image, strict=True)]
    weighted = list(map(mul, visits, image))
    return _Direction(step, image, weighted, sum(map(mul, weighted, image)))


def _applied(transitions: _Transitions, vector: Vector) -> Vector:
    """(1 - Q to the power of TRANSITIONS_A_STEP) times a vector."""
    later = vector
    for _ in range(TRANSITIONS_A_STEP):
        later = _later(transitions, later)
    return [x - y for x, y in zip(vector, later, strict=True)]


def _later(transitions: _Transitions, vector: Vector) -> Vector:
    """Q times a vector."""
    later = [0.0] * len(vector)
    for state, chances, pick in transitions.forks:
        later[state] = sum(map(mul, chances, pick(vector)))
    for state, chance, there in transitions.ways:
        later[state] = chance * vector[there]
    return later
