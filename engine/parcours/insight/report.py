"""The report: a summary as tables that fit a terminal of 80 columns, or a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.text import Text

from parcours.core.totals import Parked
from parcours.insight.figures import percent_text
from parcours.insight.fitting_table import FittingTable
from parcours.insight.offer_counts import OfferCounts
from parcours.insight.summary import CampaignCount, JourneyCount, Reasons, Remarks, Summary, flat_remarks

OUTCOMES = (
    "held", "sent", "answered", "delivered", "opened", "clicked", "dismissed", "replied", "withdrawn",
    "unsubscribed", "complained", "bounced", "unknown", "failed", "refused", "cancelled",
)  # fmt: skip
"""Outcomes in the order in which a reader expects them: successful ones first."""

REASONS_SHOWN_MAX = 12
"""Reasons and the like that are listed, the most frequent first: a report is read, not searched."""


def print_report(
    console: Console,
    summary: Summary,
    *,
    targets: Mapping[str, float | None] | None = None,
    reasons: Reasons | None = None,
    limits: Mapping[str, int] | None = None,
    unknown_zones: Mapping[str, int] | None = None,
    not_merged: Mapping[str, int] | None = None,
    parked: Mapping[Parked, int] | None = None,
    mails_received: int | None = None,
    older: Mapping[str, Sequence[JourneyCount]] | None = None,
    lines_counted: bool = True,
) -> None:
    """Print the whole report, its parts separated by empty lines.

    targets         the goals' targets in percent, by journey
    reasons         why deliveries came to their outcome, as a tally counts it
    limits          how often each setting's limit was reached
    unknown_zones   how often somebody was given each of the time zones that do not exist
    not_merged      how often another id was said to be somebody's, by the call that said it
    parked          how many runs were parked, by (journey, step, reason); the summary has no reasons
    mails_received  the mail server's own count of mails, where there is one
    older           the counts of each journey's older versions
    lines_counted   whether the summary counts the lines that were read; facts alone do not tell of them
    """
    parts = report(
        summary,
        targets=targets,
        reasons=reasons,
        limits=limits,
        unknown_zones=unknown_zones,
        not_merged=not_merged,
        parked=parked,
        mails_received=mails_received,
        older=older,
        lines_counted=lines_counted,
    )
    for part in parts:
        console.print(part)
        console.print()


def report(
    summary: Summary,
    *,
    targets: Mapping[str, float | None] | None = None,
    reasons: Reasons | None = None,
    limits: Mapping[str, int] | None = None,
    unknown_zones: Mapping[str, int] | None = None,
    not_merged: Mapping[str, int] | None = None,
    parked: Mapping[Parked, int] | None = None,
    mails_received: int | None = None,
    older: Mapping[str, Sequence[JourneyCount]] | None = None,
    lines_counted: bool = True,
) -> Iterator[RenderableType]:
    """The parts of the report, from the journeys down to the lines that were read."""
    for name, count in summary.journeys.items():
        for each in (count, *(older or {}).get(name, ())):
            yield journey_part(name, each, (targets or {}).get(name), has_goal=name in (targets or {}))
    for name, campaign in (summary.campaigns or {}).items():
        yield campaign_part(name, campaign)
    if parked:
        yield parked_part(parked)
    elif summary.parked:
        yield counts_part("Parked", "step", "runs", _by_step(summary.parked))
    if summary.channels:
        yield channels_part(summary.channels)
    if summary.offers:
        yield offers_part(summary.offers)
    if reasons:
        yield reasons_part(reasons)
    if summary.remarks:
        yield remarks_part(summary.remarks)
    if summary.gates:
        yield counts_part("Refused or held by a gate", "gate", "deliveries", summary.gates)
    if limits:
        yield counts_part("Limits reached", "setting", "times", limits)
    if unknown_zones:
        yield zones_part(unknown_zones)
    if not_merged:
        yield counts_part("Ids that were not merged", "call", "times", not_merged)
    if mails_received is not None:
        yield mails_part(summary.channels.get("email", {}).get("sent", 0), mails_received)
    if sentences := _events_sentences(summary, lines_counted=lines_counted):
        yield Text(sentences)


def journey_part(
    name: str, count: JourneyCount, target_percent: float | None, *, has_goal: bool = False
) -> RenderableType:
    """A journey's heading, and a row for each step."""
    heading = Text.assemble((name, "bold"), f"  version {count.version}")
    table = _table("step", ["inflow", "waiting", "gone on", "ended"])
    for step, each in count.steps.items():
        table.add_row(step, *map(_number, (each.inflow, each.waiting, each.gone_on, each.ended)))
    return Group(heading, Text(_goal_sentence(count, target_percent, has_goal=has_goal)), table)


def campaign_part(name: str, count: CampaignCount, said: str | None = None) -> RenderableType:
    """A campaign's heading, and a row for each output of each step and each reason for which rows were dropped.

    said  a sentence in place of how many runs there were
    """
    heading = Text.assemble((name, "bold"), f"  version {count.version}")
    table = FittingTable(["step", "took", "output", "has"], widest=2)
    for step, each in count.steps.items():
        rows = [*each.outputs.items(), *((f"dropped: {reason}", size) for reason, size in each.dropped.items())]
        first = step, _number(each.inflow)
        for output, size in rows or [("nothing", 0)]:
            table.add_row(*first, output, _number(size))
            first = "", ""
    runs = "1 run" if count.runs == 1 else f"{_number(count.runs)} runs"
    return Group(heading, Text(said or f"{runs} · goal reached by {_number(count.goal)}"), table)


def channels_part(channels: Mapping[str, Mapping[str, int]]) -> RenderableType:
    """A row for each outcome that occurred, a column for each channel."""
    table = _table("outcome", list(channels))
    occurred = {outcome for outcomes in channels.values() for outcome in outcomes}
    for outcome in [*OUTCOMES, *sorted(occurred.difference(OUTCOMES))]:
        if outcome in occurred:
            table.add_row(outcome, *(_number(outcomes.get(outcome, 0)) for outcomes in channels.values()))
    return Group(Text("Deliveries by channel", style="bold"), table)


def offers_part(offers: OfferCounts) -> RenderableType:
    """A row for each offer and placement, with the figures for which there is room."""
    table = _table("offer", ["decided", "shown", "clicked", "converted", "capped"])
    for offer, placements in offers.items():
        for placement, each in placements.items():
            figures = each.decided, each.shown, each.clicked, each.converted, each.capped
            table.add_row(f"{offer} at {placement}", *map(_number, figures))
    return Group(Text("Offers", style="bold"), table)


def reasons_part(reasons: Reasons) -> RenderableType:
    """The most frequent reasons for an outcome, and how many more there are."""
    ranked = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    table = FittingTable(["channel", "outcome", "reason", "times"], widest=2)
    for (channel, outcome, reason), times in ranked[:REASONS_SHOWN_MAX]:
        table.add_row(channel, outcome, reason, _number(times))
    return Group(Text("Reasons", style="bold"), table, *_rest(ranked))


def remarks_part(remarks: Remarks) -> RenderableType:
    """The most frequent remarks of channels' checks on what leaves, and how many more there are."""
    ranked = sorted(flat_remarks(remarks).items(), key=lambda each: (-each[1], each[0]))
    table = FittingTable(["channel", "step", "remark", "deliveries"], widest=2)
    for (journey, step, channel, remark), deliveries in ranked[:REASONS_SHOWN_MAX]:
        table.add_row(channel, f"{journey}.{step}", remark, _number(deliveries))
    return Group(Text("Remarks on what leaves", style="bold"), table, *_rest(ranked))


def parked_part(parked: Mapping[Parked, int]) -> RenderableType:
    """The steps and reasons for which most runs stand still for good, and how many more there are."""
    ranked = sorted(parked.items(), key=lambda each: (-each[1], each[0]))
    table = FittingTable(["parked at", "reason", "runs"], widest=1)
    for (journey, step, reason), runs in ranked[:REASONS_SHOWN_MAX]:
        table.add_row(f"{journey}.{step}" if step else journey, reason, _number(runs))
    heading = Text.assemble(("Parked", "bold"), "  they count as waiting, and nothing moves them any more")
    return Group(heading, table, *_rest(ranked))


def _by_step(parked: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    return {f"{journey}.{step}": runs for journey, steps in parked.items() for step, runs in steps.items()}


def zones_part(unknown_zones: Mapping[str, int]) -> RenderableType:
    """The time zones that do not exist which people were given most often, and how many more there are."""
    ranked = sorted(unknown_zones.items(), key=lambda each: (-each[1], each[0]))
    shown = dict(ranked[:REASONS_SHOWN_MAX])
    return Group(counts_part("Time zones that do not exist", "zone", "times", shown), *_rest(ranked))


def _rest(ranked: Sequence[object]) -> list[Text]:
    """How many of them are not shown."""
    more = len(ranked) - REASONS_SHOWN_MAX
    return [Text(f" and {_number(more)} more")] if more > 0 else []


def counts_part(title: str, what: str, counted: str, counts: Mapping[str, int]) -> RenderableType:
    """A row for each name and its number."""
    table = _table(what, [counted])
    for name, number in counts.items():
        table.add_row(name, _number(number))
    return Group(Text(title, style="bold"), table)


def mails_part(sent: int, received: int) -> RenderableType:
    """The engine's own count of mails beside the mail server's."""
    same = sent == received
    verdict = "the same" if same else f"they differ by {_number(abs(sent - received))}"
    figures = f"Mails reported sent: {_number(sent)} · mails in the mailbox: {_number(received)} · "
    return Text.assemble(figures, (verdict, "green" if same else "bold red"))


def _table(first: str, columns: Sequence[str]) -> FittingTable:
    return FittingTable([first, *columns])


def _goal_sentence(count: JourneyCount, target_percent: float | None, *, has_goal: bool) -> str:
    entered = f"{_number(count.entered)} entered"
    if not has_goal and target_percent is None and not count.goal:
        return entered
    reached = f"{entered} · goal reached by {_number(count.goal)}"
    if not count.entered:
        return reached
    percent = 100 * count.goal / count.entered
    reached += f" ({percent_text(count.goal, count.entered)})"
    if target_percent is None:
        return reached
    return f"{reached} · target {target_percent:g} %: {'met' if percent >= target_percent else 'not met'}"


def _events_sentences(summary: Summary, *, lines_counted: bool) -> str:
    events = summary.events
    parts = [f"Lines read: {_number(events.read)}", f"used {_number(events.used)}"] if lines_counted else []
    seldom = {
        "duplicate": events.duplicate,
        "rejected": events.rejected,
        "undeclared": events.undeclared,
        "reactions to no delivery or offer": events.unmatched,
    }
    parts += [f"{word} {_number(number)}" for word, number in seldom.items() if number]
    clock = [] if summary.clock is None else [f"The clock stands at {summary.clock}."]
    return "\n".join([*([" · ".join(parts)] if parts else []), *clock])


def _number(number: int) -> str:
    return f"{number:,}"
