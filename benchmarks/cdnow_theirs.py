"""What does Lifetimes say of CDNOW's customers? One line of JSON, with the purchases themselves; cdnow.py runs it."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections import Counter, defaultdict
from typing import Any, Final

FILES: Final = {
    "CDNOW_sample.txt": {"names": ("record", "customer", "day", "discs", "value"), "skiprows": 0},
    "CDNOW_master.txt": {"names": ("customer", "day", "discs", "value"), "skiprows": 1},
}
SUMMED_UP: Final = "CDNOW_sample.txt"
"""The file of which a summary is shipped, under its second column."""

DAYS: Final = "%Y%m%d"
SUMMARY: Final = ("frequency", "recency", "T", "monetary_value")


def told(file: str, end: str, units: dict[str, str]) -> dict[str, Any]:
    """The purchases of a file, the summary that is worked out of them, the one that is shipped, and cohorts."""
    datasets, utils = (importlib.import_module(f"lifetimes.{name}") for name in ("datasets", "utils"))
    bought = datasets.load_dataset(file, sep=r"\s+", header=None, dtype={"day": str}, **FILES[file])
    summary = utils.summary_data_from_transaction_data(
        bought, "customer", "day", "value", DAYS, observation_period_end=end, freq="D"
    )
    shipped = datasets.load_cdnow_summary_data_with_monetary_value() if file == SUMMED_UP else None
    return {
        "bought": [[int(each.customer), each.day, float(each.value)] for each in bought.itertuples()],
        "summary": rows(summary),
        "shipped": None if shipped is None else rows(shipped),
        "purchases": [int(count) for count in bought.groupby("customer").size()],
        "cohorts": {unit: cohorts(utils, bought, freq) for unit, freq in units.items()},
    }


def rows(summary: Any) -> dict[str, list[float]]:
    return {
        str(customer): [float(value) for value in values]
        for customer, values in zip(summary.index, summary[list(SUMMARY)].to_numpy(), strict=True)
    }


def cohorts(utils: Any, bought: Any, freq: str) -> dict[str, dict[str, Any]]:
    """By the first day of a unit, how many bought first in it, by units since then how many again, and in the same."""
    marked = utils._find_first_transactions(bought, "customer", "day", datetime_format=DAYS, freq=freq)
    first = {row.customer: row.day for row in marked[marked["first"]].itertuples()}
    later: dict[str, Counter[int]] = defaultdict(Counter)
    for row in marked.itertuples():
        start = first[row.customer]
        later[start.start_time.date().isoformat()][(row.day - start).n] += 1
    pandas = importlib.import_module("pandas")
    all_of_them = pandas.to_datetime(bought["day"], format=DAYS).dt.to_period(freq)
    in_first = Counter(
        customer for customer, day in zip(bought["customer"], all_of_them, strict=True) if day == first[customer]
    )
    again = Counter(first[who].start_time.date().isoformat() for who, times in in_first.items() if times > 1)
    return {start: {"people": cells.pop(0), "again": again[start], "later": cells} for start, cells in later.items()}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    print(json.dumps({file: told(file, asked["end"], asked["units"]) for file in FILES}))
