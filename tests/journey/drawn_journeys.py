"""Journeys of any size for pictures, made by chance: straight stretches, arms, far ways and ways back."""

from __future__ import annotations

from random import Random

from parcours.expression.expression import Expression
from parcours.journey import program
from parcours.journey.parts import Goal, Trigger

NAMES = ("mail", "text", "push-the-last-offer", "w", "a-name-of-a-step-that-somebody-has-made-far-too-long-to-be-read")
EVENTS = ("Order Completed", "Signed Up", "Click", "An event whose name does not end before the room does")


def drawn_journey(seed: int, steps: int) -> program.Journey:
    """A journey of so many steps. Most ways lead to the next steps, one in ten anywhere, back as well."""
    chance = Random(seed)
    names = [f"{chance.choice(NAMES)}-{number}" for number in range(steps)]
    made = {name: step(chance, names, number) for number, name in enumerate(names)}
    rules = tuple(Trigger(chance.choice(EVENTS)) for _ in range(chance.randrange(4)))
    goal = Goal(Trigger(chance.choice(EVENTS)), 86_400_000, None) if chance.random() < 0.5 else None
    return program.Journey(
        name="made",
        version=1,
        entry=program.EventEntry((Trigger(chance.choice(EVENTS)),)),
        correlation=None,
        reentry_after_ms=0,
        exits=rules,
        goal=goal,
        timezone="UTC",
        starts_ms=None,
        ends_ms=None,
        priority=50,
        first=names[0],
        steps=made,
        entry_paths=frozenset(),
        event_paths=frozenset(),
    )


def step(chance: Random, names: list[str], number: int) -> program.Step:
    name, kind = names[number], chance.randrange(8)
    if kind == 0:
        listeners = tuple(
            program.EventListener(Trigger(chance.choice(EVENTS)), target(chance, names, number))
            for _ in range(chance.randint(1, 3))
        )
        return program.WaitFor(name, listeners, 3_600_000, target(chance, names, number))
    if kind == 1:
        arms = tuple((truth(chance), target(chance, names, number)) for _ in range(chance.randint(1, 3)))
        return program.Branch(name, arms, target(chance, names, number), has_otherwise=True)
    if kind == 2:
        ways = tuple((bound, target(chance, names, number)) for bound in (2_500, 7_500, 10_000))
        return program.Split(name, ways, chance.choice([(None,) * 3, ("control", "a", "b")]))
    if kind == 3 and chance.random() < 0.2:
        return program.End(name)
    following = names[number + 1] if number + 1 < len(names) else None
    if kind < 6:
        has_refused = chance.random() < 0.2
        refused = target(chance, names, number) if has_refused else None
        return program.Send(name, "letter", {"email": truth(chance)}, refused, has_refused, following)
    return program.WaitDuration(name, 60_000, following)


def target(chance: Random, names: list[str], number: int) -> str | None:
    if chance.random() < 0.1:
        return chance.choice([*names, None])
    place = number + chance.randint(1, 5)
    return names[place] if place < len(names) else None


def truth(chance: Random) -> Expression:
    """A condition of which a picture sees the text only."""
    text = chance.choice(("true", 'profile.city == "Oslo" && profile.age > 18 || event.total >= 100'))
    return Expression(text, frozenset(), (), (), lambda scope: True, lambda scope: [])
