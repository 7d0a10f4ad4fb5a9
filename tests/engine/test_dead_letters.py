"""Dead letters of a running engine and of its store: told, listed and sent again."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2s
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from parcours.cli import build
from parcours.errors import CallerError
from parcours.journey.channels import channels_used
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.shard.ids.key import DIGEST_BYTES
from parcours.shard.in_hand import InHand, line_mark
from parcours.store.address import open_store

NewShop = Callable[..., Project]


@pytest.fixture
def address(tmp_path: Path, new_shop: NewShop) -> str:
    """A store that has been used once."""
    store = f"sqlite:///{tmp_path / 'store'}"
    open_engine(new_shop(), store).close()
    return store


def open_engine(project: Project, store: str) -> Engine:
    return Engine.open(project, store, shards=1, runtime="local", records=channels_used(project.program))


def suspect(address: str, person: str, message_id: str, shard: int = 0) -> None:
    """As if an engine had met this message before, and an error had come of it."""
    store = open_store(address, shard)
    in_hand = InHand()
    in_hand.restore(store.scratch())
    digest = blake2s(f"{person}\0{message_id}".encode(), digest_size=DIGEST_BYTES).digest()
    in_hand.line(line_mark(digest))
    in_hand.blame(ZeroDivisionError("a mistake of ours"))
    store.close()


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(build(), list(arguments))


def test_an_engine_tells_what_was_set_aside_and_applies_it_again(address: str, new_shop: NewShop) -> None:
    suspect(address, "anna", "m1")
    with open_engine(new_shop(), address) as engine:
        bad, good = engine.track("anna", "Seen", message_id="m1").result(), engine.track("anna", "Seen").result()
        (letter,) = engine.dead_letters()
        (trouble,) = engine.troubles()
        with pytest.raises(CallerError, match="'9.9' is no dead letter"):
            engine.resend([letter.id, "9.9"])
        with pytest.raises(CallerError, match="a list of ids is expected"):
            engine.resend("0.1")

        applied = engine.resend([letter.id])

        assert (bad.accepted, good.accepted, applied) == (0, 1, 1)
        assert bad.rejected[0][1] == f"it was set aside as a dead letter: {letter.reason}"
        assert (letter.id, letter.person) == ("0.1", "anna")
        assert trouble.startswith("shard 0: dead letters: 1 ")
        assert (engine.dead_letters(), engine.troubles()) == ([], [])
        assert engine.profile("anna").counts == {"visits": 2}  # type: ignore[union-attr]  # she is known
        assert engine.track("anna", "Seen", message_id="m1").result().duplicate == 1


def test_the_command_line_lists_them_and_an_engine_that_opens_applies_them(address: str, new_shop: NewShop) -> None:
    suspect(address, "anna", "m1")
    with open_engine(new_shop(), address) as engine:
        engine.track("anna", "Seen", {"page": "home"}, message_id="m1").result()
        used = run("dead", "list", "--store", address)

    listed = run("dead", "list", "--store", address, "--lines")
    wrong = run("dead", "resend", "--store", address, "0.7")
    sent = run("dead", "resend", "--store", address)
    asked = run("dead", "list", "--store", address)

    assert (used.exit_code, "is in use" in used.stderr) == (1, True)
    first, line, last = listed.stdout.splitlines()
    assert first.startswith("0.1 20") and first.endswith("an event of anna: ZeroDivisionError: a mistake of ours")
    assert '"page":"home"' in line and last == "1 dead letters"
    assert (wrong.exit_code, "there is no dead letter '0.7'" in wrong.stderr) == (1, True)
    assert sent.stdout == "1 events are applied when an engine opens the store\n"
    assert "to be sent again" in asked.stdout
    with open_engine(new_shop(), address) as engine:
        assert engine.dead_letters() == []
        assert engine.profile("anna").counts == {"visits": 1}  # type: ignore[union-attr]  # she is known
    assert run("dead", "list", "--store", address).stdout == "0 dead letters\n"


def test_what_was_to_be_sent_again_and_ends_the_process_is_not_tried_at_each_opening(
    address: str, new_shop: NewShop
) -> None:
    suspect(address, "anna", "m1")
    with open_engine(new_shop(), address) as engine:
        engine.track("anna", "Seen", message_id="m1").result()
    run("dead", "resend", "--store", address)
    suspect(address, "anna", "m1")  # as if it had failed again at an opening

    with open_engine(new_shop(), address) as engine:
        assert [letter.id for letter in engine.dead_letters()] == ["0.1"]
    assert "to be sent again" not in run("dead", "list", "--store", address).stdout
