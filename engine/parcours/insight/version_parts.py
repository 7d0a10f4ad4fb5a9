"""What does a version of a journey say, part by part? In words, so that two versions can be compared by them.

Each part has a name and its words, "" where there is nothing to say. Ways are told apart from parts: where they lead to
may be another step for no other reason than that a step was put in between.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from parcours.core.time_text import time_text
from parcours.expression.definition_keys import plain
from parcours.expression.duration import format_duration
from parcours.expression.expression import Expression
from parcours.journey import program
from parcours.journey.campaign_steps import LocalTime, Opening
from parcours.journey.experiments import Experiment
from parcours.journey.picture.words import (
    WHOLE,
    days_words,
    entry_words,
    exit_words,
    listed_words,
    time_words,
    trigger_words,
    ways_shown,
)

Parts: TypeAlias = Mapping[str, str]
"""The words of each part, by its name, in the order in which they are told."""

ON: Final = "next"
REFUSED: Final = "when refused"
TIME_OUT: Final = "on time-out"
OTHERWISE: Final = "otherwise"


@dataclass(frozen=True, slots=True)
class NamedWay:
    """A way out of a step, by a name that stays when its words change; `target` None is the end of the run.

    words  by what it is taken, "" where its name says that
    """

    name: str
    words: str
    target: str | None


def journey_parts(journey: program.Journey) -> Parts:
    """What is said of the journey as a whole."""
    again = journey.reentry_after_ms
    return {
        "description": _quoted(journey.description),
        "tags": listed_words(journey.tags),
        "entry": entry_words(journey.entry, WHOLE),
        "rate of the read": _rate(journey.entry),
        "correlation": _text(journey.correlation),
        "enters again": "never" if again is None else f"{format_duration(again)} after" if again else "always",
        "leaves by": listed_words(exit_words(each, WHOLE) for each in journey.exits),
        **_goal(journey.goal),
        "time zone": journey.timezone,
        "starts": "" if journey.starts_ms is None else time_text(journey.starts_ms),
        "ends": "" if journey.ends_ms is None else time_text(journey.ends_ms),
        "priority": f"{journey.priority}",
    }


def _rate(entry: object) -> str:
    people = entry.people_per_second if isinstance(entry, program.ReadEntry) else None
    return "" if people is None else f"{people:,} people a second"


def _goal(goal: program.Goal | None) -> Parts:
    if goal is None:
        return {"goal": ""}
    return {
        "goal": trigger_words(goal.trigger, WHOLE),
        "goal within": _duration(goal.within_ms),
        "goal target": "" if goal.target_percent is None else f"{goal.target_percent:g} %",
    }


def step_parts(step: program.Step) -> Parts:
    """What a step does; what makes it another kind of step is not among it."""
    match step:
        case program.Send():
            return _send(step)
        case program.WaitFor():
            return {"time-out": _duration(step.timeout_ms)}
        case program.WaitDuration():
            return {"wait": format_duration(step.duration_ms)}
        case program.WaitUntil():
            return {
                "until": step.until.text,
                "offset": format_duration(step.offset_ms) if step.offset_ms else "",
                "time": time_words(step.minute),
                "every year": "yes" if step.yearly else "no",
                "of a date": "yes" if step.is_date else "no",
            }
        case program.WaitLocalTime():
            return {"time": time_words(step.minute), "days": days_words(step.days).strip() or "every day"}
        case program.Split():
            names = [each.name for each in ways_of(step)]
            shares = {f"share of {name}": f"{share:g} %" for name, share in zip(names, step.percents, strict=True)}
            return {**shares, **_experiment(step.experiment)}
        case program.Update():
            return {f"trait {name}": value.text for name, value in step.values.items()}
        case program.CallAction():
            return {"action": step.action}
        case program.Decide():
            return {"decision": step.decision, "placement": step.placement, "kept as": step.name}
        case program.Branch() | program.End() | program.Standby():
            return {}
    assert_never(step)


def _send(step: program.Send) -> Parts:
    channels = listed_words(step.to)
    return {
        "message": step.message,
        "channels": f"the first of {channels}" if step.only_first else channels,
        "preferred channel": _text(step.prefer),
        "window": _window(step.window),
        **{f"address on {channel}": address.text for channel, address in step.to.items()},
    }


def _window(window: Opening | LocalTime | None) -> str:
    match window:
        case None:
            return ""
        case Opening():
            hours = f"{time_words(window.from_minute)}-{time_words(window.to_minute)}"
        case LocalTime():
            hours = time_words(window.minute)
    return f"{hours}{days_words(window.days)} ({window.zone})"


def _experiment(experiment: Experiment | None) -> Parts:
    if experiment is None:
        return {"experiment": ""}
    return {
        "experiment": trigger_words(experiment.trigger, WHOLE),
        "experiment within": _duration(experiment.within_ms),
        "experiment value": _text(experiment.value),
        "experiment control": experiment.control,
        "experiment planned": "" if experiment.planned is None else f"{experiment.planned:,}",
        "experiment before": _duration(experiment.cuped_ms),
        "experiment by": experiment.by,
        "experiment only when over": "yes" if experiment.mature else "no",
    }


def ways_of(step: program.Step) -> list[NamedWay]:
    """The ways out of a step, each under a name of its own."""
    shown = ways_shown(step, WHOLE)
    match step:
        case program.Send():
            names = [(ON, ""), (REFUSED, "")]
        case program.WaitFor():
            heard = zip(step.listeners, shown, strict=False)
            names = [*(("", f"{way.label}{_link(each)}") for each, way in heard), (TIME_OUT, "")]
        case program.Branch():
            names = [*(("", each.label) for each in shown[:-1]), (OTHERWISE, "")]
        case program.Split():
            names = [(name or f"part {number}", "") for number, name in enumerate(step.names, 1)]
        case _:
            names = [(ON, "")]
    used: Counter[str] = Counter()
    found = []
    for (fixed, words), way in zip(names, shown, strict=False):
        name = fixed or words
        used[name] += 1
        apart = name if used[name] == 1 else f"{name} ({used[name]})"
        found.append(NamedWay(apart, words, way.target))
    return found


def _link(listener: program.Listener) -> str:
    """The link that has to be clicked, for which pictures have no room."""
    return f" at {listener.link}" if isinstance(listener, program.ReactionListener) and listener.link else ""


def message_parts(message: program.Message) -> Parts:
    """What a message says, by channel and key of its content, and how it is sent."""
    parts = {
        "class": message.message_class,
        "purpose": message.purpose,
        "expires": _duration(message.expires_ms),
        "tracked": "yes" if message.is_tracked else "no",
        "withdrawn by": listed_words(sorted(map(plain, message.withdraw))),
        "offers": listed_words(
            f"{each.name} ({each.decision or 'chosen before'}, {each.source}, {_json(each.placements)})"
            for each in message.offers
        ),
    }
    for channel, content in message.contents.items():
        parts[f"on {channel}"] = "yes"
        for key, value in content.items():
            parts[f"{channel} {key}"] = _quoted(value) if isinstance(value, str) else _json(value)
    return parts


def action_parts(action: program.Action) -> Parts:
    """What an outbound call asks."""
    return {
        "method": action.method,
        "url": action.url,
        "time-out": format_duration(action.timeout_ms),
        **{f"header {name}": value for name, value in action.headers.items()},
        **{f"query {name}": value.text for name, value in action.query.items()},
        **{f"body {name}": value.text for name, value in action.body.items()},
        **{f"answer {path}": kind for path, kind in action.answer.items()},
    }


def secret_parts(action: program.Action) -> set[str]:
    """The parts of a call that may hold a secret: nobody is told it who may only look."""
    return {"url", *(f"header {name}" for name in action.headers)}


def _duration(duration_ms: int | None) -> str:
    return "" if duration_ms is None else format_duration(duration_ms)


def _text(expression: Expression | None) -> str:
    return "" if expression is None else expression.text


def _quoted(text: str) -> str:
    return f"“{text}”" if text else ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
