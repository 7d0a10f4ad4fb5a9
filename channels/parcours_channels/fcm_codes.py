"""What FCM's errors say about a message: the table from error codes to receipts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from parcours.channel import Ambiguous, NotSent, Receipt, Refused

Verdict: TypeAlias = Literal["quota", "outage", "dead", "refused", "unknown"]

QUOTA_PAUSE_S = 60.0
"""What FCM asks for where a 429 comes without Retry-After."""

OUTAGE_PAUSE_S = 10.0
"""The shortest first pause that FCM asks for after an error of its own."""

VERDICTS: Mapping[str, Verdict] = MappingProxyType(
    {
        "UNREGISTERED": "dead",  # the app is gone from the device, or the token was replaced
        "QUOTA_EXCEEDED": "quota",
        "UNAVAILABLE": "outage",
        "INTERNAL": "outage",
        "INVALID_ARGUMENT": "refused",  # the message or the token is malformed; FCM does not say which
        "SENDER_ID_MISMATCH": "refused",  # the token belongs to another project
        "THIRD_PARTY_AUTH_ERROR": "refused",  # APNs or web push certificate of the project
    }
)

STATUS_VERDICTS: Mapping[int, Verdict] = MappingProxyType(
    {
        429: "quota",
        500: "outage",  # FCM says that it took nothing
        503: "outage",
    }
)
"""For answers without a known error code; other 4xx are refused, and a gateway's 502 or 504 tells nothing."""


def receipt_of_error(key: str, status: int, body: Mapping[str, Any], retry_after_s: float | None) -> Receipt:
    """The receipt for an answer other than 200; `body` is its JSON, empty if it had none."""
    error = body.get("error")
    error = error if isinstance(error, Mapping) else {}
    code = _error_code(error)
    raw = code or str(error.get("status") or status)
    reason = f"FCM answered {status} {raw}: {error.get('message', '')}".rstrip(": ")
    match VERDICTS.get(code or "") or STATUS_VERDICTS.get(status) or _of_class(status):
        case "quota":
            return NotSent(key, reason, QUOTA_PAUSE_S if retry_after_s is None else retry_after_s, raw)
        case "outage":
            return NotSent(key, reason, OUTAGE_PAUSE_S if retry_after_s is None else retry_after_s, raw)
        case "dead":
            return Refused(key, reason, permanent=True, code=raw)
        case "refused":
            return Refused(key, reason, code=raw)
        case "unknown":
            return Ambiguous(key, reason, raw)


def _error_code(error: Mapping[str, Any]) -> str | None:
    details = error.get("details")
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, Mapping) and isinstance(detail.get("errorCode"), str):
            return str(detail["errorCode"])
    return None


def _of_class(status: int) -> Verdict:
    return "refused" if 400 <= status < 500 else "unknown"
