"""Does a row stay a line, whatever is in its cells?"""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from parcours.insight.fitting_table import FittingTable


@pytest.mark.parametrize("width", [80, 12])
def test_a_name_with_line_breaks_is_in_one_line(width: int) -> None:
    file = StringIO()
    table = FittingTable(["name", "share"])

    table.add_row("a\r\n\tb\nc", "3 / 5   60.0 %")
    Console(file=file, width=width).print(table)

    shown = file.getvalue()
    assert "a b c" in shown
    assert width < 80 or "3 / 5   60.0 %" in shown  # numbers stand below each other: their spaces stay
