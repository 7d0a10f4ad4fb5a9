"""Is everybody found who has something due, and nobody else?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from parcours.core.profile import NEVER
from parcours.shard.wheel import BUCKET_MS, OPENED_MAX, Wheel

PEOPLE = st.sampled_from("abcdef")
DUE = st.one_of(st.integers(0, 20 * BUCKET_MS), st.integers(0, 3), st.just(NEVER))
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), PEOPLE, DUE),
        st.tuples(st.just("take"), st.integers(0, 21 * BUCKET_MS), st.integers(1, 4)),
    ),
    max_size=60,
)


class Timers:
    """Each person's next due time, told to a wheel as a shard does."""

    def __init__(self) -> None:
        self.due: dict[str, int] = {}
        self.wheel = Wheel(lambda person: self.due.get(person, NEVER))

    def set(self, person: str, due: int) -> None:
        changed = due != self.due.get(person, NEVER)
        self.due[person] = due
        if changed and due != NEVER:
            self.wheel.add(person, due)

    def take(self, before: int, most: int) -> list[str]:
        """Those taken have nothing due afterwards."""
        taken = self.wheel.take(before, most)
        for person in taken:
            self.due[person] = NEVER
        return taken

    def waiting(self) -> list[tuple[int, str]]:
        return sorted((due, person) for person, due in self.due.items() if due != NEVER)


@given(OPERATIONS)
def test_whoever_is_due_is_found_earliest_first_and_nobody_else(operations: list[tuple[str, object, int]]) -> None:
    timers = Timers()
    for name, first, second in operations:
        if name == "set":
            timers.set(str(first), second)
        else:
            assert isinstance(first, int)
            expected = [person for due, person in timers.waiting() if due < first][:second]

            assert timers.take(first, second) == expected

        waiting, next_ms = timers.waiting(), timers.wheel.next_ms()
        assert not waiting or (next_ms is not None and next_ms <= waiting[0][0])


def test_a_timer_is_not_due_at_its_own_instant_but_right_after() -> None:
    timers = Timers()
    timers.set("anna", 5_000)

    assert timers.take(5_000, 10) == []
    assert timers.take(5_001, 10) == ["anna"]


def test_a_cancelled_timer_leaves_nothing_behind() -> None:
    timers = Timers()
    timers.set("anna", 5_000)
    timers.set("anna", NEVER)

    assert timers.take(6_000, 10) == []
    assert timers.wheel.next_ms() is None


def test_a_postponed_timer_does_not_hide_an_earlier_one_of_somebody_else() -> None:
    # given a person whose timer moved far ahead, and one who is due in between
    timers = Timers()
    timers.set("anna", 5_000)
    timers.set("anna", 900_000)
    timers.set("bert", 50_000)

    # when the time of the first timer has come
    timers.take(6_000, 10)

    # then the next one is looked for in time
    next_ms = timers.wheel.next_ms()
    assert next_ms is not None and next_ms <= 50_000


def test_a_backlog_is_taken_in_slices_in_order() -> None:
    timers = Timers()
    for number, person in enumerate("edcba"):
        timers.set(person, 1_000 + number)

    assert timers.take(2_000, 2) == ["e", "d"]
    assert timers.take(2_000, 2) == ["c", "b"]
    assert timers.take(2_000, 2) == ["a"]
    assert timers.take(2_000, 2) == []


def test_a_crowd_that_is_due_at_once_is_looked_at_part_by_part() -> None:
    looked_at = 0
    due = {f"p{number}": 1_000 + number % 3 for number in range(3 * OPENED_MAX)}

    def due_of(person: str) -> int:
        nonlocal looked_at
        looked_at += 1
        return due.get(person, NEVER)

    wheel = Wheel(due_of)
    for person, at in due.items():
        wheel.add(person, at)

    found: list[str] = []
    while due:
        assert wheel.next_ms() is not None
        looked_at = 0
        taken = wheel.take(1_003, 1_000)
        assert looked_at <= OPENED_MAX + len(taken)
        assert [due.pop(person) for person in taken] == sorted(1_000 + int(person[1:]) % 3 for person in taken)
        found += taken

    assert sorted(found) == sorted(f"p{number}" for number in range(3 * OPENED_MAX))
    assert wheel.next_ms() is None


def test_whoever_is_due_is_found_behind_any_number_of_the_same_second_who_are_not() -> None:
    # given a crowd that is due late in a second, looked at first, and one person who is due early in it
    timers = Timers()
    timers.set("early", 5 * BUCKET_MS)
    for number in range(2 * OPENED_MAX):
        timers.set(f"late {number}", 5 * BUCKET_MS + 900)

    # when her time has come
    looks = [timers.take(5 * BUCKET_MS + 100, 10) for _ in range(3)]

    # then a few looks find her, though nobody before her leaves
    assert [person for taken in looks for person in taken] == ["early"]


def test_it_is_known_about_how_many_are_due() -> None:
    timers = Timers()
    for number in range(100):
        timers.set(f"p{number}", number * BUCKET_MS // 4)

    assert timers.wheel.due(0) == 0
    assert timers.wheel.due(10 * BUCKET_MS) == 40
    timers.take(BUCKET_MS // 2, 10)
    timers.set("late", 1)
    assert timers.wheel.due(10 * BUCKET_MS) == 39
    assert timers.wheel.due(100 * BUCKET_MS) == 99
