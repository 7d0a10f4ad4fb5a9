"""Mutants of the engine: each breaks a promise by a few words, and is to be found within so many seeds."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Mutant:
    """A change of the engine's source.

    file          below engine/parcours
    text          what is replaced there; it occurs once
    start         the first seed that is tried
    seeds         how many have to suffice
    often         whether it is tried with every run of the tests
    """

    name: str
    file: str
    text: str
    replacement: str
    start: int = 0
    seeds: int = 300
    often: bool = False

    def apply(self, engine: Path) -> None:
        """Change a copy of the source."""
        path = engine / "parcours" / self.file
        source = path.read_text()
        assert source.count(self.text) == 1, f"the text of {self.name!r} is not in {self.file} once"
        path.write_text(source.replace(self.text, self.replacement))


def copy_to(folder: Path, *packages: Path) -> None:
    """Copies of packages to be changed, with what is compiled of them: only what is changed is compiled again."""
    half_written = shutil.ignore_patterns("*.pyc.*")
    for package in packages:
        shutil.copytree(package, folder / package.name, ignore=half_written)


MUTANTS: Final = (
    Mutant(
        "the epoch is not checked",
        "store/fencing.py",
        """    if record.epoch < held:
        raise StoreBusy(f"the shard is held under epoch {held}; epoch {record.epoch} is over and has to stop")
    assert record.epoch == held, f"epoch {record.epoch} has not been acquired, {held} is held"
""",
        "",
        often=True,
    ),
    Mutant(
        "a batch is acknowledged though its commit failed",
        "shard/commits.py",
        "            size_bytes = self._store.append(record)\n",
        """            try:
                size_bytes = self._store.append(record)
            except StoreBroken:
                size_bytes = 0
""",
        often=True,
    ),
    Mutant(
        "deliveries are handed over before their claim is committed",
        "shard/shard.py",
        """            self.commits.commit(work)
            return Claims(""",
        "            return Claims(",
    ),
    Mutant(
        "a dispatcher claims more than can start",
        "dispatch/dispatcher.py",
        "        return min(free, self._settings.claim_max)\n",
        "        return self._settings.claim_max\n",
    ),
    Mutant(
        "what was claimed is forgotten when a shard opens",
        "shard/claiming.py",
        '            if states == ["claimed"]:',
        '            if states == ["nothing"]:',
        often=True,
    ),
    Mutant(
        "ambiguous marketing is sent again",
        "core/delivery/feedback.py",
        'return is_call(delivery) or (message is not None and message.message_class == "transactional")',
        "return is_call(delivery) or message is not None",
        often=True,
    ),
    Mutant(
        "timers fire before their time",
        "shard/timekeeping.py",
        "return stamp_ms  # under load there is always something due, and a commit of its own would cost an fsync",
        "return stamp_ms + 600_000",
    ),
    Mutant(
        "message ids are forgotten when a shard opens",
        "shard/ids/seen.py",
        "                    seen[key] = at\n",
        "",
    ),
    Mutant(
        "records are trimmed that no image covers",
        "shard/imaging.py",
        """        needed_after = min(self._oldest, ids_through)
""",
        """        needed_after = sequence
""",
    ),
    Mutant(
        "a router does not go back",
        "routing/lane.py",
        "            flight = self._flights[0]\n            answer = await self._ask(flight)",
        "            flight = self._flights[-1]\n            answer = await self._ask(flight)",
    ),
    Mutant(
        "positions are not restored",
        "shard/batches.py",
        "        for part in (self.positions, self.partitions):",
        "        for part in (self.partitions,):",
        often=True,
    ),
    Mutant(
        "what a dead dispatcher had claimed stays claimed",
        "shard/shard.py",
        "            self._leaving.give_up(work, by)\n",
        "",
    ),
    Mutant(
        "receipts are brought home once only",
        "dispatch/dispatcher.py",
        "            self._receipts[shard] = receipts + self._receipts.get(shard, [])\n",
        "            self._holds[shard].clear()\n",
    ),
    Mutant(
        "claims whose answer was lost stay claimed",
        "dispatch/dispatcher.py",
        "            self._lost.add(shard)\n",
        "",
        start=1_500,
        seeds=100,
    ),
    Mutant(
        "totals are not restored",
        "shard/recovery.py",
        "    totals.restored(slots.own.profiles)\n",
        "",
    ),
    Mutant(
        "timers are forgotten when a shard opens",
        "shard/shard.py",
        "            self._wheel.add(person, due)\n",
        "            del due\n",
    ),
    Mutant(
        "images lose the outbox",
        "shard/slots.py",
        "return SlotImage(number, sequence, slot.profiles, slot.outbox, slot.reached, slot.addresses)",
        "return SlotImage(number, sequence, slot.profiles, {}, slot.reached, slot.addresses)",
    ),
    Mutant(
        "batches are taken in whatever order they come",
        "shard/batches.py",
        "        if batch.number != expected:\n",
        "        if batch.number < expected:\n",
    ),
    Mutant(
        "a delivery in doubt by a crash is not sent again",
        "core/delivery/feedback.py",
        "None, again=attempts < most)",
        "None, again=False)",
    ),
    Mutant(
        "a receipt of an older claim counts",
        "shard/outbox.py",
        "if claim is None or (claim.by, claim.number) != (by, number):",
        "if claim is None:",
    ),
    Mutant(
        "a request that comes twice is carried out twice",
        "shard/claiming.py",
        "        if asked.number <= self._heard.get(asked.by, 0):\n",
        "        if asked.number < self._heard.get(asked.by, 0):\n",
        seeds=1_000,
    ),
    Mutant(
        "a request that has been overtaken is carried out",
        "shard/claiming.py",
        "        if asked.number <= self._heard.get(asked.by, 0):\n",
        "        if asked.number == self._heard.get(asked.by, 0):\n",
        seeds=1_000,
    ),
    Mutant(
        "a dispatcher that was given up is handed more",
        "shard/claiming.py",
        "        if asked.by in self._given_up:\n            return []\n",
        "",
        start=2_000,
        seeds=50,
    ),
    Mutant(
        "a change is told to one shard only",
        "routing/change_protocol.py",
        "    for port in ports:\n        await until_answered(partial(port.ask, Publish(attempt, after)))\n",
        "    await until_answered(partial(ports[0].ask, Publish(attempt, after)))\n"
        "    await until_answered(partial(ports[1].ask, Release(attempt)))\n",
    ),
    Mutant(
        "a change that was begun is not settled",
        "routing/change_protocol.py",
        "Publish(NO_ATTEMPT, known)))\n        for scan",
        "Release(NO_ATTEMPT)))\n        for scan",
    ),
    Mutant(
        "a shard stands still for a change that is over",
        "shard/attempts.py",
        "return attempt == self._newest and not self._is_over",
        "return attempt == self._newest",
        start=1_600,
        seeds=50,
        often=True,
    ),
    Mutant(
        "a shard goes on because an older change is over",
        "shard/attempts.py",
        "        if attempt < self._newest:\n            return False\n        self._newest,",
        "        self._newest,",
    ),
    Mutant(
        "records are trimmed that are not exported",
        "shard/export_state.py",
        '"""The end of a range is durable: its records may be trimmed."""\n'
        "        self.readers.read(EXPORT, self._entry.exported)",
        "self.readers.read(EXPORT, self._newest)",
    ),
    Mutant(
        "a range is exported that is not committed",
        "shard/exporting.py",
        "                work.own.append(self._state.begin(ahead, work.stamp_ms))\n",
        "                self._state.begin(ahead, work.stamp_ms)\n",
    ),
    Mutant(
        "a range that has been ended is handed over",
        "shard/exporting.py",
        "        if not self._state.is_read(last - self._state.offset):\n            return None\n",
        "",
    ),
    Mutant(
        "a dead letter that was set aside twice is applied twice",
        "shard/intake.py",
        "            if is_known:\n",
        "            if is_known and digests is None:\n",
        seeds=1_000,
    ),
    Mutant(
        "what is sent again stays a dead letter",
        "shard/shard.py",
        "self._dead_letters.drop(each) for place, each in enumerate(letters) if place not in kept",
        "self._dead_letters.drop(each) for each in letters if each in kept",
    ),
    Mutant(
        "a resumed journey makes what is over ready again",
        "core/delivery/sending.py",
        "            settle(turn, delivery)\n",
        "            turn.effects.settled.append(delivery.key)\n",
        seeds=3_000,
    ),
    Mutant(
        "a withdrawal from an inbox is not journaled",
        "shard/commits.py",
        "written = [*profiles, *((OWN, name, data) for name, data in latest.items())] if own else profiles\n",
        """lost = any(change.what == "withdrawn" for change in work.inbox)
            written = [*(() if lost else profiles), *((OWN, name, data) for name, data in latest.items())]
""",
        often=True,
    ),
    Mutant(
        "what was claimed for an inbox is laid there again after a crash",
        "core/delivery/feedback.py",
        "            _sent(turn, run, delivery)\n            inbox.place(turn, run, delivery, receipt)\n",
        """            _has_left(turn, delivery)
            reach(turn, run, delivery, "sent", reason=None)
            inbox.place(turn, run, delivery, receipt)
""",
        often=True,
    ),
    Mutant(
        "an exit leaves in an inbox what was not seen",
        "core/delivery/sending.py",
        "        take_back_of(turn, run)\n",
        "        del turn\n",
    ),
    Mutant(
        "a withdrawal from an inbox is not told",
        "core/delivery/inbox.py",
        '        reach(turn, run, delivery, "withdrawn", reason=why)\n',
        "",
    ),
    Mutant(
        "what lies in an inbox does not expire",
        "core/delivery/inbox.py",
        '    turn.set_timer(expires, "expiry", run, delivery.key)\n',
        "",
    ),
    Mutant(
        "a dismissal hides nothing",
        "core/delivery/inbox.py",
        '            _take_out(turn, entry)\n            _tell(turn, entry, "withdrawn", "dismissed")\n',
        '            _tell(turn, entry, "withdrawn", "dismissed")\n',
    ),
    Mutant(
        "who waits for an answer about somebody does not stand still",
        "shard/names.py",
        "        self.still |= self._joining\n",
        "",
    ),
    Mutant(
        "a name comes back without the ids consumed under it",
        "shard/moving.py",
        "Forgotten(name, person, by_time(ids))",
        "Forgotten(name, person, by_time({}) if ids else [])",
        start=350,
    ),
    Mutant(
        "later lines of a deferred name are taken",
        "shard/deferrals.py",
        "        return name in self.waiting or ALL_OTHERS in self.waiting\n",
        "        return False\n",
        often=True,
    ),
    Mutant(
        "what was claimed of somebody who left is forgotten",
        "shard/moving.py",
        "                    work.outbox[slot, key] = msgspec.structs.replace(work.entry(slot, key), person=person)\n",
        "                    work.outbox[slot, key] = None\n",
    ),
    Mutant(
        "somebody who comes is joined as often as she comes",
        "shard/peers.py",
        "return batch.messages[taken + 1 - batch.first :]",
        "return batch.messages",
    ),
    Mutant(
        "a grant of one holds over a withdrawal of the other",
        "core/consent.py",
        "if said is False or also_said is False:",
        "if said is False and also_said is not True:",
    ),
    Mutant(
        "keys go by the new number of a run that has moved",
        "core/delivery/deliveries.py",
        "    origin = turn.origin_of(run)\n",
        "    origin = type(turn.origin_of(run))(turn.person, run.number)\n",
        often=True,
    ),
    Mutant(
        "messages to other shards are not restored",
        "shard/shard.py",
        "        self.peers.restore()\n",
        "",
    ),
    Mutant(
        "nobody stands still any more when a shard opens",
        "shard/moving.py",
        "        self._standing = standings(self._slots.own.profiles)\n",
        "        self._standing = {}\n",
    ),
)
