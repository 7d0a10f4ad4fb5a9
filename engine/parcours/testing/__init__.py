"""Test support for users and plugin authors: doubles of providers, and contract suites.

Import from the modules below; this one imports nothing, so that each asks only for the libraries it needs.

- `parcours.testing.doubles`: local mail, SMS and push providers that speak the real protocols
- `parcours.testing.channel_contract`: the suite that every channel passes
- `parcours.testing.faults`: a simulation of everything that can fail, and a checker of what has to hold all the same
"""
