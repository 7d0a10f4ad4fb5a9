"""What does one input do to a person? The phases of an event, a change of audience, or a timer."""

from collections.abc import Callable
from typing import Any

from tests.model.reference import audiences, calls, deliveries, inboxes, steps
from tests.model.reference.expression import holds, value
from tests.model.reference.learning import learn, new_fact
from tests.model.reference.people import (
    Document,
    Person,
    keep,
    leave,
    record,
    record_line,
    runs_in_order,
    runs_of,
    scope_of,
    zone_has_changed,
)
from tests.model.reference.times import parse_duration, parse_instant, to_datetime, zone_named
from tests.model.reference.worlds import World


def take_line(person: Person, line: Document) -> None:
    """Applies a line with all that it causes at its instant, but does not let go what it has queued."""
    now_ms = parse_instant(line["timestamp"])
    person.caused_in_all = 0
    fact = learn(person, now_ms, line)
    if fact is None:
        # A reaction that concerns no delivery is an input, with which goes what time brings at its instant.
        if line["type"] in ("reaction", "alias", "merge") and person.known:
            let_time_turn(person, now_ms)
        return
    person.known = True
    # Audiences are updated with traits and history; a change takes part in the phases of its event.
    fact["changes"] = audiences.refresh(person, now_ms)
    # What an event takes back of an inbox is gone before anything else hears of it, whatever is paused.
    inboxes.take_back_by(person, now_ms, fact, lambda run: concerns(person, now_ms, run, fact))
    phases(person, now_ms, fact)
    settle(person, now_ms)


def apply_caused(person: Person, now_ms: int) -> None:
    settle(person, now_ms)
    let_go(person, now_ms)


def settle(person: Person, now_ms: int) -> None:
    # What an update caused is applied at the same instant, before anything else of that instant.
    hear_caused(person, now_ms)
    # When the zone changes, held deliveries are judged anew, once, after what happens at that instant.
    if zone_has_changed(person, now_ms):
        judge_held(person, now_ms)
        hear_caused(person, now_ms)
        zone_has_changed(person, now_ms)


def let_go(person: Person, now_ms: int) -> None:
    for run in deliveries.claim_queued(person, now_ms):
        steps.tell_wait(person, now_ms, run)


def hear_caused(person: Person, now_ms: int) -> None:
    while person.caused:
        changes = person.caused.pop(0)
        phases(person, now_ms, new_fact(changes))


def judge_held(person: Person, now_ms: int) -> None:
    paused = {one["run"]["journey"]["journey"] for one in person.deliveries if one["state"] == "held"}
    for name in sorted(paused & person.world.life.paused):
        # Of what is paused it is kept, as every input is.
        keep(person, now_ms, name, {"zone": True})
    judge_anew(person, now_ms, lambda run: run["journey"]["journey"] not in person.world.life.paused)


def releases(person: Person) -> list[Document]:
    found = [timer for timer in person.timers if timer["kind"] == "release" and timer["delivery"]["state"] == "held"]
    return sorted(found, key=lambda timer: int(timer["order"]))


def judge_anew(person: Person, now_ms: int, concerned: Callable[[Document], bool]) -> None:
    """Judges what is held for the runs concerned. Until when they wait is told once, when all of it has been judged."""
    found = [timer for timer in releases(person) if concerned(timer["delivery"]["run"])]
    for timer in found:
        # What went on before it may have cancelled it.
        if timer["delivery"]["state"] == "held":
            person.timers.remove(timer)
            release(person, now_ms, timer["delivery"], timer)
    for timer in found:
        steps.tell_wait(person, now_ms, timer["delivery"]["run"])


def phases(person: Person, now_ms: int, fact: Document, but: str | None = None) -> None:
    # Whoever is checked for entry is in the audiences whose change has been an input: one that an update causes is yet
    # to come.
    person.settled.update((audience, change == "entered") for audience, change in fact["changes"])
    life = person.world.life
    for name in life.paused:
        if any(is_still(person, run) for run in runs_of(person, {"journey": name})):
            keep(person, now_ms, name, fact)
    # Goals, then exits, then waiting runs, then entries.
    runs = [run for run in runs_in_order(person) if run["journey"]["journey"] != but and not is_still(person, run)]
    move_runs(person, now_ms, fact, runs)
    for journey in person.world.journeys:
        entry = journey["entry"]
        event = None if "audience" in entry else event_in(fact, person.world)
        listed = entry if isinstance(entry, list) else [entry]
        called = [rule for rule in listed if calls_for(rule, fact, person.world) is not None]
        if called and life.state[journey["journey"]] == "open":
            # Of several events the first of the list that matches.
            scope = scope_of(person, now_ms, event=event)
            met = next((rule for rule in called if holds(rule.get("when"), scope)), None)
            why = calls_for(met or called[0], fact, person.world)
            enter(person, now_ms, journey, why, event, is_met=met is not None)


def is_still(person: Person, run: Document) -> bool:
    return run["journey"]["journey"] in person.world.life.paused and run["status"] != "ended"


def move_runs(person: Person, now_ms: int, fact: Document, runs: list[Document]) -> None:
    credit_goals(person, now_ms, fact, runs)
    exit_runs(person, now_ms, fact, runs)
    advance_runs(person, now_ms, fact, runs)


def event_in(fact: Document, world: World) -> Document | None:
    found: Document | None = next((event for of, _, event in fact["events"] if of is world), None)
    return found


def calls_for(rule: Document, fact: Document, world: World) -> str | None:
    """The event or audience of a rule in a world, if that is what happened, whatever its condition says."""
    names: list[str] = next((names for of, names, _ in fact["events"] if of is world), [])
    if "event" in rule and rule["event"] in names:
        return str(rule["event"])
    if "audience" in rule:
        # Who comes to be inside has entered.
        change = {"inside": "entered", "outside": "left"}.get(rule.get("change", ""), rule.get("change", "entered"))
        if (world.audience_key(rule["audience"]), change) in fact["changes"]:
            return str(rule["audience"])
    return None


def correlation_of(person: Person, now_ms: int, journey: Document, event: Document | None) -> Any:
    if "correlation" not in journey or event is None:
        return None
    return value(journey["correlation"], scope_of(person, now_ms, event=event))


def concerns(person: Person, now_ms: int, run: Document, fact: Document) -> bool:
    # Where the correlation has a value, an event concerns the runs with that value; where it has none, all.
    wanted = correlation_of(person, now_ms, run["journey"], event_in(fact, run["world"]))
    return wanted is None or bool(wanted == run["correlation"])


def matches(person: Person, now_ms: int, run: Document, rule: Document, fact: Document) -> bool:
    """Whether an exit rule or a listener of a run is met."""
    if "reaction" in rule:
        return any(deliveries.answers(reaction, run, rule) for reaction in fact["reactions"])
    if calls_for(rule, fact, run["world"]) is None:
        return False
    # An audience is the person's, so its change concerns every run.
    if "audience" in rule:
        return True
    scope = scope_of(person, now_ms, event=event_in(fact, run["world"]), run=run)
    return concerns(person, now_ms, run, fact) and holds(rule.get("when"), scope)


def credit_goals(person: Person, now_ms: int, fact: Document, runs: list[Document]) -> None:
    for run in runs:
        if run["forgotten"] or not run["goals"]:
            continue
        goal: Document = run["journey"].get("goal", {})
        # Until entry + `within`, also after the run ended; without `within`, while it is open.
        open_still = run["status"] != "ended"
        in_time = now_ms <= run["entered_at"] + parse_duration(goal["within"]) if "within" in goal else open_still
        # Once per run.
        if goal and in_time and not run["credited"] and matches(person, now_ms, run, goal, fact):
            run["credited"] = True
            record(person, now_ms, run, "goal", None, run["step"] if open_still else None)


def exit_runs(person: Person, now_ms: int, fact: Document, runs: list[Document]) -> None:
    for run in runs:
        if run["status"] == "ended":
            continue
        # Exit rules act in every step, also while a delivery is held.
        met = [rule for rule in run["journey"].get("exit", []) if matches(person, now_ms, run, rule, fact)]
        if met:
            deliveries.cancel(person, now_ms, run)
            steps.end(person, now_ms, run, "exited", calls_for(met[0], fact, run["world"]) or "")


def advance_runs(person: Person, now_ms: int, fact: Document, runs: list[Document]) -> None:
    # Every run is looked at once, so that it consumes an event at most once.
    for run in runs:
        step = steps.step_of(run["journey"], run["step"])
        if run["status"] != "open" or "wait_for" not in step:
            continue
        # The first listener to match wins, in list order.
        met = [rule for rule in step["wait_for"] if matches(person, now_ms, run, rule, fact)]
        if met:
            why = met[0]["reaction"] if "reaction" in met[0] else calls_for(met[0], fact, run["world"])
            record(person, now_ms, run, "matched", why, run["step"])
            if "event" in met[0]:
                run["event"] = event_in(fact, run["world"])
            calls.hear(person, run, met[0])
            steps.move(person, now_ms, run, steps.following(run["journey"], step, met[0].get("next")))


def enter(
    person: Person, now_ms: int, journey: Document, why: str | None, event: Document | None, *, is_met: bool = True
) -> None:
    """Entry is checked in this order: paused, dates, `when`, exit audience, open run, re-entry."""
    refusal = refused(person, now_ms, journey, event, is_met=is_met)
    if refusal == "unmet":
        return
    if refusal is not None:
        of = (journey["journey"], person.world.versions[journey["journey"]], None)
        record_line(person, now_ms, of, "not_entered", refusal, None)
        return
    if runs_in_the_way(person) >= person.world.life.limits.open_runs_max:
        return
    number = person.counts[journey["journey"]] = person.counts.get(journey["journey"], 0) + 1
    run: Document = {
        "journey": journey,
        "world": person.world,
        "version": person.world.versions[journey["journey"]],
        "number": number,
        "origin": (person.id, number),
        "correlation": correlation_of(person, now_ms, journey, event),
        "entry": event,
        "event": event,
        "entered_at": now_ms,
        "ended_at": None,
        "status": "open",
        "step": journey["steps"][0]["id"],
        "visits": {},
        "stay": 0,
        "told_until": None,
        "credited": False,
        "forgotten": False,
        "goals": True,
    }
    person.runs.append(run)
    record(person, now_ms, run, "entered", why, None)
    steps.move(person, now_ms, run, run["step"])


def refused(person: Person, now_ms: int, journey: Document, event: Document | None, *, is_met: bool) -> str | None:
    if journey["journey"] in person.world.life.paused:
        return "paused"
    # The dates are in the project's zone, the end inclusive.
    today = to_datetime(now_ms, zone_named(None, person.world.timezone)).date().isoformat()
    if not journey.get("starts", today) <= today <= journey.get("ends", today):
        return "outside_dates"
    # An unmet `when` leaves no line.
    if not is_met:
        return "unmet"
    if audiences.in_exit_audience(person, journey):
        return "exit_audience"
    correlation = correlation_of(person, now_ms, journey, event)
    return refused_by_own_runs(now_ms, journey, correlation, runs_of(person, journey))


def refused_by_own_runs(at_ms: int, journey: Document, correlation: Any, runs: list[Document]) -> str | None:
    same_key = [run for run in runs if run["correlation"] == correlation]
    if any(run["status"] != "ended" for run in same_key):
        return "already_in"
    if correlation is not None:
        # Where there are many keys, what a forgotten run says of its own is forgotten too.
        same_key = [run for run in same_key if not run["forgotten"]]
    reentry = journey.get("reentry", "always")
    if reentry == "never" and same_key:
        return "too_soon"
    if isinstance(reentry, dict) and same_key:
        # At exactly the end of the pause it enters.
        if at_ms < max(run["ended_at"] for run in same_key) + parse_duration(reentry["after"]):
            return "too_soon"
    return None


def runs_in_the_way(person: Person) -> int:
    """How many runs count against `open_runs_max`: those that are open, and those that have yet to send."""
    waiting = [delivery["run"] for delivery in person.deliveries if delivery["state"] in ("held", "queued")]
    return sum(run["status"] != "ended" or any(each is run for each in waiting) for run in person.runs)


def fire(person: Person, timer: Document) -> None:
    """A timer does what it was set for, unless that is over."""
    person.caused_in_all = 0
    # What time brings to audiences goes before timers, as an event does.
    person.firing = None if timer["kind"] == "audience" else timer["order"]
    if act(person, timer["due"], timer):
        apply_caused(person, timer["due"])
    person.firing = None
    leave(person)


def act(person: Person, now_ms: int, timer: Document) -> bool:
    match timer["kind"]:
        case "wait" | "timeout" if timer["run"]["stay"] == timer["stay"]:
            run = timer["run"]
            step = steps.step_of(run["journey"], run["step"])
            if timer["kind"] == "timeout":
                record(person, now_ms, run, "timed_out", None, run["step"])
            steps.move(person, now_ms, run, steps.following(run["journey"], step, step.get("on_timeout")))
        case "release" if timer["delivery"]["state"] == "held":
            release(person, now_ms, timer["delivery"])
            steps.tell_wait(person, now_ms, timer["delivery"]["run"])
        case "expiry":
            inboxes.expire(person, now_ms, timer["entry"])
        case "entry":
            enter_by_read(person, now_ms, timer["journey"])
        case "audience" if person.next_change.get(timer["audience"]) == now_ms:
            changes = audiences.refresh(person, now_ms)
            if changes:
                phases(person, now_ms, new_fact(changes))
        case _:
            return False
    return True


def let_time_turn(person: Person, now_ms: int) -> None:
    if now_ms in person.next_change.values():
        person.caused_in_all = 0
        phases(person, now_ms, new_fact(audiences.refresh(person, now_ms)))
        settle(person, now_ms)


def enter_by_read(person: Person, now_ms: int, name: str) -> None:
    for journey in person.world.journeys:
        if journey["journey"] == name and person.world.life.state[name] == "open":
            enter(person, now_ms, journey, "read", None)


def release(person: Person, now_ms: int, delivery: Document, standing: Document | None = None) -> None:
    # A held delivery passes all gates again when released; the run leaves when none is held any more.
    deliveries.decide(person, deliveries.gates_at_ms(person, now_ms), delivery, standing)
    run, step = delivery["run"], delivery["of"]
    # A delivery that was held at its claim has let its run go on before.
    if run["status"] != "open" or (run["step"], run["visits"][step["id"]]) != (step["id"], delivery["visit"]):
        return
    asked = [
        other
        for other in person.deliveries
        if other["run"] is run and other["step"] == step["id"] and other["visit"] == delivery["visit"]
    ]
    steps.move(person, now_ms, run, steps.after_send(run, step, asked))
