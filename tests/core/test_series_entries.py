"""The packed entries of a history say what a list of (time, value) would."""

from __future__ import annotations

from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st

from parcours.core.profile import Profile, decode_profile, encode_profile
from parcours.core.series_entries import SeriesEntries

times = st.integers(-20, 20) | st.integers(-(2**62), 2**62)
entries = st.lists(st.tuples(times, st.floats(-1e9, 1e9) | st.integers(-(2**63), 2**64 - 1)), max_size=12)


def packed(given_entries: list[tuple[int, float]]) -> SeriesEntries:
    result = SeriesEntries()
    for at, value in given_entries:
        result.add(at, value)
    return result


@given(entries, times)
def test_entries_lie_in_the_order_of_time_and_those_of_one_time_in_that_of_arrival(
    added: list[tuple[int, float]], at: int
) -> None:
    in_order = sorted(added, key=lambda entry: entry[0])

    result = packed(added)

    assert [result.time(index) for index in range(len(result))] == [each for each, _ in in_order]
    assert [result.total(index, index + 1) for index in range(len(result))] == [float(value) for _, value in in_order]
    assert result.until(at) == bisect_right([each for each, _ in in_order], at)


@given(entries, st.integers(0, 12), st.data())
def test_the_first_entries_are_dropped_and_the_rest_is_summed(
    added: list[tuple[int, float]], count: int, data: st.DataObject
) -> None:
    values = [float(value) for _, value in sorted(added, key=lambda entry: entry[0])][count:]
    first = data.draw(st.integers(0, len(values)))
    last = data.draw(st.integers(first, len(values)))

    result = packed(added)
    result.drop(count)

    assert len(result) == len(values)
    assert result.total(first, last) == sum(values[first:last])


@given(entries)
def test_entries_are_the_same_after_their_profile_was_stored(added: list[tuple[int, float]]) -> None:
    profile = Profile(series={"Bought": packed(added)})

    assert decode_profile(encode_profile(profile)) == profile
