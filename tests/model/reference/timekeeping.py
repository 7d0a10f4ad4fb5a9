"""Which of a person's timers fire, in what order, when time passes?"""

from tests.model.reference.inputs import fire
from tests.model.reference.people import Document, Person


def let_timers_fire(person: Person, to_ms: int) -> None:
    """Lets all that is due up to and including an instant happen."""
    while True:
        # Timers due together fire in the order in which they were set, but what time brings to audiences goes first.
        due = [timer for timer in person.timers if timer["due"] <= to_ms and not is_kept(person, timer)]
        timer = min(due, key=firing_order, default=None)
        if timer is None:
            return
        person.timers.remove(timer)
        fire(person, timer)


def firing_order(timer: Document) -> tuple[int, bool, int]:
    return (timer["due"], timer["kind"] != "audience", timer["order"])


def is_kept(person: Person, timer: Document) -> bool:
    """Whether what a timer is about is paused, so that it is made up for later."""
    run = timer["delivery"]["run"] if "delivery" in timer else timer.get("run")
    return run is not None and run["journey"]["journey"] in person.world.life.paused
