"""Runs: how they are entered, moved, paused, resumed and ended."""
