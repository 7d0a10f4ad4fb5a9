"""Analyses over facts: what they need of the warehouse, what they count, and how it is shown."""
