"""What may be written already that no engine carries out yet? It is checked like the rest, and then refused."""

from __future__ import annotations

from parcours.journey.program import Call, Program


def unavailable(program: Program) -> list[str]:
    """Why the engine will not run the program, a sentence each; nothing if it will."""
    return [
        f"journey {journey.name!r}, step {step.id!r}: outbound calls are not available in this version"
        for journey in program.journeys
        for step in journey.steps.values()
        if isinstance(step, Call)
    ]
