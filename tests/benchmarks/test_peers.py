"""Is it told whom the carts leave waiting, and is a peer that sends something else found out?"""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import msgspec
import pytest
from measuring.command import parser_for
from measuring.shape import Measured, WrongAnswer
from peers.carts import reminded
from peers.telling import Watch
from workload import events
from workloads.peers import Outcome, Peers, alike, checkouts, compared


def line(person: str, event: str, total: float = 100) -> bytes:
    cart = {"cart": {"total": total, "items": 1}}
    return json.dumps({"userId": person, "messageId": f"{person}-{event}", "event": event, "properties": cart}).encode()


def test_who_went_to_checkout_and_has_not_ordered_since_is_reminded_once() -> None:
    lines = [
        line("ann", "Checkout Started"),
        line("ann", "Checkout Started"),  # she is in already
        line("bea", "Checkout Started"),
        line("bea", "Order Completed"),
        line("cleo", "Order Completed"),  # before, so it ends nothing
        line("cleo", "Checkout Started"),
        line("dora", "Checkout Started", total=50),  # not worth it
        line("eve", "Product Added"),
        line("finn", "Checkout Started"),
        line("finn", "Order Completed"),
        line("finn", "Checkout Started", total=50.01),
    ]

    assert reminded(lines) == [("ann", "reminder"), ("cleo", "reminder"), ("finn", "reminder")]


def test_the_workload_reminds_some_of_those_who_go_to_checkout() -> None:
    lines = list(events(2_000, 300))

    assert 0 < len(reminded(lines)) < sum(b"Checkout Started" in each for each in lines)


def test_everybody_whose_cart_is_begun_apart_is_reminded() -> None:
    lines = list(checkouts(50))

    assert len(lines) == len(reminded(lines)) == len({person for person, _ in reminded(lines)}) == 50


SENT = [("ann", "reminder"), ("bea", "reminder")]


@pytest.mark.parametrize(
    "other, wrong",
    [
        (SENT[::-1], 0),  # in another order
        (SENT[:1], 1),
        ([("ann", "reminder"), ("cleo", "reminder")], 2),  # as many, of whom one is somebody else
        ([*SENT, SENT[0]], 1),  # somebody twice
    ],
)
def test_reminders_of_other_people_are_counted(other: list[tuple[str, str]], wrong: int) -> None:
    assert alike(other, SENT, "Parcours sends").got == wrong


def outcome(case: str, rate: float, cpu_us: dict[str, float], sent: list[tuple[str, str]]) -> Outcome:
    return Outcome(Measured(case, {"rate": rate}, cpu_us), sent)


def test_ratios_are_of_parcours_to_the_peer_with_all_its_processes() -> None:
    ours = {"kept": outcome("Parcours, kept", 300, {"driver": 1, "shards": 3}, SENT)}

    measured = compared(ours, outcome("flink", 100, {"peer": 8}, SENT))

    measured.check()
    assert measured.case == "to flink"
    assert measured.figures == {"kept, rate": 3, "kept, cpu": 0.5}


def test_what_is_wanted_stands_beside_the_ratios_to_bytewax() -> None:
    ours = {"kept": outcome("Parcours, kept", 300, {"driver": 4}, SENT)}

    measured = compared(ours, outcome("bytewax", 100, {"peer": 8}, SENT))

    assert measured.figures == {"kept, rate (wanted: at least 3)": 3, "kept, cpu (wanted: at most 0.6)": 0.5}
    assert measured.figures.keys() < Peers.figures.keys()


def test_no_ratio_is_told_to_a_peer_that_sends_to_other_people() -> None:
    ours = {"kept": outcome("Parcours, kept", 300, {"driver": 1}, SENT)}

    measured = compared(ours, outcome("bytewax", 100, {"peer": 8}, [("ann", "reminder"), ("cleo", "reminder")]))

    with pytest.raises(WrongAnswer, match="2 reminders that are not what Parcours sends, kept, not 0"):
        measured.check()


def test_a_peer_that_is_not_installed_is_told_with_what_it_needs(tmp_path: Path) -> None:
    asked = Namespace(cases=["bytewax"], theirs=str(tmp_path))

    with pytest.raises(SystemExit, match=r"bytewax/bin/python has no bytewax: pip install -r benchmarks/peers/bytewax"):
        Peers(asked)


def test_a_result_can_keep_where_the_peers_lie() -> None:
    words = ["peers", "--theirs", "peers", "--json", "run.json"]

    asked = parser_for(words).parse_args(words)

    assert b'"peers"' in msgspec.json.encode(asked.theirs)


def test_a_peer_that_takes_lines_for_longer_than_carts_wait_is_told_why_it_is_not_measured() -> None:
    watch = Watch(1, patience_s=0)

    with pytest.raises(SystemExit, match="--patience has to be longer"):
        watch.taken()
