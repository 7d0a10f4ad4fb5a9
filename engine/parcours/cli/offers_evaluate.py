"""The command that tells what another ranking of offers would be worth, by decisions that have been made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from parcours.cli.fact_sources import Facts, Store
from parcours.cli.project import ProjectFolder

if TYPE_CHECKING:
    from parcours.insight.ranking_trial import Trial

Reward = Literal["shown", "clicked", "dismissed", "converted"]


def evaluate(
    folder: ProjectFolder,
    decision: Annotated[str, typer.Argument(metavar="DECISION", help="The decision.")],
    ranking: Annotated[
        str, typer.Option(metavar="NAME", help="The other ranking; also priority, and uniform: any offer alike.")
    ],
    reward: Annotated[str, typer.Option(metavar="MARK", help="What is wanted of an offer.")] = "clicked",
    within: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="How long after the decision it counts; however late without."),
    ] = None,
    facts: Facts = None,
    store: Store = None,
    json: Annotated[bool, typer.Option("--json", help="One object of JSON.")] = False,
) -> None:
    """Tell what another ranking would be worth.

    By facts of decisions, and the chances that their choices had: of the first offer of each answer, with those that
    might have been chosen in its place. A ranking that learns leaves something to chance, and most where it explores;
    one by priority or a formula leaves nothing, and then only those cases tell anything in which both agree.
    """
    from parcours.cli.fact_sources import check_facts, open_facts
    from parcours.config import Settings
    from parcours.dispatch.judgement import load_project
    from parcours.expression.duration import parse_duration
    from parcours.insight.ranking_trial import try_ranking
    from parcours.insight.warehouse.offer_log import offer_log

    wanted = next((each for each in get_args(Reward) if each == reward), None)
    if wanted is None:
        raise typer.BadParameter(f"an offer is {', '.join(get_args(Reward))}.", param_hint="--reward")
    if (facts is None) == (store is None):
        raise typer.BadParameter("choose one of --facts and --store.", param_hint="--facts")
    within_ms = None
    if within is not None:
        try:
            within_ms = parse_duration(within)
        except ValueError as error:
            raise typer.BadParameter(f"{error}.", param_hint="--within") from None
    project = load_project(folder, drafts=True)
    check_facts(None, facts, store)
    with open_facts(None, facts, store, project).warehouse as warehouse:
        log = offer_log(warehouse)
        trial = try_ranking(project.program.offers, decision, ranking, wanted, log, Settings(), within_ms)
    typer.echo(_as_json(trial) if json else "\n".join(_as_text(trial, decision, ranking, wanted)))


def _as_json(trial: Trial) -> str:
    import msgspec

    told = {"estimate": trial.estimate, "certain": trial.certain, "left_out": trial.left_out}
    return msgspec.json.encode(told).decode()


def _as_text(trial: Trial, decision: str, ranking: str, reward: str) -> Iterator[str]:
    found = trial.estimate
    if found is None:
        yield f"Facts tell of no choice by {decision}."
    else:
        yield f"{found.cases:,} choices by {decision}, of which {found.logged:.4%} were {reward}."
        yield f"By {ranking} it would have been {_with_error(found.inverse, found.inverse_error)} (inverse propensity),"
        if found.normalised is None:
            yield "and nobody can say self-normalised: it makes none of these choices."
        else:
            yield f"and {_with_error(found.normalised, found.normalised_error)} (self-normalised)."
        yield f"As much is known as by {found.effective:,.1f} choices of its own."
        if trial.certain:
            yield f"{trial.certain:,} choices left nothing to chance: of other offers they tell nothing."
    for why, many in sorted(trial.left_out.items()):
        yield f"Left out: {many:,}, {why}."


def _with_error(value: float, error: float | None) -> str:
    return f"{value:.4%}" if error is None else f"{value:.4%} ± {error:.4%}"
