"""What becomes of an input that cannot be applied, whatever it does to the process?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parcours.channel import NotSent
from parcours.config import Settings
from parcours.core.fact import DeliveryReached, LimitReached, Moved
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SlotMap
from parcours.errors import ShardStopped, StoreBroken
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.ledger import Verb, changed
from parcours.journey.publish.publications import Publications
from parcours.shard.ids.key import DIGEST_BYTES
from parcours.shard.in_hand import DEATHS_MAX, ENTRIES, InHand, change_mark, line_mark
from parcours.shard.messages import Answer, Batch
from parcours.shard.requests import ExchangeDeliveries
from parcours.shard.shard import Shard
from parcours.store.memory import MemoryStore
from parcours.store.sqlite import SqliteStore
from parcours.store.store import SCRATCH_BYTES

if TYPE_CHECKING:
    from tests.shard.conftest import Lines

POISON = "poison"
SECOND_LIFE = Path(__file__).with_name("poisoned_life.py")


class Poisoned:
    """A shard in which nothing can be sent to a person named `poison`, as long as that has not been mended."""

    def __init__(self, program: Program, settings: Settings | None = None, project: Project | None = None) -> None:
        self.program = program
        self.project = project
        self.settings = settings or Settings()
        self.store = MemoryStore()
        self.now_ms = 1_000_000
        self.mended = False
        self.shard = self.open()

    def open(self) -> Shard:
        """A new life of the process."""
        self.shard = Shard(
            0, SlotMap(1), self.program, self.store, self.settings, normalize=self.normalize, project=self.project
        )
        self.shard.open(self.now_ms)
        return self.shard

    def normalize(self, channel: str, address: str, region: str | None) -> str:
        if POISON in address and not self.mended:
            raise ZeroDivisionError("a mistake of ours")
        return address

    def take(self, batch: Batch) -> Answer:
        return self.shard.take(batch, self.now_ms)

    def change(self, verb: Verb) -> None:
        """Pause, resume or stop the journey `remind`."""
        self.now_ms += 1
        before = self.shard.holding().publications
        self.shard.publish(Publications(changed(before.ledger, verb, "remind", self.now_ms), before.sources))

    def people(self) -> list[str]:
        return [letter.person for letter in self.shard.dead_letters.listed()]

    def facts(self) -> list[object]:
        return [fact for record in self.store.records() for fact in decode_facts(record.facts, "a record")]


@pytest.fixture
def poisoned(program: Program) -> Poisoned:
    return Poisoned(program)


def batch_of(number: int, *lines: bytes) -> Batch:
    return Batch("router", number, list(range(len(lines))), list(lines))


def known(lines: Lines) -> bytes:
    return lines.identify(POISON)


def test_an_event_that_raises_is_set_aside_and_the_others_of_its_batch_are_taken(
    poisoned: Poisoned, lines: Lines
) -> None:
    poisoned.take(batch_of(1, *map(lines.identify, ("anna", POISON))))
    batch = batch_of(2, lines.track("anna", "Ordered"), lines.track(POISON, "Ordered"), lines.track("bert", "Ordered"))

    with pytest.raises(ShardStopped, match="ZeroDivisionError: a mistake of ours"):
        poisoned.take(batch)
    with pytest.raises(StoreBroken, match="open it again"):
        poisoned.shard.status()
    answer = poisoned.open().take(batch, poisoned.now_ms)

    assert list(answer.outcomes) == [0, 3, 0]
    (reason,) = answer.reasons
    assert reason.startswith("it was set aside as a dead letter: ") and "a mistake of ours" in reason
    assert poisoned.take(batch) == answer, "the batch comes again"
    assert poisoned.open().take(batch, poisoned.now_ms) == answer, "and again after a restart"
    (letter,) = poisoned.shard.dead_letters.listed()
    assert (letter.person, letter.line) == (POISON, lines.track(POISON, "Ordered"))
    (trouble,) = poisoned.shard.status().troubles
    assert trouble.startswith("dead letters: 1 ")
    assert [run.journey for run in poisoned.shard.profile("anna").runs] == ["ship"]  # type: ignore[union-attr]


def test_an_event_that_was_set_aside_keeps_the_time_that_it_means(poisoned: Poisoned, lines: Lines) -> None:
    line = b'{"type":"track","event":"Ordered","userId":"%b","timestamp":"1970-01-01T00:10:00Z"}' % POISON.encode()
    poisoned.take(batch_of(1, lines.identify(POISON)))
    batch = Batch("router", 2, [1], [line], [5_000])

    with pytest.raises(ShardStopped):
        poisoned.take(batch)
    answer = poisoned.open().take(batch, poisoned.now_ms)

    (letter,) = poisoned.shard.dead_letters.listed()
    assert letter.line == line.replace(b"00:10:00Z", b"00:10:05.000Z")
    assert poisoned.take(batch) == answer, "it is known again by the line as it came"


def test_a_timer_that_raises_is_set_aside_with_its_run_and_everybody_else_goes_on(
    poisoned: Poisoned, lines: Lines
) -> None:
    for number, person in enumerate(("anna", POISON, "bert"), start=1):
        poisoned.take(batch_of(number, lines.identify(person), lines.track(person, "Started")))
    poisoned.now_ms += 20_001

    with pytest.raises(ShardStopped):
        poisoned.shard.pass_time(poisoned.now_ms)
    poisoned.open().pass_time(poisoned.now_ms)

    (run,) = poisoned.shard.profile(POISON).runs  # type: ignore[union-attr]
    assert run.parked is not None and "a mistake of ours" in run.parked
    assert poisoned.shard.ready() == {"email": 2}
    (letter,) = poisoned.shard.dead_letters.listed()
    assert (letter.person, letter.line) == (POISON, None)
    parked = [fact for fact in poisoned.facts() if isinstance(fact, Moved) and fact.what == "parked"]
    assert [(fact.person, fact.step) for fact in parked] == [(POISON, "bought")]
    assert poisoned.shard.resend([letter.number], poisoned.now_ms) == Answer(0), "a timer cannot be sent again"
    assert len(poisoned.shard.dead_letters.listed()) == 1


def test_a_timer_of_a_delivery_that_raises_makes_it_fail(poisoned: Poisoned, lines: Lines) -> None:
    # given a delivery that waits for its second attempt, and somebody in whose case that cannot be made
    poisoned.take(batch_of(1, lines.identify("anna"), lines.track("anna", "Ordered")))
    in_hand = InHand()
    claims = poisoned.shard.exchange(ExchangeDeliveries([], "email", 1, "d", 1), poisoned.now_ms)
    receipts = [(1, NotSent(each.key, "busy")) for each in claims.outgoing]
    poisoned.shard.exchange(ExchangeDeliveries(receipts, "email", 0, "d", 2), poisoned.now_ms)
    (timer,) = [each for each in poisoned.shard.profile("anna").timers if each.kind == "retry"]  # type: ignore[union-attr]
    in_hand.restore(poisoned.store.scratch())
    in_hand.timer("anna", timer.due)
    in_hand.blame(ZeroDivisionError("a mistake of ours"))

    poisoned.now_ms = timer.due + 1
    poisoned.open().pass_time(poisoned.now_ms)

    reached = [fact for fact in poisoned.facts() if isinstance(fact, DeliveryReached)]
    assert reached[-1].outcome == "failed" and "a mistake of ours" in (reached[-1].reason or "")
    assert poisoned.open().ready() == {}


@pytest.fixture
def resumed(program: Program, new_shop: Callable[..., Project], lines: Lines) -> Poisoned:
    """A journey was paused while its timers fell due, and is resumed: somebody cannot go through that."""
    poisoned = Poisoned(program, project=new_shop())
    for number, person in enumerate(("anna", POISON, "bert"), start=1):
        poisoned.take(batch_of(number, lines.identify(person), lines.track(person, "Started")))
    poisoned.change("pause")
    poisoned.now_ms += 20_001
    poisoned.shard.pass_time(poisoned.now_ms)
    poisoned.change("resume")
    poisoned.now_ms += 1
    return poisoned


def test_a_change_that_raises_is_set_aside_for_her_and_everybody_else_goes_through_it(
    resumed: Poisoned, lines: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ShardStopped, match="a mistake of ours"):
        resumed.shard.pass_time(resumed.now_ms)
    resumed.open().pass_time(resumed.now_ms)

    assert f"a change of {POISON!r} was set aside" in caplog.text
    (run,) = resumed.shard.profile(POISON).runs  # type: ignore[union-attr]
    assert run.parked is not None and run.parked.startswith("a change was set aside: ZeroDivisionError")
    assert resumed.shard.ready() == {"email": 2}
    (letter,) = resumed.shard.dead_letters.listed()
    assert (letter.person, letter.line, letter.at) == (POISON, None, resumed.now_ms - 1)
    assert list(resumed.take(batch_of(4, lines.track(POISON, "Looked"))).outcomes) == [0]
    assert resumed.open().ready() == {"email": 2}
    assert len(resumed.shard.dead_letters.listed()) == 1
    parked = [fact.person for fact in resumed.facts() if isinstance(fact, Moved) and fact.what == "parked"]
    assert parked == [POISON]


def test_an_event_is_not_blamed_for_a_change_that_it_finds_undone(resumed: Poisoned, lines: Lines) -> None:
    batch = batch_of(4, lines.track(POISON, "Bought"), lines.track("anna", "Bought"))
    with pytest.raises(ShardStopped):
        resumed.take(batch)

    answer = resumed.open().take(batch, resumed.now_ms)

    assert list(answer.outcomes) == [0, 0]
    (letter,) = resumed.shard.dead_letters.listed()
    assert (letter.person, letter.line) == (POISON, None)


def test_a_change_is_a_suspect_once_the_process_has_ended_with_it_so_often(resumed: Poisoned) -> None:
    resumed.mended = True
    for _ in range(DEATHS_MAX):
        in_hand = InHand()
        in_hand.restore(resumed.store.scratch())
        in_hand.change(change_mark(POISON, resumed.shard.holding().publications.ledger.number))

    resumed.open().pass_time(resumed.now_ms)

    (letter,) = resumed.shard.dead_letters.listed()
    assert letter.person == POISON and letter.reason.startswith(f"the process ended {DEATHS_MAX} times")
    assert resumed.shard.ready() == {"email": 2}


def test_what_is_sent_again_is_applied_once(poisoned: Poisoned, lines: Lines) -> None:
    ordered = lines.track(POISON, "Ordered", message_id="m1")
    poisoned.take(batch_of(1, lines.identify(POISON)))
    with pytest.raises(ShardStopped):
        poisoned.take(batch_of(2, ordered))
    poisoned.open().take(batch_of(2, ordered), poisoned.now_ms)
    poisoned.mended = True
    (letter,) = poisoned.shard.dead_letters.listed()

    poisoned.shard.dead_letters.acquit([letter.number])
    answer = poisoned.shard.resend([letter.number, 99], poisoned.now_ms)

    assert list(answer.outcomes) == [0]
    assert poisoned.people() == []
    assert poisoned.open().dead_letters.listed() == []
    assert poisoned.shard.ready() == {"email": 1}
    assert list(poisoned.take(batch_of(3, ordered)).outcomes) == [2], "its message id is known"


def test_what_fails_again_without_a_message_id_is_the_same_letter_and_is_applied_once(
    poisoned: Poisoned, lines: Lines
) -> None:
    # given a line that nobody could tell from another one but by its router, and that fails when it is sent again
    poisoned.take(batch_of(1, lines.identify(POISON)))
    batch = batch_of(2, lines.track(POISON, "Ordered"))
    with pytest.raises(ShardStopped):
        poisoned.take(batch)
    poisoned.open().take(batch, poisoned.now_ms)
    (letter,) = poisoned.shard.dead_letters.listed()
    poisoned.shard.dead_letters.acquit([letter.number])
    with pytest.raises(ShardStopped):
        poisoned.shard.resend([letter.number], poisoned.now_ms)
    assert poisoned.open().dead_letters.listed() == [letter]

    # when it is sent again after the mistake has been mended
    poisoned.mended = True
    poisoned.shard.dead_letters.acquit([letter.number])
    answer = poisoned.shard.resend([letter.number], poisoned.now_ms)

    assert list(answer.outcomes) == [0]
    assert poisoned.open().dead_letters.listed() == []
    assert poisoned.shard.ready() == {"email": 1}


def test_a_letter_whose_message_is_known_by_now_is_taken_off_the_list_for_good(
    poisoned: Poisoned, lines: Lines
) -> None:
    ordered = lines.track(POISON, "Ordered", message_id="m1")
    poisoned.take(batch_of(1, lines.identify(POISON)))
    with pytest.raises(ShardStopped):
        poisoned.take(batch_of(2, ordered))
    poisoned.open().take(batch_of(2, ordered), poisoned.now_ms)
    poisoned.take(batch_of(3, ordered))  # it is handed in again, and set aside again
    poisoned.mended = True
    first, second = (letter.number for letter in poisoned.shard.dead_letters.listed())
    poisoned.shard.dead_letters.acquit([first])
    poisoned.shard.resend([first], poisoned.now_ms)

    answer = poisoned.shard.resend([second], poisoned.now_ms)

    assert list(answer.outcomes) == [2]
    assert poisoned.open().dead_letters.listed() == []


def test_what_fails_again_stays_on_the_list(poisoned: Poisoned, lines: Lines) -> None:
    poisoned.take(batch_of(1, lines.identify(POISON)))
    with pytest.raises(ShardStopped):
        poisoned.take(batch_of(2, lines.track(POISON, "Ordered")))
    poisoned.open().take(batch_of(2, lines.track(POISON, "Ordered")), poisoned.now_ms)
    (letter,) = poisoned.shard.dead_letters.listed()

    poisoned.shard.dead_letters.acquit([letter.number])
    with pytest.raises(ShardStopped):
        poisoned.shard.resend([letter.number], poisoned.now_ms)

    assert poisoned.open().dead_letters.listed() == [letter]


def test_only_so_many_are_kept_and_the_loss_is_recorded(program: Program, lines: Lines) -> None:
    poisoned = Poisoned(program, Settings(dead_letters_max=2))
    poisoned.take(batch_of(1, *[lines.identify(f"{POISON}{number}") for number in range(3)]))
    for number in range(3):
        batch = batch_of(number + 2, lines.track(f"{POISON}{number}", "Ordered"))
        with pytest.raises(ShardStopped):
            poisoned.take(batch)
        poisoned.open().take(batch, poisoned.now_ms)

    assert poisoned.people() == [f"{POISON}1", f"{POISON}2"]
    assert poisoned.open().dead_letters.listed()[0].person == f"{POISON}1"
    lost = [fact for fact in poisoned.facts() if isinstance(fact, LimitReached)]
    assert [(fact.person, fact.setting) for fact in lost] == [(f"{POISON}0", "dead_letters_max")]


def test_an_event_is_a_suspect_once_the_process_has_ended_with_it_so_often(poisoned: Poisoned, lines: Lines) -> None:
    poisoned.mended = True
    batch = batch_of(1, lines.identify("anna"), lines.track("anna", "Ordered"))

    for _ in range(DEATHS_MAX - 1):
        next(poisoned.shard.taking(batch, poisoned.now_ms))  # and there it ends
        poisoned.open()
    innocent = poisoned.store.scratch().tobytes()
    next(poisoned.shard.taking(batch, poisoned.now_ms))
    answer = poisoned.open().take(batch, poisoned.now_ms)

    assert list(answer.outcomes) == [3, 0]
    assert answer.reasons[0].endswith(f"the process ended {DEATHS_MAX} times while it was being applied")
    in_hand = InHand()
    in_hand.restore(memoryview(bytearray(innocent)))
    assert not in_hand.suspects, "once less is no proof"


def test_a_process_that_ends_between_inputs_blames_none(poisoned: Poisoned, lines: Lines) -> None:
    poisoned.mended = True
    for number in range(1, 10):
        poisoned.take(batch_of(number, lines.identify("anna")))
        poisoned.open()

    assert bytes(poisoned.store.scratch()) == bytes(SCRATCH_BYTES)


def test_marks_that_are_noted_are_found_again_and_the_oldest_are_forgotten() -> None:
    scratch = memoryview(bytearray(SCRATCH_BYTES))
    in_hand = InHand()
    in_hand.restore(scratch)
    marks = [line_mark(bytes([number]) * DIGEST_BYTES) for number in range(ENTRIES + 3)]
    for mark in marks:
        in_hand.line(mark)
        assert in_hand.blame(ValueError("ä" * 1_000))
    assert not in_hand.blame(ValueError("of nothing in hand"))

    again = InHand()
    again.restore(scratch)

    assert set(again.suspects) == set(marks[3:])
    assert all(reason.startswith("ValueError: äää") for reason in again.suspects.values())
    again.acquit(marks[-1])
    assert marks[-1] not in again.suspects


def test_an_event_that_ends_the_process_each_time_is_set_aside(tmp_path: Path) -> None:
    lives: list[int] = []
    while len(lives) <= DEATHS_MAX + 1:
        life = subprocess.run([sys.executable, SECOND_LIFE, tmp_path], capture_output=True, text=True, check=False)
        lives.append(life.returncode)
        if life.returncode == 0:
            break

    assert lives == [9] * DEATHS_MAX + [0], life.stderr
    assert life.stdout.split() == ["0", "3", "0"]


def test_scratch_bytes_need_room_on_the_disk_when_they_are_made_and_not_later(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, 0)
    scratch = store.scratch()
    scratch[:3] = b"abc"

    assert (tmp_path / "shard-0000.scratch").stat().st_blocks * 512 >= SCRATCH_BYTES
    store.close()
    again = SqliteStore(tmp_path, 0)
    assert bytes(again.scratch()[:4]) == b"abc\0"
    again.close()
