"""Which life of a project does a seed stand for? What is published when, and what happens between."""

from copy import deepcopy
from typing import Any

from tests.model import chance as drawn_from
from tests.model import generate
from tests.model.chance import STAGE_2, Chance, Document
from tests.model.journeys import NAMES, add_rules, entry, finish_wait_for, journeys, steps, without_none
from tests.model.reference.living import Happening
from tests.model.reference.times import to_text

CHANGES = (
    *("steps", "steps", "steps", "steps", "journey", "add", "drop"),
    *("audience", "message", "rule", "policies", "answers", "to"),
)
VERBS = ("pause", "pause", "pause", "close", "stop", "publish", "publish", "publish")
PUBLICATIONS_MAX = 3
# Around people on the move: what is held is held again if nights change, or if a pause lasts into the next one.
VERBS_AT_NIGHT = (*VERBS, "pause", "pause", "publish", "publish", "publish", "publish")
PUBLICATIONS_AT_NIGHT_MAX = 6


class LivingChance(Chance):
    """Draws of a case in which projects change.

    Of a series nothing is said that begins before its window does, so all windows of a case are of two lengths, the
    longer always named with the shorter; and `last`, which has none, is left out.
    """

    def about_history(self) -> str:
        name = self.pick(self.event_names)
        kept = self.pick(("", "", ', "event.total > 50"', ", 'event.kind == \"a\"'"))
        # A second off the grid: whether a change that was only possible at an instant has its place among the timers of
        # that instant by when it became possible, or by when it became certain, is not said.
        long, short = (f"{units * self.unit_ms // 1000 + 1}s" for units in (4, 2))
        return self.pick(
            (
                f'count("{name}", "{long}"{kept}) {self.pick(("> 0", "== 0", ">= 2", "< 2"))}',
                f'sum("{name}", "total", "{long}"{kept}) {self.pick(("> 50", "== 0", "<= 100"))}',
                f'count("{name}", "{long}") > 0 && count("{name}", "{short}") == 0',
            )
        )

    def about_now(self) -> str:
        # Off the grid as well.
        seconds, sign = f"{self.random.randint(1, 4) * self.unit_ms // 1000 + 1}s", self.pick(("<", "<=", ">", ">="))
        return self.pick(
            (f'profile.born {sign} now - duration("1s")', f'now {sign} profile.born + duration("{seconds}")')
        )


def case(seed: int, features: frozenset[str] = STAGE_2) -> tuple[Document, list[Happening]]:
    """A project to begin with, and all that happens to it and to its people."""
    chance = LivingChance(seed, features)
    whole: list[Document] = [first_project(chance)]
    moments = [(chance.instant_ms(), "line") for _ in range(chance.random.randint(*chance.pick(((15, 40), (30, 70)))))]
    moves = "moves" in features
    moments += [(chance.instant_ms(), "life") for _ in range(chance.random.randint(*((8, 16) if moves else (3, 9))))]
    chance.random.shuffle(moments)
    moments.sort(key=lambda moment: moment[0])
    people = chance.some(drawn_from.PEOPLE[: chance.pick((1, 2, 3))])
    happenings: list[Happening] = [("pass", to_text(chance.start_ms - chance.unit_ms))]
    for person in people:
        first = {"type": "identify", "userId": person, "traits": chance.traits(1 if chance.well_known else 0.8)}
        happenings.append(("line", first))
    states: dict[str, str] = {journey["journey"]: "open" for journey in whole[0]["journeys"]}
    paused: set[str] = set()
    for at_ms, what in moments:
        happenings.append(("pass", to_text(at_ms)))
        if what == "line":
            line = one_line(chance, whole, chance.pick(people))
            happenings.append(("line", {name: line[name] for name in line if name != "timestamp"}))
        else:
            happenings.extend(change(chance, whole, states, paused))
    end_ms = chance.start_ms + chance.units_max * chance.unit_ms
    for name in sorted(paused):
        if chance.maybe(0.7):
            end_ms += chance.random.randint(0, 2) * chance.unit_ms
            happenings += [("pass", to_text(end_ms)), ("resume", name)]
    happenings.append(("pass", to_text(end_ms + chance.random.randint(0, 8) * chance.unit_ms)))
    return whole[0], happenings


def first_project(chance: Chance) -> Document:
    named = generate.audiences(chance)
    written = generate.messages(chance)
    policies = generate.policies(chance)
    drawn = journeys(chance, list(named), written)
    for journey in drawn:
        begin_with_a_wait(chance, journey, list(named), written)
    return {
        "project": {"project": "generated", "timezone": chance.pick(drawn_from.ZONES), "policies": policies},
        "profile": {"traits": drawn_from.TRAITS, "timezone": "profile.timezone"},
        "events": {"events": generate.events(chance)},
        "audiences": {"audiences": named},
        "actions": {"actions": drawn_from.ACTIONS},
        "messages": written,
        "journeys": drawn,
    }


def change(chance: Chance, whole: list[Document], states: dict[str, str], paused: set[str]) -> list[Happening]:
    """One thing that can be done to the journeys as they stand."""
    if paused and chance.maybe(0.5):
        name = chance.pick(sorted(paused))
        paused.discard(name)
        return [("resume", name)]
    moves = "moves" in chance.features
    verb, name = chance.pick(VERBS_AT_NIGHT if moves else VERBS), chance.pick(sorted(states))
    if verb == "publish" and len(whole) < (PUBLICATIONS_AT_NIGHT_MAX if moves else PUBLICATIONS_MAX):
        whole.append(changed(chance, whole[-1]))
        states.update((journey["journey"], "open") for journey in whole[-1]["journeys"])
        return [("publish", whole[-1])]
    allowed = {"pause": name not in paused, "close": states[name] == "open", "stop": True}.get(verb, False)
    if not allowed or states[name] == "stopped":
        return []
    if verb == "pause":
        paused.add(name)
    else:
        states[name] = {"close": "closed", "stop": "stopped"}[verb]
    if verb == "stop":
        paused.discard(name)
    return [(verb, name)]


def changed(chance: Chance, project: Document) -> Document:
    """Another project, in which some things are otherwise, or none."""
    project = deepcopy(project)
    for _ in range(chance.pick((0, 1, 1, 2, 3, 3))):
        change_one(chance, project, chance.pick(CHANGES))
    if "moves" in chance.features and chance.maybe(0.7):
        change_one(chance, project, "policies")
    return project


def change_one(chance: Chance, project: Document, what: str) -> None:
    found, audiences = project["journeys"], project["audiences"]["audiences"]
    places = range(len(found))
    match what:
        case "journey" if places:
            place = chance.pick(places)
            found[place] = redrawn(chance, project, found[place]["journey"])
        case "steps" if places:
            place = chance.pick(places)
            found[place] = with_steps(chance, project, found[place])
        case "add" if unused := [name for name in NAMES if name not in {each["journey"] for each in found}]:
            found.insert(0, redrawn(chance, project, chance.pick(unused)))
        case "drop" if len(found) > 1:
            del found[chance.pick(places)]
        case "audience" if audiences:
            audiences[chance.pick(sorted(audiences))] = chance.condition(["profile", "history", "now", "consent"])
        case "message":
            message = chance.pick(project["messages"])
            message["expires"] = chance.duration(3)
            if "inboxes" in chance.features:
                message.pop("withdraw", None)
                message |= generate.withdrawal(chance)
            if message["message"] != "offer":  # whose purpose conditions name
                message["class"] = chance.pick(("marketing", "transactional"))
                message["purpose"] = chance.pick(("offer", "marketing"))
        case "rule":
            declared = chance.pick([each for each in project["events"]["events"].values() if "of" in each])
            declared["rule"] = chance.pick(('event.kind == "a"', "event.total > 50", "event.flag"))
        case "policies":
            project["project"]["policies"] = generate.policies(chance)
            if "holdouts" in chance.features and chance.maybe(0.3):
                project["project"]["holdouts"] = generate.holdouts(chance) if chance.maybe(0.7) else {}
        case "answers":
            actions: Any = deepcopy(project["actions"]["actions"])
            actions["ask"]["answer"] = dict(list(drawn_from.PROPERTIES.items())[:: chance.pick((1, 2))])
            project["actions"] = {"actions": actions}
        case "to":
            addresses = {"email": chance.pick(("profile.email", "profile.backup"))}
            project["profile"] = {**project["profile"], "addresses": addresses}
        case _:
            pass


def redrawn(chance: Chance, project: Document, name: str) -> Document:
    """Another journey of the same name."""
    audiences = list(project["audiences"]["audiences"])
    journey: Document = {"journey": name, "entry": entry(chance, audiences)}
    if all("priority" in each for each in project["journeys"]):
        journey["priority"] = chance.pick((10, 20, 20, 30))
    add_rules(chance, journey, audiences)
    return with_steps(chance, project, journey)


def with_steps(chance: Chance, project: Document, journey: Document) -> Document:
    audiences = list(project["audiences"]["audiences"])
    journey = {**journey, "steps": steps(chance, journey, audiences, project["messages"])}
    begin_with_a_wait(chance, journey, audiences, project["messages"])
    return journey


def begin_with_a_wait(chance: Chance, journey: Document, audiences: list[str], messages: list[Document]) -> None:
    """Lets most runs stay for a while, so that they are there when something is done to their journey."""
    if chance.maybe(0.7):
        later = [None, None, *(step["id"] for step in journey["steps"])]
        step: Document = {"id": "s0", "wait_for": []}
        finish_wait_for(chance, step, later, audiences, [], messages)
        # What follows is reached by whatever happens.
        step.setdefault("timeout", chance.duration())
        step.pop("on_timeout", None)
        journey["steps"].insert(0, without_none(step))


def listed(entry: Any) -> list[Document]:
    return entry if isinstance(entry, list) else [entry]


def one_line(chance: Chance, whole: list[Document], person: str) -> Document:
    """Something that happens, often what somebody waits for."""
    waiting = [
        rule["event"]
        for journey in whole[-1]["journeys"]
        for step in journey["steps"]
        for rule in [
            *listed(journey["entry"]),
            journey.get("goal", {}),
            *step.get("wait_for", []),
        ]
        if "event" in rule
    ]
    if not waiting or chance.maybe(0.5):
        return generate.one_line(chance, chance.pick(whole), person)
    # A page is seen by that name, and what has a rule is another event at first.
    name = chance.pick(waiting)
    line = {"userId": person, "type": "track", "event": drawn_from.RULED.get(name, name)}
    return {**line, "properties": chance.properties()}
