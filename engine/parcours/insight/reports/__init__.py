"""Reports from facts, counted by the warehouse: each is checked to add up before it is shown."""
