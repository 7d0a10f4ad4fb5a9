"""What FCM's errors say about a message: the table from error codes to receipts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from parcours.channel import NotSent, Receipt, Refused, StatusTable, Verdict, receipt_of

FcmVerdict: TypeAlias = Verdict | Literal["quota", "outage", "login", "sender"]
"""login: nobody is known to FCM; sender: the project is refused. Both whoever the message is for."""

DEAD_TOKEN: Final = frozenset({"UNREGISTERED"})

QUOTA_PAUSE_S = 60.0
"""What FCM asks for where a 429 comes without Retry-After."""

OUTAGE_PAUSE_S = 10.0
"""The shortest first pause that FCM asks for after an error of its own."""

VERDICTS: Mapping[str, FcmVerdict] = MappingProxyType(
    {
        "UNREGISTERED": "dead",  # the app is gone from the device, or the token was replaced
        "QUOTA_EXCEEDED": "quota",
        "UNAVAILABLE": "outage",
        "INTERNAL": "outage",
        "INVALID_ARGUMENT": "refused",  # the message or the token is malformed; FCM does not say which
        "SENDER_ID_MISMATCH": "refused",  # the token belongs to another project
        "THIRD_PARTY_AUTH_ERROR": "sender",  # APNs or web push certificate of the project
    }
)

STATUSES: Final[StatusTable[FcmVerdict]] = StatusTable(
    statuses=MappingProxyType(
        {
            401: "login",
            403: "sender",
            429: "quota",
            500: "outage",  # FCM says that it took nothing
            503: "outage",
        }
    ),
    classes=MappingProxyType({4: "refused"}),
    otherwise="unknown",  # a gateway's 502 or 504 tells nothing
)
"""For answers without a known error code."""


def receipt_of_error(key: str, status: int, body: Mapping[str, Any], retry_after_s: float | None) -> Receipt:
    """The receipt for an answer other than 200; `body` is its JSON, empty if it had none."""
    error = body.get("error")
    error = error if isinstance(error, Mapping) else {}
    code = _error_code(error)
    raw = code or str(error.get("status") or status)
    reason = f"FCM answered {status} {raw}: {error.get('message', '')}".rstrip(": ")
    verdict = VERDICTS.get(code or "") or STATUSES.meaning(status)
    match verdict:
        case "quota":
            return NotSent(key, reason, QUOTA_PAUSE_S if retry_after_s is None else retry_after_s, raw)
        case "outage":
            return NotSent(key, reason, OUTAGE_PAUSE_S if retry_after_s is None else retry_after_s, raw)
        case "login":
            return NotSent(key, reason, code=raw, of_channel=True)
        case "sender":
            return Refused(key, reason, code=raw, of_channel=True)
        case _:
            return receipt_of(verdict, key, reason, raw, retry_after_s)


def _error_code(error: Mapping[str, Any]) -> str | None:
    details = error.get("details")
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, Mapping) and isinstance(detail.get("errorCode"), str):
            return str(detail["errorCode"])
    return None
