"""How the engine is used from Python: what it is asked, and who looks after it meanwhile."""
