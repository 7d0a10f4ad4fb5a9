"""The undisturbed twin: the same inputs with the recorded stamps, fed to the core alone.

It has no store, no queue and no process, so nothing can be lost or done twice by it; what it ends with is what each
person must end with. Which lines of a batch count, it decides for itself: a message counts once within its window.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

import msgspec

from parcours.channel import INBOX, Accepted
from parcours.config import Settings
from parcours.core.advance import advance, first_timer
from parcours.core.audiences import unfilled
from parcours.core.delivery.deliveries import TO_LEAVE
from parcours.core.delivery.destinations import retold
from parcours.core.effect import Outgoing
from parcours.core.fact import DeliveryReached, Fact
from parcours.core.input import DeliveriesClaimed, DeliveryRecorded, Input, Interrupted, ReceiptArrived, TimerDue
from parcours.core.profile import DeliveryState, Profile, decode_profile, encode_profile
from parcours.core.run.kept_scores import unkept
from parcours.journey.publish.publications import PublicationCompiler, Publications, begun
from parcours.segment.inputs import input_of
from parcours.segment.line import read_call
from parcours.shard.messages import Batch
from parcours.shard.outbox import is_retried
from parcours.shard.published import PendingChange
from parcours.testing.faults.disk import Answered, Claimed, Commit, SetAside, Unasked
from parcours.testing.faults.inboxes import lay
from parcours.testing.faults.project import shop


class Twin:
    """The people of one shard.

    applied    each line that counted, in their order
    set_aside  each that became a dead letter
    """

    def __init__(self, settings: Settings, owners: dict[bytes, str]) -> None:
        """`owners` says whose each line is."""
        self.people: defaultdict[str, Profile] = defaultdict(Profile)
        self.facts: defaultdict[str, list[Fact]] = defaultdict(list)
        self.applied: list[bytes] = []
        self.set_aside: set[bytes] = set()
        self._settings = settings
        self._owners = owners
        self._compiler = PublicationCompiler(shop())
        self._published = begun(shop())
        self._program = shop().program
        self._seen: dict[tuple[str, object], int] = {}
        self._outbox: set[str] = set()
        self._to_inboxes: dict[str, Outgoing] = {}

    def follow(self, commits: Iterable[Commit], end_ms: int) -> None:
        """Live through these commits, and up to this time."""
        for commit in commits:
            if commit.opens:
                self._lose_claims(commit)
            aside = {given.line for given in commit.given if isinstance(given, SetAside)}
            self.set_aside |= aside
            for given in commit.given:
                match given:
                    case Publications():
                        self._publish(given)
                    case Batch():
                        self._take(given, commit.stamp_ms, aside)
                    case Claimed(person=person, key=key):
                        self._apply(person, DeliveriesClaimed(commit.stamp_ms, (key,)))
                    case Answered(person=person, receipt=receipt):
                        self._apply(person, ReceiptArrived(commit.stamp_ms, receipt))
                    case SetAside():
                        continue
                    case Unasked(receipt=receipt):
                        self._hear_late(ReceiptArrived(commit.stamp_ms, receipt))
        for person in list(self.people):
            self._fire(person, end_ms)

    def state(self, person: str) -> Profile:
        """Everything known of the person, as it would come out of a store."""
        return as_compared(decode_profile(encode_profile(self.people[person])))

    def _publish(self, publications: Publications) -> None:
        """Everybody goes through the change at once: after what was due before it, and before anything later."""
        ledger, before = publications.ledger, self._published.ledger
        for person in list(self.people):
            self._fire(person, ledger.at)
        program, self._published = self._compiler.program(publications), publications
        touched = [each(self._program, program) for each in (unfilled, unkept, retold)]
        self._program = program
        change = PendingChange(ledger, before, *touched).given() if ledger.number > before.number else None
        if change is not None:
            for person in list(self.people):
                self._advance(person, change)

    def _take(self, batch: Batch, at: int, aside: set[bytes]) -> None:
        for number, line in zip(batch.line_numbers, batch.lines, strict=True):
            if line in aside:
                continue
            call = read_call(line)
            person = self._owners[line]
            identity: object = call.message_id or (batch.router, number, line)
            before = self._seen.get((person, identity))
            if before is not None and at - before < self._settings.message_ids_for_ms:
                continue
            self._seen[person, identity] = at
            self.applied.append(line)
            given = input_of(call, at, self._program, self._settings)
            if given is not None:
                self._apply(person, given)

    def _hear_late(self, given: ReceiptArrived) -> None:
        """Only that something was accepted still counts, where another attempt was to be made."""
        if isinstance(given.receipt, Accepted):
            for person, delivery in self._deliveries():
                if delivery.key == given.receipt.key:
                    self._fire(person, given.at)  # a retry that is due by then is over
                    if delivery.key in self._outbox:
                        self._advance(person, given)
                    return

    def _deliveries(self) -> Iterator[tuple[str, DeliveryState]]:
        for person, profile in self.people.items():
            for run in (*profile.runs, *profile.past):
                for delivery in run.deliveries:
                    yield person, delivery

    def _lose_claims(self, commit: Commit) -> None:
        """A shard has come back: what was claimed is in doubt, unless a reaction has answered for it meanwhile. Nobody
        waits for a receipt of that any more. In which words a doubt is told, is the shard's affair.
        """
        told = {
            fact.key: (fact.person, fact.reason or "")
            for fact in commit.facts
            if isinstance(fact, DeliveryReached) and fact.outcome == "unknown"
        }
        claimed = {delivery.key: person for person, delivery in self._deliveries() if delivery.state == "claimed"}
        self._outbox.difference_update(
            delivery.key
            for person, delivery in self._deliveries()
            if delivery.state not in TO_LEAVE and not is_retried(self.people[person], delivery.key)
        )
        for key, (person, reason) in told.items():
            self._apply(person, ReceiptArrived(commit.stamp_ms, Interrupted(key, reason.rpartition("; ")[0])))
        for key in claimed.keys() - told.keys():
            self._apply(claimed[key], ReceiptArrived(commit.stamp_ms, Interrupted(key, "nobody told of it")))

    def _apply(self, person: str, given: Input) -> None:
        self._fire(person, given.at)
        self._advance(person, given)

    def _fire(self, person: str, before_ms: int) -> None:
        while (timer := first_timer(self.people[person], before_ms)) is not None:
            self._advance(person, TimerDue(timer.due))

    def _advance(self, person: str, given: Input) -> None:
        """Apply an input; what is ready then for an inbox is laid there at once."""
        inputs: deque[Input] = deque([given])
        while inputs:
            effects = advance(person, self.people[person], inputs.popleft(), self._program, self._settings)
            self.facts[person] += effects.facts
            self._outbox.update(each.key for each in effects.queued)
            self._outbox.difference_update(effects.settled)
            self._to_inboxes.update({each.key: each for each in effects.queued if each.channel in INBOX})
            laid = [lay(self._to_inboxes[key], self._program) for key in effects.ready if key in self._to_inboxes]
            inputs += [DeliveryRecorded(given.at, receipt) for receipt in laid]


def as_compared(profile: Profile) -> Profile:
    """Without the number of the change that she has gone through: not everybody is visited by each."""
    return msgspec.structs.replace(profile, change_number=0)
