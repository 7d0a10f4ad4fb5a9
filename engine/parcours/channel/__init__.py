"""How a channel is written: the whole of what a channel plugin may import from Parcours.

A channel is a class named by an entry point of the group `parcours.channels`. One instance lives in
one dispatcher; the engine calls `start` once, then `send` for as long as it runs (several calls may
be under way at once), then `stop` once. All three run on one asyncio loop, which a channel must not block.

Rules that a channel keeps:

- A delivery that certainly did not leave is `NotSent`; one that may have left is `Ambiguous`. When in
  doubt, `Ambiguous`: the engine then follows the message's class and never sends marketing twice.
- `send` does not sleep in order to retry: it says `NotSent(retry_after_s=...)` and the engine waits.
- A crash of the process during `send` makes every delivery of that call ambiguous.

What a channel is made of is in vocabulary.py, how addresses of ours get into its contents in links.py, and when a
content is validated in filling.py. The rest is help that nobody has to take: sending deliveries side by side and
judging failures (side_by_side.py), reading what an HTTP answer says (http.py), and keeping a URL of somebody else's out
of private networks (guard.py).
"""

from parcours.channel.filling import FILLED_IN, is_filled_in
from parcours.channel.guard import AddressForbidden, AllowedNetworks, Guard
from parcours.channel.http import (
    HTTP_STATUSES,
    PAUSE_S_MAX,
    RequestTrace,
    StatusTable,
    Verdict,
    receipt_of,
    retry_after_s,
)
from parcours.channel.links import DeliveryLinks, LinkedChannel
from parcours.channel.side_by_side import Attempt, SideBySide
from parcours.channel.vocabulary import (
    CALL,
    CAPACITY,
    GROUP,
    INBOX,
    Accepted,
    Ambiguous,
    Channel,
    Delivery,
    Feedback,
    FeedbackChannel,
    Finding,
    NotSent,
    Reaction,
    Receipt,
    Refused,
    WebhookRequest,
    plain_address,
)

__all__ = [
    "CALL",
    "CAPACITY",
    "FILLED_IN",
    "GROUP",
    "HTTP_STATUSES",
    "INBOX",
    "PAUSE_S_MAX",
    "Accepted",
    "AddressForbidden",
    "AllowedNetworks",
    "Ambiguous",
    "Attempt",
    "Channel",
    "Delivery",
    "DeliveryLinks",
    "Feedback",
    "FeedbackChannel",
    "Finding",
    "Guard",
    "LinkedChannel",
    "NotSent",
    "Reaction",
    "Receipt",
    "Refused",
    "RequestTrace",
    "SideBySide",
    "StatusTable",
    "Verdict",
    "WebhookRequest",
    "is_filled_in",
    "plain_address",
    "receipt_of",
    "retry_after_s",
]
