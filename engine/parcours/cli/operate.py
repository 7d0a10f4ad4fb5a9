"""The commands that change what a running engine publishes: publish, close, stop, pause and resume."""

from __future__ import annotations

import json as as_json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from parcours.cli.door_options import DoorKey, NeededUrl
from parcours.cli.project import ProjectFolder

JourneyName = Annotated[str, typer.Argument(metavar="JOURNEY", help="The journey's name.")]
Dry = Annotated[bool, typer.Option("--dry", help="Change nothing, and say what would be changed.")]
LedgerNumber = Annotated[
    int | None, typer.Option("--ledger", metavar="N", help="Refuse it unless this is the number of the newest change.")
]
AsJson = Annotated[bool, typer.Option("--json", help="As one line of JSON.")]


def publish(
    folder: ProjectFolder,
    url: NeededUrl,
    journey: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Refuse it if anything else than this journey or campaign would change."),
    ] = None,
    dry: Dry = False,
    ledger: LedgerNumber = None,
    key: DoorKey = None,
    json: AsJson = False,
) -> None:
    """Publish a project to a running engine; its channels' settings stay those of the engine.

    What was closed or stopped opens again, with a NAME that one alone.
    """
    from parcours.journey.read.project_files import project_texts

    body = {"files": project_texts(folder), "dry": dry, "ledger": ledger, "journey": journey}
    change(url, key, ("publish",), body, json=json)


def _of_journey(verb: str, told: str) -> Callable[..., None]:
    """The command that changes one journey; `told` is its help."""

    def changed(
        journey: JourneyName,
        url: NeededUrl,
        dry: Dry = False,
        ledger: LedgerNumber = None,
        key: DoorKey = None,
        json: AsJson = False,
    ) -> None:
        change(url, key, ("journeys", journey, verb), {"dry": dry, "ledger": ledger}, json=json)

    changed.__name__, changed.__doc__ = verb, told
    return changed


close = _of_journey("close", "Let nobody enter a journey until the next publication; who is in it goes on.")
stop = _of_journey("stop", "End all runs of a journey where they are, and let nobody enter until the next publication.")
pause = _of_journey("pause", "Let nobody enter a journey or move in it, until it is resumed.")
resume = _of_journey("resume", "Let a paused journey go on; its runs make up for what they have missed.")


def change(url: str, key: str | None, path: tuple[str, ...], body: Mapping[str, object], *, json: bool) -> None:
    """Ask for a change, and tell what came of it. Exits with 1 where it is, or would be, refused."""
    from parcours.cli.remote import Refused, Remote

    try:
        outcome = Remote(url, key).post(*path, body=body)
    except Refused as error:
        if "refused" not in error.told:
            raise
        outcome = error.told
    if json:
        kept = {name: value for name, value in outcome.items() if name not in ("code", "message", "request_id")}
        typer.echo(as_json.dumps(kept, ensure_ascii=False, separators=(",", ":")))
    else:
        _tell(outcome, dry=bool(body["dry"]))
    if outcome["refused"]:
        raise typer.Exit(1)


def _tell(outcome: Mapping[str, Any], *, dry: bool) -> None:
    if outcome["refused"]:
        typer.echo("It would be refused:" if dry else "It is refused, and nothing has changed:", err=True)
        for reason in outcome["refused"]:
            typer.echo(f"  {reason}", err=True)
        return
    if not outcome["changes"]:
        typer.echo(f"All of it is so already; the newest change is number {outcome['ledger']}.")
        return
    typer.echo("This would change:" if dry else f"This has changed, as number {outcome['ledger']}:")
    for each in outcome["changes"]:
        typer.echo(f"  {each}")
    runs = outcome["runs"]
    typer.echo(
        f"Open runs: {runs['stay']} stay, {runs['end']} end, {runs['make_up']} make up for what they have missed."
    )
    if outcome["deliveries_cancelled"]:
        typer.echo(f"Deliveries cancelled: {outcome['deliveries_cancelled']}.")
    if outcome["audiences_filled"]:
        typer.echo(f"Audiences filled: {', '.join(outcome['audiences_filled'])}.")
    if dry:
        typer.echo(f"Nothing has been changed; the newest change is number {outcome['ledger']}.")
