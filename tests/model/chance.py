"""What does a generated case draw from? Names, times on a grid or off it, values and conditions, all by a seed."""

import random
from collections.abc import Sequence
from typing import Any, TypeVar

from tests.model.reference.times import UNITS_MS, parse_instant, to_text

Document = dict[str, Any]
Drawn = TypeVar("Drawn")

STAGE_1 = frozenset(
    ("branches", "calls", "correlation", "dates", "duplicates", "exits", "goals", "links", "local_waits")
)
STAGE_1 |= frozenset(("loops", "pages", "priority", "reactions", "reads", "reentry", "rules", "sends", "splits"))
STAGE_1 |= frozenset(("updates", "wait_for", "waits"))
STAGE_2 = STAGE_1 | frozenset(
    ["audiences", "bounces", "caps", "consents", "expiry", "history", "holdouts", "quiet_hours", "recurring_reads"]
)
MOVES = STAGE_2 - {"holdouts"} | frozenset(["moves"])  # people on the move between zones, with long nights
INBOXES = frozenset(["inboxes"])  # cards and in-app messages beside what goes to addresses
EXTRAS = frozenset(["shifted_now", "undeclared", "wrong_types"])  # where an engine may rightly differ

PEOPLE = ("ann", "Bob", "émile", "zoe")
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
# Ordinary days, and the eves of changes of clocks.
STARTS = (
    *("2026-01-05T00:00:00Z", "2026-06-15T12:00:00Z", "2026-03-28T12:00:00Z"),
    *("2026-10-24T18:00:00Z", "2026-03-07T20:00:00Z", "2026-04-04T09:00:00Z"),
)
EVENTS = ("Alpha", "Beta", "Gamma", "Page Viewed")
RULED = {"Special": "Alpha", "Hidden": "Raw"}  # Raw itself is not declared
PROPERTIES = {"cart_id": "string", "total": "number", "items": "integer", "kind": "string", "flag": "boolean"}
PROPERTIES |= {"name": "string", "when": "timestamp", "cart.total": "number", "cart.note": "string"}
TRAITS = {"email": "string", "phone": "string", "push_token": "string", "backup": "string", "timezone": "string"}
TRAITS |= {"tier": "string", "age": "integer", "score": "number", "loyal": "boolean", "born": "timestamp"}
TRAITS |= {"birthday": "date", "favourite": "string"}
ODD_DAYS = ("2000-02-29", "-")  # one that few years have, and none
ACTIONS: Document = {
    "ask": {"url": "https://example.com/ask", "body": {"who": "profile.email"}, "answer": PROPERTIES},
    "tell": {
        "url": "https://example.com/tell",
        "answer": {"total": "number", "kind": "string", "cart.total": "number"},
    },
    "note": {"url": "https://example.com/note"},
}
REACTIONS = {
    "email": ("delivered", "opened", "clicked"),
    "sms": ("delivered", "replied"),
    "push": ("delivered", "opened"),
}
IN_APP = ("delivered", "opened", "clicked", "dismissed")
IN_INBOX = {"card": IN_APP, "inapp": IN_APP}
DEAD_CODES = {"email": "5.1.1", "sms": "30006", "push": "UNREGISTERED"}
SOFT_CODES = ("5.2.2", "5.7.1", "30003")
LINKS = ("https://example.com/a", "https://example.com/b")


class Chance:
    """Draws of one case; on a coarse grid many things happen at the same instant."""

    def __init__(self, seed: int, features: frozenset[str]) -> None:
        self.random = random.Random(seed)
        self.features = features
        self.reactions = {**REACTIONS, **(IN_INBOX if "inboxes" in features else {})}
        self.channels = list(self.reactions)
        self.favourites = ("sms", "push", "email", "pigeon", *(IN_INBOX if "inboxes" in features else ()))
        self.coarse = self.random.random() < 0.5
        self.well_known = self.random.random() < 0.6  # people who can be written to, so that deliveries are many
        # Of people on the move much happens in one night.
        self.unit = self.pick(("1h", "1h", "6h", "6h") if "moves" in features else ("10m", "1h", "6h", "1d"))
        self.unit_ms = UNITS_MS[self.unit[-1]] * int(self.unit[:-1])
        self.start_ms = parse_instant(self.pick(STARTS))
        self.units_max = self.pick((4, 8, 12))
        self.event_names = ["Alpha", *EVENTS, *(RULED if "rules" in features else ())]
        self.audiences: list[str] = []  # which conditions may ask for, once they are drawn

    def maybe(self, share: float, feature: str | None = None) -> bool:
        drawn = self.random.random() < share
        return drawn and (feature is None or feature in self.features)

    def pick(self, among: Sequence[Drawn]) -> Drawn:
        return self.random.choice(among)

    def some(self, among: Sequence[Drawn], at_least: int = 1) -> list[Drawn]:
        return self.random.sample(among, self.random.randint(at_least, len(among)))

    def instant_ms(self) -> int:
        if self.coarse:
            return self.start_ms + self.random.randint(0, self.units_max) * self.unit_ms
        return self.start_ms + self.random.randint(0, self.units_max * self.unit_ms)

    def instant(self) -> str:
        return to_text(self.instant_ms())

    def duration(self, units_max: int = 4) -> str:
        if self.coarse:
            return f"{self.random.randint(1, units_max) * self.unit_ms // 1000}s"
        return f"{self.random.randint(1, units_max * self.unit_ms // 1000)}s"

    def properties(self) -> Document:
        drawn: Document = {
            "cart_id": self.pick(("c1", "c2", "c1", None)),
            "total": self.pick((0, 10, 50, 50.5, 80, 100.5)),
            "items": self.random.randint(0, 3),
            "kind": self.pick(("a", "ab", "b", "", None)),
            "flag": self.maybe(0.5),
            "when": self.instant(),
            "cart": self.pick(({"total": 20.5, "note": "b"}, {"total": 30}, {}, None)),
        }
        if self.maybe(0.2, "wrong_types"):
            drawn |= {"total": "50", "kind": 5, "flag": "yes"}
        return {name: drawn[name] for name in drawn if self.maybe(0.75)}

    def answer(self) -> Document:
        """What an outbound call is answered: now and then of another kind, or what nobody has asked for."""
        drawn = self.properties()
        if self.maybe(0.2):
            drawn |= {"total": "50", "items": 1.5, "kind": 5, "flag": "yes", "when": "soon", "cart": "none"}
        return {name: drawn[name] for name in drawn if self.maybe(0.9)} | {"beyond": 1}

    def traits(self, share: float = 0.4) -> Document:
        good, bad = ("a@example.com", "b@example.org", "c@example.com"), ("a@example", "no mail", "", None)
        drawn: Document = {
            "email": self.pick(bad if self.maybe(0.05 if self.well_known else 0.3) else good),
            "phone": self.pick(("+33612345678", "+14155550100", "+14155550101", None)),
            "push_token": self.pick(("token-1", "token-2", "token-3", None)),
            "backup": self.pick(("x@example.com", "nowhere")),
            "timezone": self.pick((*ZONES, "Mars/Base", None)),
            "tier": self.pick(("gold", "silver", None)),
            "age": self.random.randint(29, 31),
            "score": self.pick((1, 1.5, 2)),
            "loyal": self.maybe(0.5),
            "born": self.instant(),
            "favourite": self.pick(self.favourites),
            "birthday": self.pick((f"1980{self.instant()[4:10]}", self.instant()[:10], self.instant(), *ODD_DAYS)),
        }
        return {name: drawn[name] for name in drawn if self.maybe(share)}

    def condition(self, roots: Sequence[str], depth: int = 2) -> str:
        """A condition over some of event, entry, profile, run, history, consent, membership and now."""
        if depth and self.maybe(0.4):
            left, right = self.condition(roots, depth - 1), self.condition(roots, depth - 1)
            return self.pick((f"({left}) && ({right})", f"({left}) || ({right})", f"!({left})"))
        root = self.pick(roots)
        match root:
            case "event" | "entry":
                return self.about_event(root)
            case "profile":
                return self.about_profile()
            case "run":
                seconds = self.duration()
                return self.pick((f'now - run.entered_at >= duration("{seconds}")', "run.entered_at < now"))
            case "history":
                return self.about_history()
            case "consent":
                return f'consent("{self.pick(self.channels)}", "{self.pick(("offer", "marketing"))}")'
            case "membership":
                return f'in_audience("{self.pick(self.audiences)}")'
            case _:
                return self.about_now()

    def about_event(self, root: str) -> str:
        of_any = (
            *("total > 50", "total != 50", "total <= 50.5", "total * 2 > 100", "total - 1 < 50", "items + 1 > 2"),
            *('kind == "a"', 'kind != "a"', 'kind in ["a", "b"]', 'kind.startsWith("a")', 'kind.contains("b")'),
            *("cart.total >= 20.5", 'cart.note == "b"', "flag", "flag == false", "items == 1.0", "when > now"),
            *('name == "Home"', 'name.startsWith("H")'),
        )
        return self.pick((*(f"{root}.{text}" for text in of_any), f"has({root}.kind)", f"has({root}.cart.total)"))

    def about_profile(self) -> str:
        return self.pick(
            (
                *('profile.tier == "gold"', 'profile.tier != "gold"', 'profile.tier in ["silver", "gold"]'),
                *("profile.age >= 30", "profile.age != 30", "profile.age > 30 ? profile.loyal : true"),
                *("profile.score < 1.5", "profile.score == 1", "profile.loyal"),
                *("has(profile.email)", "has(profile.tier)"),
                *("default(profile.score, 2) > 1", 'default(profile.tier, "silver") != "gold"'),
                *('profile.birthday < "1990-01-01"', "has(profile.birthday)"),
                *("!(default(profile.loyal, false))", "timestamp(1781524800) < profile.born"),
            )
        )

    def about_history(self) -> str:
        name = self.pick(self.event_names)
        kept = self.pick(("", "", ', "event.total > 50"', ", 'event.kind == \"a\"'"))
        window = self.duration(6)
        return self.pick(
            (
                f'count("{name}", "{window}"{kept}) {self.pick(("> 0", "== 0", ">= 2", "< 2"))}',
                f'sum("{name}", "total", "{window}"{kept}) {self.pick(("> 50", "== 0", "<= 100"))}',
                f'count("{name}", "{window}") > 0 && count("{name}", "{self.duration(2)}") == 0',
            )
        )

    def about_now(self) -> str:
        seconds, sign = self.duration(), self.pick(("<", "<=", ">", ">="))
        name = self.pick(self.event_names)
        if self.maybe(0.3, "shifted_now"):
            return f'now - duration("{seconds}") {sign} last("{name}")'
        return self.pick(
            (
                f"profile.born {sign} now",
                f'now {sign} profile.born + duration("{seconds}")',
                f'now {sign} last("{name}") + duration("{seconds}")',
            )
        )
