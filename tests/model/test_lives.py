"""Are generated lives what the comparison needs: the same for a seed, full of changes, and of changes that matter?"""

from collections import Counter

from tests.model import lives
from tests.model.chance import MOVES, Document
from tests.model.reference.living import live
from tests.model.seeds import LIVES_BETWEEN_ZONES

SEEDS = range(60)


def test_a_seed_stands_for_one_life_with_one_meaning() -> None:
    for seed in SEEDS:
        first, second = lives.case(seed), lives.case(seed)
        assert first == second
        assert live(*first) == live(*second)


def test_whatever_can_be_done_to_journeys_is_done_often() -> None:
    done = Counter(what for seed in SEEDS for what, _ in lives.case(seed)[1])
    assert all(done[what] > len(SEEDS) / 5 for what in ("publish", "pause", "resume", "close", "stop"))


def test_older_versions_are_drained_beside_newer_ones() -> None:
    beside = 0
    for seed in SEEDS:
        transitions, _ = live(*lives.case(seed))
        since: dict[tuple[str, str], int] = {}
        for line in transitions:
            newest = since.setdefault((line["profile"], line["journey"]), line["version"])
            since[line["profile"], line["journey"]] = max(newest, line["version"])
            beside += line["version"] < newest
    assert beside > len(SEEDS) / 2


def test_runs_move_in_the_time_of_a_pause_that_is_over() -> None:
    # With every pause taken out, people come to other ends: so the pauses kept something.
    changed = 0
    for seed in SEEDS:
        documents, happenings = lives.case(seed)
        undisturbed = [each for each in happenings if each[0] not in ("pause", "resume")]
        changed += live(documents, happenings) != live(documents, undisturbed)
    assert changed > len(SEEDS) / 4


def test_what_is_held_is_held_again_at_its_release_and_before() -> None:
    at_release = before = 0
    for seed in LIVES_BETWEEN_ZONES:
        transitions, _ = live(*lives.case(seed, MOVES))
        newest: dict[tuple[str, str, int], Document] = {}
        for line in transitions:
            told = newest.get((line["profile"], line["journey"], line["run"]))
            if told is not None and told["what"] == line["what"] == "waiting":
                at_release += line["at"] == told["why"]
                before += line["at"] < told["why"]
            newest[line["profile"], line["journey"], line["run"]] = line
    assert at_release >= 3 and before >= 10
