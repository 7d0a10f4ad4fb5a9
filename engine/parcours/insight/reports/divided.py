"""Who is in which group of a report that is divided by segments? Everybody is in one, so groups add up to the total."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from parcours.errors import CallerError
from parcours.insight.asking.groups import Groups
from parcours.insight.reports.asked import GROUPS, Asked
from parcours.insight.warehouse.questions import Questions
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.journey.model.insight import FactTable
from parcours.journey.program import Program
from parcours.wording import nearest, quoted


def divide(warehouse: Warehouse, asked: Asked, program: Program | None) -> AbstractSet[FactTable]:
    """Have the warehouse know the people of each segment that is asked for; the tables that tell of them.

    program  whose segments they are. Raises CallerError where it has none of a name, or is not known.
    """
    if not asked.segments:
        return set()
    if program is None:
        raise CallerError("Segments are those of a project: name its folder with --project DIR.")
    known = [*GROUPS[asked.kind], *program.analyses.segments]
    for name in asked.segments:
        if name not in program.analyses.segments:
            hint = nearest(name, known) or f". There are {', '.join(known)}."
            raise CallerError(
                f"A report of kind {asked.kind} is not divided by {quoted(name)}, and no segment is called so{hint}"
            )
    questions = Questions(warehouse)
    groups = Groups(questions, program, asked.from_ms, asked.to_ms)
    warehouse.know_segments([groups.members_of(name) for name in asked.segments])
    return questions.tables
