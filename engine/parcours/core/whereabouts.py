"""What positions and crossings do to a person: her visits, the timer for what comes of them, and what is told.

Every position comes in by `take_positions`: whoever may not be followed is turned away there, and what was known of
where she is goes with her word, or, where a publication has changed the policy, with the next event or the
timer of places (`follow_no_more`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from parcours.core.consent import may_personalise
from parcours.core.fact import Changed
from parcours.core.places.state import Whereabouts, newest
from parcours.core.places.visits import Change, Crossing, Fix, next_due, take_crossing, take_fix, tell
from parcours.core.profile import Profile
from parcours.core.turn import Turn
from parcours.expression.expression import MISSING, Expression, Scope
from parcours.journey.places import PLACE_ENTERED, PLACE_LEFT
from parcours.wording import quoted


def take_positions(turn: Turn, names: Iterable[str], properties: Mapping[str, object], timestamp: int) -> None:
    """Take in where an event of these types says that the person is, or was at that time by its sender's clock."""
    if not may_personalise(turn.profile, turn.program.policies):
        follow_no_more(turn)
        return
    places, told_at = turn.program.places, min(timestamp, turn.at)
    room = turn.settings.places_of_person_max
    for name in names:
        event = turn.program.events.get(name)
        if event is None or (event.location is None and event.crossing is None):
            continue
        here, scope = turn.profile.whereabouts or Whereabouts(), turn.scope(properties)
        turn.profile.whereabouts = here
        crowded: tuple[str, ...] = ()
        if (of := event.location) is not None:
            accuracy = None if of.accuracy is None else _value(of.accuracy, scope)
            fix = Fix(turn.at, told_at, _value(of.latitude, scope), _value(of.longitude, scope), accuracy)
            crowded += take_fix(here, places, fix, room).crowded
        if (crossed := event.crossing) is not None:
            crossing = Crossing(turn.at, told_at, _value(crossed.place, scope), _value(crossed.way, scope))
            crowded += take_crossing(here, places, crossing, room).crowded
        for place in crowded:
            why = f"she is in so many places that she does not enter {quoted(place)}, nor any other"
            turn.tell_once("places_of_person_max", "", why)
        _set_timer(turn, here)


def follow_no_more(turn: Turn) -> None:
    """Forget where the person is, if that may not be known any more. Nothing is told of it."""
    if turn.profile.whereabouts is not None and not may_personalise(turn.profile, turn.program.policies):
        turn.profile.whereabouts = None
        turn.set_only_timer(None, "place")


def tell_place(turn: Turn) -> tuple[str, dict[str, object]] | None:
    """The event of the next place that the person enters or leaves at this instant; None if there is none."""
    follow_no_more(turn)  # a publication may have changed the policy since
    here = turn.profile.whereabouts
    change = None if here is None else tell(here, turn.at)
    if here is not None:
        _set_timer(turn, here)
    if change is None:
        return None
    told = Changed(turn.at, turn.person, "place", change.place, change.way, change.why, change.dwell_s)
    turn.effects.facts.append(told)
    return PLACE_ENTERED if change.way == "entered" else PLACE_LEFT, _properties(turn, change)


def join_places(turn: Turn, other: Profile) -> None:
    """Of two people who are one, whoever's position is newer says where they are."""
    here = newest(turn.profile.whereabouts, other.whereabouts)
    turn.profile.whereabouts = here
    if here is not None:
        _set_timer(turn, here)


def _value(expression: Expression, scope: Scope) -> object:
    """The value; nothing is as good as a value that is missing."""
    value = expression.value(scope)
    return MISSING if value is None else value


def _properties(turn: Turn, change: Change) -> dict[str, object]:
    """What conditions may ask of the event. Of a place that is published no more only the name is known."""
    place = turn.program.places.by_name.get(change.place)
    properties: dict[str, object] = {
        "place": change.place,
        "why": change.why,
        "tags": [] if place is None else list(place.tags),
        "attributes": {} if place is None else dict(place.attributes),
    }
    return properties if change.dwell_s is None else {**properties, "dwell": change.dwell_s}


def _set_timer(turn: Turn, here: Whereabouts) -> None:
    due = next_due(here)
    turn.set_only_timer(None if due is None else max(due, turn.at), "place")
