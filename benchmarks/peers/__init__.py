"""The cart workload on other engines: a module for each, that runs by itself in an interpreter that has the engine.

None of them knows Parcours, which need not be installed there. What each needs is in the file of its name, `.txt`.
"""
