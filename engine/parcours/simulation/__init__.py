"""Simulation: recorded events through the journeys under virtual time."""
