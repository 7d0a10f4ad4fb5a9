"""How a run begins, moves and ends: entries, steps, pauses and what is made up for."""
