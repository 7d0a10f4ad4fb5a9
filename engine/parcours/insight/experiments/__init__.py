"""Experiments: how much better a variant is than its control, and how sure that is; pure functions of units."""
