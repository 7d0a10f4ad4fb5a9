"""The command-line application: its commands, and its errors as sentences with exit codes.

A command imports what it needs when it runs, so that `parcours --help` answers at once. An error that the user, the
author of a project or the operator can put right ends as a sentence on standard error: exit code 1 if the thing asked
about is not so, 2 if the command was used wrongly.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from parcours.cli.analyses import attribution, cohort, flow, funnel, metric
from parcours.cli.audience import audience
from parcours.cli.campaign import campaign
from parcours.cli.dead import dead
from parcours.cli.doctor import doctor
from parcours.cli.engine import engine
from parcours.cli.experiment import experiment
from parcours.cli.insight import insight
from parcours.cli.interruption import interruptible
from parcours.cli.keys import keys
from parcours.cli.offers import offers
from parcours.cli.operate import close, pause, publish, resume, stop
from parcours.cli.person import person
from parcours.cli.plugins import plugins
from parcours.cli.project import check, graph, init, schema
from parcours.cli.quality import try_out
from parcours.cli.questions import diff, explain
from parcours.cli.reports import report
from parcours.cli.run import demo, simulate
from parcours.cli.score import score
from parcours.cli.serve import serve
from parcours.cli.source import source
from parcours.cli.store import store
from parcours.errors import ParcoursError

DEBUG = "--debug"

COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "init": init,
    "check": check,
    "schema": schema,
    "graph": graph,
    "simulate": simulate,
    "report": report,
    "funnel": funnel,
    "flow": flow,
    "attribution": attribution,
    "cohort": cohort,
    "metric": metric,
    "test": try_out,
    "explain": explain,
    "diff": diff,
    "experiment": experiment,
    "serve": serve,
    "publish": publish,
    "close": close,
    "stop": stop,
    "pause": pause,
    "resume": resume,
    "plugins": plugins,
    "doctor": doctor,
}
"""The commands in the order of the help."""


class SentencesGroup(TyperGroup):
    """Turns errors into sentences, unless `--debug` stands anywhere on the line, and Ctrl-C into a word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        debug = DEBUG in args[:end]
        others = [arg for place, arg in enumerate(args) if place >= end or arg != DEBUG]
        return super().parse_args(ctx, [DEBUG, *others] if debug and others else others)

    def invoke(self, ctx: Any) -> Any:
        try:
            with interruptible():  # here, because typer takes a KeyboardInterrupt for itself
                return super().invoke(ctx)
        except BrokenPipeError:
            raise  # the reader of the pipe has left; typer ends quietly
        except (ParcoursError, OSError) as error:
            if ctx.params.get("debug"):
                raise
            typer.echo(sentence(error), err=True)
            raise typer.Exit(1) from None


def sentence(error: ParcoursError | OSError) -> str:
    """The message of an error for a user."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}."
    return str(error)


@cache
def build() -> typer.Typer:
    """The whole command line as a typer application, the same one each time."""
    app = typer.Typer(
        name="parcours",
        cls=SentencesGroup,
        help="Customer journeys: check them, simulate them, run them.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    for name, command in COMMANDS.items():
        app.command(name)(command)
    app.add_typer(audience)
    app.add_typer(campaign)
    app.add_typer(offers)
    app.add_typer(dead)
    app.add_typer(person)
    app.add_typer(source)
    app.add_typer(store)
    app.add_typer(engine)
    app.add_typer(keys)
    app.add_typer(insight)
    app.add_typer(score)
    return app


def show_version(asked: bool) -> None:
    """Print the version and leave, if `asked` to."""
    if asked:
        from importlib.metadata import version

        typer.echo(f"parcours {version('parcours')}")
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=show_version, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the traceback of an error.")] = False,
) -> None:
    """Customer journeys: check them, simulate them, run them."""
