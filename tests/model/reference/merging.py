"""What becomes of two people when a line says that they are one?

The line itself comes first, with all that follows from it at its instant. Then each name that it links is asked for,
one after the other; only when all of that is over does anything leave that was queued meanwhile.
"""

from typing import Any

from tests.model.reference import audiences, deliveries, inboxes, inputs, steps
from tests.model.reference.crowd import Crowd
from tests.model.reference.learning import new_fact
from tests.model.reference.links import Link, is_never, is_no_id, is_user, links, written_name
from tests.model.reference.people import Document, Person, forget, leave, record, runs_in_order
from tests.model.reference.timekeeping import let_timers_fire
from tests.model.reference.times import DAY_MS, parse_instant, to_text

USED = "used"


def apply_line(crowd: Crowd, line: Document) -> None:
    world = crowd.life.worlds[-1]
    name = written_name(world, line)
    if name is None:
        return
    now_ms = parse_instant(line["timestamp"])
    person = crowd.called(name)
    # A person's own earlier timers fire first.
    let_timers_fire(person, now_ms - 1)
    if is_repeated(crowd, name, line, now_ms):
        return
    # By an identify with the user id, or by a consent call.
    if is_user(name) and line["type"] in ("identify", "consent"):
        person.identified = True
    inputs.take_line(person, line)
    leave(person)
    for link in links(world, line):
        follow(crowd, person, link, now_ms)
    inputs.let_go(person, now_ms)
    forget(person)


def is_repeated(crowd: Crowd, name: str, line: Document, now_ms: int) -> bool:
    # A message id is recognised for 24 hours, among those that were written under the same name.
    if "messageId" not in line:
        return False
    first_ms = crowd.life.message_ids.get((name, line["messageId"]))
    if first_ms is not None and now_ms < first_ms + DAY_MS:
        return True
    crowd.life.message_ids[name, line["messageId"]] = now_ms
    return False


def follow(crowd: Crowd, person: Person, link: Link, now_ms: int) -> None:
    """Merges whoever has the name, or tells why not."""
    name = meant(crowd, link)
    if name == person.id or crowd.owner.get(name) == person.id:
        return
    why_not = refusal(crowd, person, name, link.call)
    if why_not is None:
        merge(crowd, person, name, link.call, now_ms)
        return
    # Another's, so that it is nobody's from now on.
    if why_not == "shared" and name in crowd.owner:
        crowd.cut_loose(name)
    if why_not != "never":
        told = {"at": to_text(now_ms), "profile": person.id, "name": None, "call": link.call, "why": why_not}
        person.told_of_names.append(told)


def meant(crowd: Crowd, link: Link) -> str:
    """Of an alias the anonymous person, if there is one, else the user, if there is one, else the name to be linked."""
    is_asked = not is_never(crowd.life.worlds[-1], link.name)
    if link.user is None or (is_asked and crowd.knows(link.name)) or not crowd.knows(link.user):
        return link.name
    return link.user


def refusal(crowd: Crowd, person: Person, name: str, call: str) -> str | None:
    if is_no_id(name) or is_no_id(person.id):
        return "no_id"
    # What a project says of calls holds for no line that tells what has taken place.
    if call != "merge" and is_never(crowd.life.worlds[-1], name):
        return "never"
    other = crowd.people.get(name)
    if other is not None and other.identified:
        return "two_known"
    if name in crowd.owner or (other is not None and other.shared):
        return "shared"
    if len(person.names) >= crowd.life.limits.identities_max:
        return "identities_max"
    return None


def merge(crowd: Crowd, person: Person, name: str, call: str, now_ms: int) -> None:
    other = crowd.take_away(name, person)
    let_timers_fire(other, now_ms - 1)
    person.identified = True
    person.known = person.known or other.known
    is_used = person.world.settings.get("anonymous_history") == USED
    join_what_is_known(person, other, is_used=is_used)
    runs = join_runs(person, other, now_ms, is_used=is_used)
    join_time(person, other, is_used=is_used)
    told = {"at": to_text(now_ms), "profile": person.id, "name": name, "call": call, "why": None, "runs": runs}
    person.told_of_names.append(told)
    if person.known:
        # The phases run once for what changed, over all of her runs.
        person.caused_in_all = 0
        inputs.phases(person, now_ms, new_fact(audiences.refresh(person, now_ms)))
        inputs.settle(person, now_ms)
    leave(person)


def join_what_is_known(person: Person, other: Person, *, is_used: bool) -> None:
    declared = person.world.profile.get("traits", {})
    fill(person.traits, other.traits, None if is_used else set(declared))
    person.consents = consents_of_both(person, other, is_used=is_used)
    for place, since_ms in other.suppressed.items():
        deliveries.suppress(person, place, since_ms)
    for place, times in other.failed_at.items():
        # Soft failures of an address count together.
        person.failed_at[place] = sorted([*person.failed_at.get(place, []), *times])
    if is_used:
        # By time, hers first where it is the same.
        person.history = sorted([*person.history, *other.history], key=lambda event: int(event["at"]))


def fill(own: Document, others: Document, declared: set[str] | None, path: str = "") -> None:
    """Fills what is lacking, path by path; only what is declared, if that is given."""
    for name, theirs in others.items():
        inner = f"{path}{name}"
        if isinstance(own.get(name), dict) and isinstance(theirs, dict):
            fill(own[name], theirs, declared, f"{inner}.")
        elif own.get(name) is None:
            if isinstance(theirs, dict) and declared is not None and inner not in declared:
                filled: Document = {}
                fill(filled, theirs, declared, f"{inner}.")
                theirs = filled or None
            elif declared is not None and inner not in declared:
                theirs = None
            if theirs is not None:
                own[name] = theirs


def word(given: dict[str | None, bool], purpose: str | None) -> bool | None:
    """What one has said at a key: there, else of the channel, else nothing."""
    return given.get(purpose, given.get(None))


def consents_of_both(person: Person, other: Person, *, is_used: bool) -> dict[str, dict[str | None, bool]]:
    joined: dict[str, dict[str | None, bool]] = {}
    for channel in {**person.consents, **other.consents}:
        own, theirs = person.consents.get(channel, {}), other.consents.get(channel, {})
        for purpose in {**own, **theirs}:
            words = (word(own, purpose), word(theirs, purpose))
            if False in words:
                joined.setdefault(channel, {})[purpose] = False
            # A grant on a device that is shared is nobody's.
            elif is_used or words[0]:
                joined.setdefault(channel, {})[purpose] = True
    return joined


def join_runs(person: Person, other: Person, now_ms: int, *, is_used: bool) -> list[tuple[Any, ...]]:
    """Lets the other's runs arrive under their new numbers; answers what became of the open ones."""
    before, own = dict(person.counts), list(person.runs)
    told = []
    # By priority, name and number.
    for run in runs_in_order(other):
        name, number = run["journey"]["journey"], run["number"]
        was_open = run["status"] != "ended"
        why = None
        if was_open:
            why = objection(person, run, own) if is_used else "unused"
        if why is not None:
            # What she has not seen of a run that ends is taken back, as at an exit.
            deliveries.cancel(other, now_ms, run)
            steps.end(other, now_ms, run, "ended", f"merged: {why}")
        elif not is_used:
            deliveries.cancel_unclaimed(other, now_ms, run)
        if not is_used:
            leave_nothing(other, now_ms, run)
        run["number"] = before.get(name, 0) + number
        if was_open:
            told.append((name, run["version"], number, None if why else run["number"], why, run["step"]))
            if why is None:
                record(person, now_ms, run, "merged", f"{other.id} run {number}", run["step"])
        # Where the past is not used, runs of one key or another are not told apart any more.
        if is_used or run["correlation"] is None:
            person.runs.append(run)
            person.deliveries += [one for one in other.deliveries if one["run"] is run]
    for name, number in other.counts.items():
        person.counts[name] = before.get(name, 0) + number
    person.reserved = sorted([*person.reserved, *other.reserved], key=lambda one: int(one["at"]))
    person.inbox = sorted([*person.inbox, *other.inbox], key=lambda one: int(one["at"]))
    inboxes.make_room(person, now_ms)
    return told


def objection(person: Person, run: Document, own: list[Document]) -> str | None:
    """Why an open run does not arrive as one, where those are the person's own."""
    exits = [rule["audience"] for rule in run["journey"].get("exit", []) if "audience" in rule]
    if any(person.settled.get(run["world"].audience_key(name), False) for name in exits):
        return "exit_audience"
    key = (run["journey"]["journey"], run["correlation"])
    same_key = [each for each in own if (each["journey"]["journey"], each["correlation"]) == key]
    if any(each["status"] != "ended" for each in same_key):
        return "already_in"
    # A run of hers that had ended by then: would it have refused the entry?
    earlier = [each for each in same_key if each["ended_at"] <= run["entered_at"]]
    if inputs.refused_by_own_runs(run["entered_at"], run["journey"], run["correlation"], earlier):
        return "too_soon"
    if inputs.runs_in_the_way(person) >= person.world.life.limits.open_runs_max:
        return "open_runs_max"
    return None


def leave_nothing(other: Person, now_ms: int, run: Document) -> None:
    """Nothing of a run from before the log-in is read, credited or shown any more."""
    run["entry"], run["event"], run["goals"] = None, None, False
    for entry in list(other.inbox):
        if entry["delivery"]["run"] is run:
            inboxes.withdraw(other, now_ms, entry, inboxes.EXIT)


def join_time(person: Person, other: Person, *, is_used: bool) -> None:
    """Timers come after hers of the same instant; what a paused journey has kept, by time."""
    known = [timer["journey"] for timer in person.timers if timer["kind"] == "entry"]
    for timer in other.timers:
        # A read that already counts the person lets her enter once.
        counted = timer["kind"] == "entry" and (timer["journey"] in known or not is_used)
        # The other's memberships lapse.
        if timer["kind"] != "audience" and not counted:
            person.timers.append({**timer, "order": timer["order"] + person.timers_set})
    if is_used:
        for name, kept in other.kept.items():
            for one in kept:
                one["order"] = None if one["order"] is None else one["order"] + person.timers_set
            person.kept[name] = sorted([*person.kept.get(name, []), *kept], key=lambda one: int(one["at"]))
    person.timers_set += other.timers_set
