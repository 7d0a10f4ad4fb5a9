"""What is each key's Shapley value, if a coalition of keys is worth the converted paths whose keys all lie in it?

Such a game is a sum of unanimity games, one for each set of keys that paths have: the set is worth what its paths
are, and so is every larger one. Of a unanimity game the members have equal parts. So each path is split into equal
parts among its different keys, which needs no sum over coalitions.
"""

from __future__ import annotations

from collections.abc import Mapping

from parcours.errors import AnalysisRefused
from parcours.insight.analyses.credit import Tally, Worth, different
from parcours.journey.model.analysis_forms import SHAPLEY_KEYS_MAX


def credit_by_shapley(name: str, sets: Mapping[frozenset[str], Worth], tally: Tally) -> None:
    """To each different key of a path an equal part of what the path led to.

    Raises AnalysisRefused if there are more than `SHAPLEY_KEYS_MAX` different keys.
    """
    keys = different([tuple(each) for each in sets])
    if len(keys) > SHAPLEY_KEYS_MAX:
        raise AnalysisRefused(
            f"attribution {name}: the model shapley takes at most {SHAPLEY_KEYS_MAX} different keys, and the paths "
            f"have {len(keys)}: choose a key with fewer values, or leave the model out"
        )
    for members, worth in sets.items():
        for key in members:
            tally.add(key, worth.conversions / len(members), worth.value / len(members))
