"""After an event only the audiences that count it are looked at: that comes to the same as a look at all of them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st
from tests.core.conftest import Story, project_of

from parcours.config import Settings
from parcours.core.time_text import time_text
from parcours.journey.program import Program

DAY = 86_400_000

AUDIENCES = """
buyers: count("Bought", "2d") > 0
waverers: count("Start", "1d") > 0 && count("Bought", "1d") == 0
spenders: sum("Bought", "total", "3d") > 200 || count("Start", "3d") > 2
big: count("Big", "2d", "event.total > 150") > 0
lapsed: last("Left") < now - duration("48h")
young: now < profile.born + duration("72h") && count("Seen", "1d") > 0
locals: profile.city == "Paris" || count("Seen", "2d") > 1
"""

ENTER = "{journey: %s, entry: {audience: %s}, steps: [{id: over, end: true}]}"

PROGRAM = project_of("\n---\n".join(ENTER % (name, name) for name in ("buyers", "lapsed")), audiences=AUDIENCES).program

Happened = tuple[int, int, str, int]
"""How long after what was before, how late it comes, the event or where she is, and the total."""

happened = st.tuples(
    st.integers(0, DAY) | st.sampled_from([0, 1, DAY, 2 * DAY]),
    st.sampled_from([0, 1]) | st.integers(0, 3 * DAY),
    st.sampled_from(["Start", "Bought", "Bought", "Left", "Seen", "Paris", "Rome"]),
    st.sampled_from([50, 120, 200]),
)


def live(program: Program, past: list[Happened]) -> Story:
    story, at = Story(program, Settings(series_entries_max=3)), 40 * DAY
    for since, late, what, total in past:
        at += since
        if what in ("Paris", "Rome"):
            story.identify(at, city=what, born=time_text(at - late))
        else:
            told = {"event": what, "properties": {"total": total}, "timestamp": time_text(at - late)}
            story.call(at, type="track", **told)
    return story


FULL = [(0, 0, "Start", 1), (DAY + 1, 0, "Start", 1), (DAY + 1, 0, "Start", 1), (1, 0, "Start", 1)]
"""With the last one the first is dropped, which would have been the next to leave a window."""

AT_THE_INSTANT = [(0, 0, "Bought", 1), (0, 0, "Start", 1), (2 * DAY, 0, "Start", 1)]
"""With the last one a window loses what was bought."""


@given(st.lists(happened, max_size=20))
@example(FULL)
@example(AT_THE_INSTANT)
def test_a_look_at_some_audiences_comes_to_the_same_as_one_at_all(past: list[Happened]) -> None:
    some, everything = live(PROGRAM, past), live(replace(PROGRAM, counting={}), past)

    assert some.state == everything.state
    assert some.facts == everything.facts


def test_only_audiences_that_count_an_event_are_looked_at_after_it() -> None:
    assert PROGRAM.counting == {
        "Bought": ("buyers", "spenders", "waverers"),
        "Big": ("big",),
        "Start": ("spenders", "waverers"),
    }  # of those that count `Left` or `Seen` one compares `now` as well, so that all are looked at
