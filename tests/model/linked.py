"""How does a case go if its people are known by several names, and lines say whose these names are?

Every line keeps what it says and when; only the name under which it is written is another one now and then. Between
them stand the lines that link names: some that are right, and whatever else clients send.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.model import generate, lives
from tests.model.chance import INBOXES, MOVES, PEOPLE, RULED, STAGE_2, Chance, Document
from tests.model.generate import Case, narrow
from tests.model.journeys import is_by_event
from tests.model.lives import begin_with_a_wait, listed
from tests.model.reference.living import Happening
from tests.model.reference.times import parse_instant, to_text
from tests.model.reference.worlds import Limits

ANONYMOUS = ("ann", "7f3a", "b2", "c3", "d4")  # the first as a user is called
CARDS = ("4711", "aB", "Ab")
VISITORS = ("visitor-1", "visitor-2")  # user ids with which nobody has logged in
NO_IDS = ("undefined", "null", " 0 ", "[object Object]")
NEVER_HEARD_OF = ("nobody", "none yet")
KEYED = ("Alpha", "Beta", "Gamma")
OF_USERS_ONLY = ("identify", "consent")


@dataclass
class Names:
    """Who is who in a case. Each name belongs to a user, though others may use it."""

    random: random.Random
    users: list[str]
    home: dict[tuple[str, str], str] = field(default_factory=dict)  # of each other name, by namespace and id

    def draw(self) -> None:
        most = self.random.choice((1, 1, 3))  # few names have much behind them
        for namespace, ids in (("anonymous", ANONYMOUS), ("loyalty", CARDS), ("user", VISITORS)):
            is_needed = namespace == "anonymous"
            for text in self.random.sample(ids, min(len(ids), self.random.randint(is_needed, most + is_needed))):
                self.home[namespace, text] = self.random.choice(self.users)

    def maybe(self, share: float) -> bool:
        return self.random.random() < share

    def of(self, user: str, *namespaces: str) -> list[tuple[str, str]]:
        """The names of a user in these namespaces; now and then all of them, whoever's they are."""
        anybody = self.maybe(0.07)
        return [name for name, owner in self.home.items() if name[0] in namespaces and (anybody or owner == user)]

    def rewritten(self, line: Document) -> Document:
        """The line, perhaps under another name of the same person."""
        line = self.of_few(line)
        user = line["userId"]
        allowed = ["anonymous"] if line["type"] in OF_USERS_ONLY else ["anonymous", "user"]
        if line.get("event") in KEYED:
            allowed.append("loyalty")
        others = self.of(user, *allowed)
        if not others or self.maybe(0.4):
            is_marked = line["type"] != "identify" and self.maybe(0.15)
            return line | ({"anonymousId": self.random.choice(ANONYMOUS)} if is_marked else {})
        namespace, text = self.random.choice(others)
        bare = {name: line[name] for name in line if name != "userId"}
        match namespace:
            case "user":
                return {**bare, "userId": text}
            case "loyalty":
                return {**bare, "properties": {**bare.get("properties", {}), "card": text}}
            case _:
                return {**bare, "anonymousId": text}

    def of_few(self, line: Document) -> Document:
        """The line, of one of the users that there are."""
        place = PEOPLE.index(line["userId"]) % len(self.users)
        return {**line, "userId": self.users[place]}

    def link_to(self, line: Document) -> list[Document]:
        """A line that links the name under which this one is written, if there is one to be linked."""
        if line.get("userId") in VISITORS:
            return [alias(line["userId"], self.home.get(("user", line["userId"]), self.users[0]))]
        if "userId" in line:
            return self.links()
        if text := line.get("anonymousId"):
            user = self.home.get(("anonymous", text), self.users[0])
            return [alias(text, user) if self.maybe(0.2) else self.identify(user, anonymousId=text)]
        if text := line.get("properties", {}).get("card"):
            user = self.home.get(("loyalty", text), self.users[0])
            return [self.identify(user, context={"externalIds": [{"type": "loyalty", "id": text}]})]
        return self.links()

    def each_to_her_home(self) -> list[Document]:
        """Every anonymous id is linked to the user whose it is."""
        return [
            self.identify(user, anonymousId=text) for (kind, text), user in self.home.items() if kind == "anonymous"
        ]

    def links(self) -> list[Document]:
        """A line that links names, or a few that come at once."""
        user = self.random.choice(self.users)
        anonymous = [text for _, text in self.of(user, "anonymous")] or list(ANONYMOUS)
        drawn = self.random.random()
        if drawn < 0.45:
            return [self.identify(user, anonymousId=self.random.choice(anonymous))]
        if drawn < 0.57:
            line = self.identify(user, context={"externalIds": list(self.external(user))})
            return [line | ({"anonymousId": self.random.choice(anonymous)} if self.maybe(0.5) else {})]
        if drawn < 0.75:
            previous = [text for _, text in self.of(user, "anonymous", "user", "user")]
            others = [*self.users, *NEVER_HEARD_OF, user]
            return [alias(self.random.choice(previous if previous and self.maybe(0.7) else others), user)]
        if drawn < 0.87:
            names = [*(written(*name) for name in self.home), self.random.choice(self.users), "@anonymous/never"]
            return [{"type": "merge", "userId": user, "name": self.random.choice(names)}]
        if drawn < 0.92:
            nobody = self.random.choice(NO_IDS)
            line = self.identify(nobody if self.maybe(0.3) else user, anonymousId=nobody)
            return [line, alias(nobody, user)] if self.maybe(0.3) else [line]
        other = self.random.choice([*VISITORS, *self.users])
        return [alias(user, other), alias(other, user)]

    def identify(self, user: str, **more: Any) -> Document:
        traits: Document = {"tier": self.random.choice(("gold", "silver", None))} if self.maybe(0.3) else {}
        if self.maybe(0.2):
            # An object, of which some is declared, and what is not declared at all.
            traits["address"] = {self.random.choice(("city", "door")): self.random.choice(("a", "b"))}
            traits["odd"] = self.random.randint(1, 9)
        return {"type": "identify", "userId": user, **more, "traits": traits}

    def external(self, user: str) -> Iterator[Document]:
        cards = [text for _, text in self.of(user, "loyalty")] or list(CARDS)
        for text in self.random.choices([*cards, "0"], k=self.random.randint(1, 2)):
            yield {"type": self.random.choice(("loyalty", "loyalty", "loyalty", "crm")), "id": text}

    def first_of(self, line: Document) -> list[Document]:
        """What is known of a person at first: under her user id, under another name, or under both of them."""
        line = self.of_few(line)
        others = [text for _, text in self.of(line["userId"], "anonymous")]
        bare = {name: line[name] for name in line if name != "userId"}
        if not others or self.maybe(0.2):
            return [line]
        known = [line] if self.maybe(0.5) else []
        return [*known, *({**bare, "anonymousId": text} for text in others)]

    def known(self) -> list[Document]:
        """Something that is known of everybody: whether nothing or somebody is there is not said where all there is is
        an event that has left nothing."""
        lines: list[Document] = [{"type": "identify", "userId": user, "traits": {"age": 29}} for user in self.users]
        for namespace, text in self.home:
            if namespace == "anonymous":
                lines.append({"type": "identify", "anonymousId": text, "traits": {"age": 31}})
            elif namespace == "user":
                dead = {"channel": "email", "address": f"{text}@example.org", "suppressed": True}
                lines.append({"type": "suppression", "userId": text, **dead})
        return lines


def written(namespace: str, text: str) -> str:
    return text if namespace == "user" else f"@{namespace}/{text}"


def alias(previous: str, user: str) -> Document:
    return {"type": "alias", "previousId": previous, "userId": user}


def names_of(seed: int) -> Names:
    drawn = random.Random(f"names {seed}")
    names = Names(drawn, list(PEOPLE[: drawn.choice((1, 2, 2, 3))]))
    names.draw()
    return names


def named(seed: int, project: Document) -> Document:
    """The project with what it says of names: the same in all of its versions."""
    drawn = random.Random(f"identities {seed}")
    identities: Document = {"loyalty": {"caseless": True} if drawn.random() < 0.5 else {}}
    if drawn.random() < 0.1:
        identities[drawn.choice(("anonymous", "loyalty"))] = {"link": "never"}
    history = {"anonymous_history": drawn.choice(("used", "used", "unused"))}
    events = {**project["events"]["events"]}
    for name in KEYED:
        properties = {**events[name]["properties"], "card": "string"}
        events[name] = {**events[name], "properties": properties}
        events[name]["key"] = {"namespace": "loyalty", "value": "event.card"}
    traits = {**project["profile"]["traits"], "address.city": "string"}
    return {
        **project,
        "project": {**project["project"], **history},
        "profile": {**project["profile"], "traits": traits, "identities": identities},
        "events": {"events": events},
    }


def limits_of(seed: int) -> Limits:
    """Now and then room for few open runs, or for what is known of one run that ended."""
    return replace(
        narrow(seed),
        open_runs_max=(1_000, 1_000, 1_000, 1_000, 1, 2)[seed % 6],
        ended_runs_max=(200, 200, 200, 1)[seed % 4],
    )


def features_of(seed: int) -> frozenset[str]:
    return (STAGE_2, STAGE_2 | INBOXES, STAGE_2 | INBOXES, MOVES | INBOXES)[seed % 4]


def case(seed: int) -> Case:
    """A case in which lines are written under several names."""
    project, lines, until_ms = generate.case(seed, features_of(seed))
    chance = Chance(seed, STAGE_2)
    project = with_waits(chance, project)
    lines = [*lines, *entering(chance, project)]
    names = names_of(seed)
    times = sorted(parse_instant(line["timestamp"]) for line in lines) or [0]
    first_ms = times[0]
    found = [{**line, "timestamp": to_text(first_ms)} for line in names.known()]
    for line in lines:
        is_first = line["type"] == "identify" and parse_instant(line["timestamp"]) == first_ms
        found += names.first_of(line) if is_first else [names.rewritten(line)]
    for _ in range(names.random.randint(1, 7)):
        about = names.random.choice(found) if found and names.maybe(0.5) else None
        if about is not None:
            link, at_ms = names.link_to(about), parse_instant(about["timestamp"])
            at_ms += names.random.choice((0, chance.unit_ms // 4, chance.unit_ms, 2 * chance.unit_ms))
        else:
            span_ms = times[-1] - first_ms
            some_ms = first_ms + names.random.randint(span_ms // 4_000, span_ms // 1_000) * 1_000
            link, at_ms = names.links(), names.random.choice((*times[len(times) // 4 :], some_ms))
        place = names.random.randint(0, len(found))
        found[place:place] = [{**line, "timestamp": to_text(at_ms)} for line in link]
    for journey in project["journeys"]:
        for rule in listed(journey["entry"]):
            if "read" in rule:
                at_ms = parse_instant(rule["at"]) + names.random.randint(1, 2_400)
                found += [{**line, "timestamp": to_text(at_ms)} for line in names.each_to_her_home()]
    if names.maybe(0.7):
        found.sort(key=lambda line: parse_instant(line["timestamp"]))
    return named(seed, project), found, until_ms


def with_waits(chance: Chance, project: Document) -> Document:
    """Most runs wait at first, so that some are open when their people become one, and most who can enter do."""
    journeys = [{**journey, "steps": list(journey["steps"])} for journey in project["journeys"]]
    for journey in journeys:
        begin_with_a_wait(chance, journey, list(project["audiences"]["audiences"]), project["messages"])
        if is_by_event(journey["entry"]) and chance.maybe(0.7):
            journey["entry"] = [{"event": rule["event"]} for rule in listed(journey["entry"])]
        elif "read" in journey["entry"] and chance.maybe(0.6):
            # So slowly that somebody may be merged before her turn has come.
            journey["entry"] = {**journey["entry"], "rate": "1/s"}
    return {**project, "journeys": journeys}


def entering(chance: Chance, project: Document) -> list[Document]:
    """Events by which runs are entered."""
    events = [rule["event"] for journey in project["journeys"] for rule in listed(journey["entry"]) if "event" in rule]
    lines = []
    for name in chance.random.choices(events, k=chance.random.randint(3, 12)) if events else []:
        line = {"type": "track", "event": RULED.get(name, name), "userId": chance.pick(PEOPLE)}
        lines.append({**line, "timestamp": chance.instant(), "properties": chance.properties()})
    return lines


def life(seed: int) -> tuple[Document, list[Happening]]:
    """A life of a project in which lines are written under several names."""
    project, happenings = lives.case(seed, features_of(seed))
    names = names_of(seed)
    found: list[Happening] = []
    has_begun = False
    for what, of in happenings:
        if what == "pass" and not found:
            found += [(what, of), *(("line", line) for line in names.known())]
            continue
        has_begun = has_begun or what == "pass"
        if what == "publish":
            found.append((what, named(seed, of)))
        elif what != "line":
            found.append((what, of))
        elif has_begun:
            found.append((what, names.rewritten(of)))
        else:
            found += [(what, line) for line in names.first_of(of)]
        if has_begun and names.maybe(0.07):
            # A line that merges stands in files only.
            found += [("line", line) for line in names.links() if line["type"] != "merge"]
    return named(seed, project), found
