"""Insight: counts, reports, explanations and comparisons, all computed from facts."""
