"""What would have happened: recorded events through the journeys, under virtual time."""
