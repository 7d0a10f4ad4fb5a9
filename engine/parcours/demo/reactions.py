"""The habits of Luma's customers by channel. Text messages are read, but no provider reports it."""

from __future__ import annotations

from parcours.config import HOUR_MS, MINUTE_MS, SECOND_MS
from parcours.demo.crowd import Habit, LumaCrowd

CROWD_SEED = 2024

LUMA_CROWD = LumaCrowd(
    seed=CROWD_SEED,
    habits={
        "email": Habit(
            opened=4_500,
            clicked=2_500,
            open_after_ms=(2 * MINUTE_MS, 48 * HOUR_MS),  # some open only after the reminder
            click_after_ms=(3 * SECOND_MS, 20 * MINUTE_MS),
        ),
        "push": Habit(
            opened=1_500,
            clicked=6_000,
            open_after_ms=(5 * SECOND_MS, 12 * HOUR_MS),
            click_after_ms=(SECOND_MS, MINUTE_MS),
        ),
    },
)
