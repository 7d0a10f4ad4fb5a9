"""What stands on standard output is what a command answers, whoever else prints in its process."""

from __future__ import annotations

import sys
import threading

import pytest
from typer import echo

from parcours.cli.streams import answers_apart


def test_what_another_thread_prints_is_logged_and_no_answer(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with answers_apart():
        other = threading.Thread(target=lambda: sys.stdout.write("\x1b[33m(raylet)\x1b[0m a machine is lost"))
        other.start()
        other.join()
        echo('{"open": true}')
    echo("afterwards as before")

    assert capsys.readouterr().out == '{"open": true}\nafterwards as before\n'
    assert caplog.messages == ["(raylet) a machine is lost"]
