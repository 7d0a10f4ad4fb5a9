"""What does a trouble mean, and what is there to do? The table of docs/operating.md, for whoever looks at the page.

Dots stand for what differs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple


class Meaning(NamedTuple):
    """
    trouble  how it is said, with dots for what differs
    means    what has happened
    to_do    what to do about one that is still there after five minutes
    """

    trouble: str
    means: str
    to_do: str


MEANINGS: Final[Sequence[Meaning]] = (
    Meaning(
        "its process has ended, and is started anew",
        "an actor was killed, by a lack of memory most often, or its machine is gone",
        "nothing at once; if it comes again, look at the machine's memory and at the actor's log in Ray's folder",
    ),
    Meaning(
        "no answer within ... s, so its process is ended",
        "an actor was frozen for actor_silence_ms: a machine that swaps, a disk or a folder of files that hangs",
        "look at the machine, at PostgreSQL and at the shared folder",
    ),
    Meaning(
        "... has stopped and is opened again: ...",
        "a shard could not write, and opens again by itself until it can; the end says why",
        "a full or failing disk, or the database away: mend that, and wait",
    ),
    Meaning(
        "nobody keeps the engine now: ...",
        "the keeper is away, cannot open, or has let go: lines are taken and sent, changes are refused",
        (
            "Ray starts it anew, and it tries to open each time that it is asked; the end says why it does not. If "
            "it stays away, see whether the cluster has a node with memory for it; '... has taken it over' names a "
            "process that is opening the same store elsewhere"
        ),
    ),
    Meaning(
        "shard ... does not answer shard ...: ...",
        "two shards cannot speak: whoever is to become one across them waits",
        "as for the shard that does not answer, which has a trouble of its own",
    ),
    Meaning(
        "shard ... has not said yet what it has for shard ...",
        "the same, just after an opening",
        "the same",
    ),
    Meaning(
        (
            "messages to shard ... are not answered: ..., the oldest for ... s; whoever is about to become one with "
            "somebody there stands still"
        ),
        (
            "a shard is away or very busy; only people who are about to be merged with somebody there stand still, "
            "and offers of which it counts how many everybody together got are passed over"
        ),
        "look at that shard's troubles and at its lag",
    ),
    Meaning(
        (
            "the stores of shard ... and shard ... are not of one moment, so nothing is sent there any more: ...; "
            "restore all shards from one backup"
        ),
        (
            "somebody has put a single shard back from an older copy: 'it has taken ... messages, and this one has "
            "sent ...', or 'it has had answers to ... messages, and this one took ...'"
        ),
        "do not let it run on: put back the newest files, or restore all shards from one backup",
    ),
    Meaning(
        (
            "the clock is ... s behind the engine's time, which runs slow until they agree: whatever waits is late "
            "by as much"
        ),
        "the machine's clock was wrong or is",
        "see that something sets it, then wait: Clocks",
    ),
    Meaning(
        "the machine's clock has jumped ahead by ... s: it is followed once it has stood for clock_jump_max_ms=...",
        "the clock was set, or is wrong",
        "if it is wrong, set it right within these seconds, and nothing fires early",
    ),
    Meaning(
        "dead letters: ... (see `parcours dead list`), the newest because: ...",
        "inputs that cannot be applied were set aside; everybody else's go on",
        "read the reason, mend it, and 'parcours dead resend'",
    ),
    Meaning(
        (
            "... deliveries were under way when ... stopped: ... will be sent again, ... (marketing) will not, ... "
            "(without attempts left, or of a run that was left) will not"
        ),
        (
            "a process was killed while it was sending ('1 delivery was', if it is one); told for "
            "interruptions_told_for_ms"
        ),
        "nothing: it is told so that nobody has to search",
    ),
    Meaning(
        "... deliveries wait for the channel ..., and outbox_max=...",
        "a provider takes less than is sent; with 'outbox_full: refuse' calls are refused",
        "look at the provider; pause the journey that sends so much, or raise the channel's rate",
    ),
    Meaning(
        "the channel ... does not start: ...",
        "the channel's start fails: a key, an address, a server that is away",
        "read the end; mend the provider's account, or the secret, for which the engine has to be opened again",
    ),
    Meaning(
        "the channel ... has not answered for ... s",
        "the provider hangs",
        "look at the provider's status; deliveries wait, and nothing is lost",
    ),
    Meaning(
        "the channel ... waits: ...",
        "the provider is away, or answers that it cannot now; tried again with growing pauses",
        "look at the provider's status",
    ),
    Meaning(
        "the channel ... waits: the provider refuses everybody, ...",
        "one refusal for different people in a row: an account that is blocked, a wrong key",
        "look into the provider's account with the code; deliveries wait",
    ),
    Meaning(
        "shard ... hands nothing over: ...",
        "a dispatcher gets no deliveries from a shard",
        "as for that shard",
    ),
    Meaning(
        "shard ... takes no receipts: ...",
        "what became of deliveries cannot be told to a shard, and is told again",
        "as for that shard",
    ),
    Meaning(
        "version ... of ... sends on ..., which the engine was not opened with",
        "runs of an older version need a channel that is not there: their deliveries wait",
        "open the engine with that channel, or stop the journey",
    ),
    Meaning(
        "of an older version, ... is ..., which the engine was not opened with",
        "a call of an older version has a header by a secret that is not there: it fails in the end",
        "set the variable, and open the engine again",
    ),
    Meaning(
        "message ids are remembered for ... hours: there is no room for more",
        "more events than the bounds are for: a repetition later than that counts twice",
        "raise message_ids_bytes_max or message_ids_disk_max, the one that it names",
    ),
    Meaning(
        "facts of shard ... are not exported: ...",
        "the exporter cannot write: a full disk, a folder that is away or not its own",
        "mend the folder of files; facts wait in the journal meanwhile",
    ),
    Meaning(
        "exported files are not looked after: ...",
        "files cannot be joined, or written anew after an erasure",
        "the same",
    ),
    Meaning(
        (
            "what happened in the last ... minutes is not exported yet, and the journal grows; events are not "
            "archived until it is"
        ),
        "the exporter is behind export_lag_max_ms: it fails, or has too few cores",
        "look for 'facts of shard'; else give it a core",
    ),
    Meaning(
        "facts of campaigns are not exported: ...",
        "the same, of what campaigns tell",
        "the same",
    ),
    Meaning(
        "the table of people of this day is not exported: ...",
        "the same, of the table of everybody; it is tried again all day",
        "the same; 'parcours insight people' makes one by hand",
    ),
    Meaning(
        "the destination ... does not take the facts of shard ...: ...",
        "the other side is away, or will not have us; the end says what it says",
        "mend that; facts wait in the journal for facts_held_for_ms",
    ),
    Meaning(
        (
            "the destination ... has not been told of what happened in the last ... minutes, and the journal grows; "
            "what has waited for ... is let go"
        ),
        "a destination of facts is behind export_lag_max_ms: it is away, or too slow",
        "look for 'does not take the facts'; one that does not come back is taken out of destinations.yaml",
    ),
    Meaning(
        "the destination ... was not told of all members: ...",
        ("a snapshot of a destination has broken off: the other side, or a full disk; changes of members go on"),
        "read the end; the next snapshot makes up for it",
    ),
    Meaning(
        "erasures of shard ... do not go on: ...",
        "somebody who is to be erased still lies in a file",
        "mend what the end says: it has a day, erase_within_ms",
    ),
    Meaning(
        "... erasures are not done in time: ...",
        (
            "that day is over, because 'images have to be renewed', 'the journal is not trimmed, which waits for the "
            "exporter or for a destination of facts', 'exported files are not written anew' or 'sets of campaigns are "
            "not written anew'"
        ),
        (
            "the exporter, destinations and the folder of files first; it goes on by itself, and who has to answer for "
            "it should know"
        ),
    ),
    Meaning(
        (
            "... erasures are not done: exported files may still have them, and without the extra `insight` nobody "
            "writes those anew; install it, and open the engine again"
        ),
        "exported files are there, and nobody who can write them",
        "install parcours[insight] on all nodes, and open the engine again",
    ),
    Meaning(
        "files of campaigns still have people who were erased: ...",
        "sets, or lists in exports/, cannot be written anew",
        "mend the folder of files",
    ),
    Meaning(
        "source ... cannot be read: ...",
        (
            "a source of sources.yaml cannot be opened, or does not say what it has: the log is away, a key is wrong, "
            "a folder is not there"
        ),
        "read the end and mend it; nothing is passed over, and it is tried again every half minute",
    ),
    Meaning(
        "source ... is not read: ...",
        (
            "the log is away, the partition is gone from it, or it does not hold the position any more: lines were "
            "deleted before they were read"
        ),
        ("the same; for a position that is gone see sources.md, for nobody but you may decide what is passed over"),
    ),
    Meaning(
        "source ... is not read on: ...",
        "a shard did not take what was read",
        "as for that shard; what was read is read again, and recognised",
    ),
    Meaning(
        "source ... has failed: ...: ...",
        "the source has a mistake of its own; the log says where",
        "tell whoever has written it",
    ),
    Meaning(
        "no journey reads any more: ...",
        "the reading of audiences has ended with an error of the store",
        "open the engine again, once the error is mended: it makes up for it",
    ),
    Meaning(
        "no ranking of offers learns any more: ...",
        "what rankings learn has ended with an error of the store; decisions go by what was known",
        "open the engine again, once the error is mended: nothing that was counted is lost",
    ),
    Meaning(
        "the journey ... reads no more: ...",
        "the same, with the journey that was being read",
        "the same",
    ),
    Meaning(
        "no campaign begins by its schedule any more: ...",
        "the schedule of campaigns has ended with an error",
        "open the engine again; 'parcours campaign run' begins one by hand",
    ),
    Meaning(
        "... waits: campaign_runs_max=... runs are under way",
        "a run of a campaign waits for its turn",
        "nothing, or stop a run that is not wanted",
    ),
    Meaning(
        "... waits, and tries again every ... s: ...",
        "a step of a run fails: a disk, a table that is away, facts that are not there",
        "mend what the end says; the run goes on by itself",
    ),
    Meaning(
        "... does not go on: ...: ...",
        "a run of a campaign has ended in an error that no repetition mends",
        "read the end; stop the campaign, mend its document, publish it and run it again",
    ),
)


def meaning_of(trouble: str) -> Meaning | None:
    """The row of this trouble: of several that fit the one that says most; None where there is none."""
    fitting = [each for each, pattern in _PATTERNS if pattern.search(trouble)]
    return max(fitting, key=lambda each: len(each.trouble), default=None)


def _pattern(trouble: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part.strip()) for part in trouble.split("...")), re.DOTALL)


_PATTERNS: Final = [(each, _pattern(each.trouble)) for each in MEANINGS]
