"""Is an answer of a real mail server booked against the person only if it speaks of her mailbox?"""

from __future__ import annotations

import pytest
from tests.corpus.relay_answers import RELAY_ANSWERS, Meaning

from parcours.channel import NotSent, Receipt, Refused
from parcours_channels.email import EmailChannel
from parcours_channels.smtp_codes import Stage, receipt_of_reply


def meaning_of(receipt: Receipt) -> Meaning:
    match receipt:
        case Refused(permanent=True):
            return "dead"
        case Refused(of_channel=True):
            return "sender"
        case Refused():
            return "refused"
        case NotSent(of_channel=True):
            return "login"
        case _:
            assert isinstance(receipt, NotSent), "a refusal is certain"
            return "later"


@pytest.mark.parametrize("stage, code, text, meaning", RELAY_ANSWERS)
def test_an_answer_means_what_its_server_meant(stage: Stage, code: int, text: str, meaning: Meaning) -> None:
    receipt = receipt_of_reply("k1", stage, code, text)

    assert meaning_of(receipt) == meaning
    assert isinstance(receipt, NotSent | Refused) and receipt.code is not None
    assert receipt.code.startswith(str(code)) and text in receipt.reason


@pytest.mark.parametrize("stage, code, text, meaning", [each for each in RELAY_ANSWERS if each[0] != "mail"])
def test_a_bounce_with_the_same_code_means_the_same_for_the_address(
    stage: Stage, code: int, text: str, meaning: Meaning
) -> None:
    receipt = receipt_of_reply("k1", stage, code, text)
    assert isinstance(receipt, NotSent | Refused) and receipt.code is not None

    assert EmailChannel.dead_codes.isdisjoint(receipt.code.split()) is (meaning != "dead")


def test_no_two_answers_are_alike() -> None:
    assert len(set(RELAY_ANSWERS)) == len(RELAY_ANSWERS) > 40
