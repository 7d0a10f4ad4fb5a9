"""The command line answers in sentences and exit codes: 0 fine, 1 it is not so, 2 wrongly asked."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from parcours.cli import build
from parcours.cli.app import SentencesGroup
from parcours.errors import ParcoursError, StoreBusy

HELP = """\
Usage: parcours [OPTIONS] COMMAND [ARGS]...

  Customer journeys: check them, simulate them, run them.

Options:
  --version   Print the version.
  --debug     Show the traceback of an error.
  -h, --help  Show this message and exit.

Commands:
  demo         Run the Luma shop's journeys over its clickstream, with...
  init         Write a project to start from: a small one, or an example.
  check        List everything that is wrong with a project, all at once.
  schema       Print the JSON Schema of a document kind, for an editor to...
  graph        Draw a journey or a campaign.
  simulate     Run a project's journeys over recorded events, under virtual...
  report       Show what a simulation, a store or a running engine came to:...
  funnel       Count how many people, visits or runs take each step of a...
  flow         Tell what comes before and after an event, the anchor.
  attribution  Credit conversions, such as orders, to what touched people...
  cohort       Tell who comes back, by when they came first: "START > RETURN".
  metric       Count or add up: "sum event.total of A", "people A", "count...
  test         Run a project's tests/*.yaml, explore generated traffic, or...
  explain      Tell why a person got, or did not get, a message.
  diff         Tell what a changed project would have done differently,...
  experiment   Tell which way of a split is better, or what a hold-out...
  serve        Run a project's journeys behind an HTTP door, until a signal...
  publish      Publish a project to a running engine; its channels'...
  close        Let nobody enter a journey until the next publication; who...
  stop         End all runs of a journey where they are, and let nobody...
  pause        Let nobody enter a journey or move in it, until it is resumed.
  resume       Let a paused journey go on; its runs make up for what they...
  plugins      List the installed channels, sources and destinations.
  doctor       Look at the machine, and at what serve.yaml says: Ray,...
  audience     See who is in an audience.
  campaign     See what a campaign would do, and conduct it.
  offers       See which offers decisions give, and judge rankings.
  dead         List what could not be applied and was set aside, and send...
  person       Answer a person who asks what is held of her, or wants it gone.
  source       See how sources are read, pause them, read one again.
  store        Look after a store that no engine uses.
  engine       Look after an engine that stays in a Ray cluster.
  keys         Keys for those who may come in by the door.
  insight      Ask what all people and their facts add up to.
  score        Train the models of scores, and see if they still hold.
"""

COMMANDS = ["demo", "init", "check", "schema", "graph", "simulate", "report", "test", "explain", "diff", "plugins"]
COMMANDS += ["funnel", "flow", "attribution", "cohort", "metric", "experiment", "insight sql"]
COMMANDS += ["store", "store backup", "store restore", "store check", "store reshard", "serve", "doctor"]
COMMANDS += ["engine", "engine shut-down", "offers", "offers preview"]
COMMANDS += ["publish", "close", "stop", "pause", "resume", "dead", "dead list", "dead resend", "keys", "keys new"]
COMMANDS += ["person", "person export", "person erase", "insight", "insight people", "offers evaluate"]
COMMANDS += [
    "campaign",
    *(f"campaign {each}" for each in ("preview", "run", "show", "pause", "resume", "close", "stop")),
]


def run(*arguments: str, app: typer.Typer | None = None) -> Any:
    return CliRunner(env={"COLUMNS": "80"}).invoke(app or build(), arguments, prog_name="parcours")


def failing(error: Exception) -> typer.Typer:
    """A command line whose only command fails."""
    app = typer.Typer(cls=SentencesGroup, rich_markup_mode=None)

    @app.callback()
    def options(debug: bool = False) -> None:
        """Nothing but the option."""

    @app.command()
    def work() -> None:
        raise error

    return app


def test_the_help_names_every_command() -> None:
    result = run("--help")

    assert result.exit_code == 0
    assert result.stdout == HELP


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = run(*command.split(), "--help")

    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: parcours {command}")


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["fly"], "No such command 'fly'"),
        (["check"], "Missing argument 'DIR'"),
        (["check", "no-such-folder"], "'no-such-folder' does not exist"),
        (["demo", "--shards", "0"], "Invalid value for '--shards'"),
        (["demo", "--runtime", "cloud"], "'cloud' is not one of"),
        (["simulate", ".", "--out", "out"], "Missing option '--events'"),
        (["simulate", ".", "--events", "no-such-file", "--out", "out"], "there is no file 'no-such-file'"),
        (
            ["simulate", ".", "--events", "-", "--out", "o", "--until", "soon"],
            "'soon' is no time with a zone",
        ),
        (["simulate", ".", "--events", "-", "--out", "o", "--until", "2026-01-01"], "is no time with a zone"),
        (
            ["simulate", ".", "--events", "-", "--out", "o", "--until", "9998-12-01T00:00:00Z"],
            "the latest is 9998-01-01T00:00:00.000Z",
        ),
        (["schema", "poem"], "'poem' is no document kind; there are "),
        (["report", "no-such-folder"], "'no-such-folder' does not exist"),
        (["test", ".", "--explore", "0"], "Invalid value for '--explore'"),
        (["test", ".", "--explore", "9", "--people", "pyproject.toml"], "choose one of --explore and --people"),
        (["test", ".", "--shorten", "10s"], "it goes with --people"),
        (["test", ".", "--people", "pyproject.toml", "--shorten", "soon"], "a duration is written like 30s"),
        (["explain", ".", "--events", "no-such-file", "sarah"], "there is no file 'no-such-file'"),
        (["diff", ".", "."], "Missing option '--events'"),
    ],
)
def test_a_question_put_wrongly_ends_with_code_2(arguments: list[str], complaint: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert complaint in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "error, sentence",
    [
        (StoreBusy("Process 12 holds the store."), "Process 12 holds the store.\n"),
        (
            PermissionError(13, "Permission denied", "out/summary.json"),
            "out/summary.json: Permission denied.\n",
        ),
        (OSError("the disk is gone"), "the disk is gone\n"),
    ],
)
def test_an_error_is_a_sentence_without_a_traceback(error: Exception, sentence: str) -> None:
    result = run("work", app=failing(error))

    assert result.exit_code == 1
    assert result.stderr == sentence
    assert result.stdout == ""


@pytest.mark.parametrize("arguments", [["--debug", "work"], ["work", "--debug"]])
def test_debug_shows_the_error_itself_wherever_it_stands(arguments: list[str]) -> None:
    error = StoreBusy("Process 12 holds the store.")

    result = run(*arguments, app=failing(error))

    assert result.exception is error


def test_an_error_of_our_own_is_not_hidden() -> None:
    error = AssertionError("a broken promise")

    result = run("work", app=failing(error))

    assert result.exception is error


def test_every_kind_of_error_has_something_to_say() -> None:
    def below(kind: type[ParcoursError]) -> set[type[ParcoursError]]:
        return {kind, *(each for child in kind.__subclasses__() for each in below(child))}

    kinds = {kind for kind in below(ParcoursError) if kind.__module__ == "parcours.errors"}
    said = {kind: run("work", app=failing(kind())).stderr for kind in kinds}

    assert len(kinds) > 10
    assert not [kind for kind in kinds if not said[kind].startswith((vars(kind)["__doc__"] or "-").splitlines()[0])]


def test_help_does_not_wait_for_the_heavy_libraries() -> None:
    code = (
        "import sys; from parcours.cli import build\n"
        "heavy = {'ray', 'pydantic', 'celpy', 'liquid', 'mjml', 'twilio', 'aiohttp', 'cryptography', 'rich.table'}\n"
        "try: build()(['--help'])\n"
        "except SystemExit: print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    code = "from parcours.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read()

    assert b"Traceback" not in complaint
