"""What becomes of people while journeys are published, closed, stopped, paused and resumed around them?

Time and everything that happens come one after the other: what falls due when time passes to an instant has happened
before whatever is told at that instant.
"""

from functools import partial
from typing import Any

from tests.model.reference import audiences, deliveries, inputs, learning, merging, steps
from tests.model.reference.crowd import Crowd
from tests.model.reference.people import Document, Person, forget, runs_of
from tests.model.reference.simulation import in_order, read, read_instants
from tests.model.reference.timekeeping import is_kept, let_timers_fire
from tests.model.reference.times import parse_instant, to_text
from tests.model.reference.worlds import Life, Limits, World

Happening = tuple[str, Any]  # what, and of what: pass (an instant), line, publish (a project), or a verb and a journey


def live(
    project: Document, happenings: list[Happening], limits: Limits = Limits()
) -> tuple[list[Document], list[Document]]:
    """The lines of transitions and of deliveries, in the order in which they are written."""
    return lines_told(people_at_end(project, happenings, limits))


def lines_told(people: list[Person]) -> tuple[list[Document], list[Document]]:
    return (
        in_order([line for person in people for line in person.transitions]),
        in_order([line for person in people for line in person.delivery_lines]),
    )


def people_at_end(project: Document, happenings: list[Happening], limits: Limits = Limits()) -> list[Person]:
    """Whoever it happened to, with all that was written down of them. The first happening is to pass to an instant."""
    life = Life(limits)
    World(project, life)
    crowd = Crowd(life)
    now_ms: int | None = None
    for life.order, (what, of) in enumerate(happenings, 1):
        if what == "pass":
            pass_time(life, crowd, now_ms, parse_instant(of))
            now_ms = parse_instant(of)
            continue
        assert now_ms is not None, "the first happening is to pass to an instant"
        if what == "line":
            merging.apply_line(crowd, {**of, "timestamp": to_text(now_ms)})
        else:
            change(life, list(crowd.people.values()), now_ms, what, of)
    return crowd.everybody()


def pass_time(life: Life, crowd: Crowd, from_ms: int | None, to_ms: int) -> None:
    """Everything due up to and including an instant happens; reads of instants before it have been missed."""
    world = life.worlds[-1]
    for read_ms in read_instants(world, to_ms, to_ms):
        # A read of the very instant of its publication has not passed before.
        if from_ms is not None and from_ms <= read_ms <= to_ms:
            for person in crowd.people.values():
                let_timers_fire(person, read_ms - 1)
            read(world, crowd.people, read_ms, to_ms, to_ms)
    for person in crowd.people.values():
        let_timers_fire(person, to_ms)


def change(life: Life, people: list[Person], now_ms: int, verb: str, of: Any) -> None:
    match verb:
        case "publish":
            world = World(of, life)
            for person in people:
                person.world = world
                audiences.fill(person, now_ms)
        case "close":
            life.state[of] = "closed"
        case "stop":
            life.state[of] = "stopped"
            life.paused.discard(of)
            for person in people:
                stop(person, now_ms, of)
                forget(person)
        case "pause":
            life.paused.add(of)
        case "resume":
            life.paused.discard(of)
            for person in people:
                make_up(person, now_ms, of)
                forget(person)
        case _:
            raise AssertionError(f"no such change: {verb}")


def stop(person: Person, now_ms: int, name: str) -> None:
    # Goals that were met in a pause have been met; the runs were open all the time.
    for kept in person.kept.pop(name, []):
        if "zone" not in kept["fact"]:
            inputs.credit_goals(person, kept["at"], kept["fact"], kept["runs"])
    for run in runs_of(person, {"journey": name}):
        if run["status"] != "ended":
            deliveries.cancel(person, now_ms, run)
            steps.end(person, now_ms, run, "ended", "stopped")


def make_up(person: Person, now_ms: int, name: str) -> None:
    """Applies what a pause kept at its own times, an event before a timer, timers as they were set; gates go by now."""
    kept = person.kept.pop(name, [])
    caused: list[list[audiences.Change]] = []
    person.gates_at_ms = now_ms
    while True:
        timer = next_timer(person, now_ms, name)
        if kept and (timer is None or goes_before(kept[0], timer)):
            given = kept.pop(0)
            at_ms, runs = given["at"], given["runs"]
            person.caused_in_all = 0
            if "zone" in given["fact"]:
                inputs.judge_anew(person, at_ms, partial(is_among, runs))
            else:
                inputs.move_runs(person, at_ms, given["fact"], runs)
            caused += hear_own(person, at_ms, name)
        elif timer is not None:
            person.caused_in_all = 0
            person.timers.remove(timer)
            inputs.act(person, timer["due"], timer)
            caused += hear_own(person, timer["due"], name)
        else:
            break
    person.gates_at_ms = None
    # For everybody else it happens now.
    for changes in caused:
        inputs.phases(person, now_ms, learning.new_fact(changes), but=name)
    inputs.apply_caused(person, now_ms)


def is_among(runs: list[Document], run: Document) -> bool:
    return any(each is run for each in runs)


def goes_before(kept: Document, timer: Document) -> bool:
    at_ms, order = kept["at"], kept["order"]
    return bool(at_ms <= timer["due"] if order is None else (at_ms, order) < (timer["due"], timer["order"]))


def hear_own(person: Person, at_ms: int, name: str) -> list[list[audiences.Change]]:
    """Lets the runs that are made up for hear what their own updates cause, at its instant."""
    heard = []
    while person.caused:
        heard.append(person.caused.pop(0))
        inputs.move_runs(person, at_ms, learning.new_fact(heard[-1]), runs_of(person, {"journey": name}))
    return heard


def next_timer(person: Person, now_ms: int, name: str) -> Document | None:
    due = [
        timer
        for timer in person.timers
        if timer["due"] <= now_ms and is_about_a_run(timer, name) and not is_kept(person, timer)
    ]
    return min(due, key=lambda timer: (timer["due"], timer["order"]), default=None)


def is_about_a_run(timer: Document, name: str) -> bool:
    run = timer["delivery"]["run"] if "delivery" in timer else timer.get("run")
    return run is not None and bool(run["journey"]["journey"] == name)
