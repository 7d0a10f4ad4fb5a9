"""What mail servers answer, gathered from reports of their users and told in other words, and what each answer means.

Columns: the stage of the transaction, the code, the text after it, and the meaning: `dead` (of the mailbox), `sender`
(of the sender or the relay, so everybody would hear it), `refused` (of this mail or of a mailbox in use), `later`, or
`login` (later, and the same for everybody until then: often a login is wanted).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from parcours_channels.smtp_codes import Stage

Meaning: TypeAlias = Literal["dead", "sender", "refused", "later", "login"]

RELAY_ANSWERS: tuple[tuple[Stage, int, str, Meaning], ...] = (
    ("rcpt", 550, "relay not permitted here", "sender"),  # Exim, to a host that may not relay
    ("rcpt", 550, "Sender verify failed", "sender"),  # Exim, calling back the sender's server
    ("rcpt", 553, "sorry, this host takes no mail for that domain (rcpthosts)", "sender"),  # qmail
    ("rcpt", 551, "not a user of this host, and you may not relay", "sender"),  # small servers and appliances
    ("rcpt", 550, "SPF check of your domain has failed", "sender"),  # appliances before small hosts
    ("rcpt", 550, "your address is on the list zen.spamhaus.org", "sender"),  # postscreen replacements
    ("rcpt", 554, "5.7.1 <user@mail.example>: Relay access denied", "sender"),  # Postfix
    ("rcpt", 554, "5.7.1 Service unavailable; client host blocked using a DNS list", "sender"),  # Postfix
    ("rcpt", 550, "5.7.1 Unable to relay", "sender"),  # Exchange on premises
    ("body", 550, "5.7.26 neither SPF nor DKIM passes for this mail", "sender"),  # Gmail
    ("body", 554, "5.7.9 not accepted for policy reasons: the domain asks for DMARC", "sender"),  # Yahoo
    ("mail", 553, "5.1.8 the domain of the sender does not exist", "sender"),  # sendmail
    ("mail", 550, "5.1.1 no such sender here", "sender"),  # a relay that knows only its own senders
    ("mail", 530, "5.7.57 the client was not authenticated", "login"),  # Exchange Online
    ("rcpt", 550, "5.1.1 this account does not exist", "dead"),  # Gmail
    ("rcpt", 550, "5.1.1 <user@mail.example>: Recipient address rejected: unknown in virtual mailbox table", "dead"),
    ("rcpt", 550, "5.1.10 recipient not found by SMTP address lookup", "dead"),  # Exchange Online
    ("rcpt", 550, "5.2.1 the account you tried to reach is disabled", "dead"),  # Gmail
    ("body", 550, "5.1.6 the recipient has moved, and left no address", "dead"),  # said after the body only
    ("rcpt", 550, "#5.1.0 the address is rejected", "refused"),  # Cisco's appliance, of whatever it does not like
    ("rcpt", 552, "5.2.2 the mailbox is over its quota", "refused"),  # Dovecot behind LMTP
    ("body", 552, "5.3.4 the message is larger than allowed here", "refused"),  # Postfix
    ("rcpt", 450, "4.2.0 greylisted, come back in five minutes", "later"),  # Postgrey
    ("rcpt", 450, "4.2.1 the account receives mail too fast", "later"),  # Gmail
    ("rcpt", 550, "no user of this name was found", "sender"),  # said in words only, which no table can trust
    ("rcpt", 550, "ip in prison", "sender"),  # a small host, of the sender's address
    ("rcpt", 554, "5.7.1 the address of the sender is rejected: dumb", "sender"),  # another, of a list of its own
    ("rcpt", 550, "5.7.1 rejected: nobody has fetched this mailbox for half a year", "sender"),  # a policy, by its code
    ("body", 550, "5.7.1 [192.0.2.7] this is likely to be unsolicited mail", "sender"),  # Gmail, of a reputation
    ("body", 552, "5.7.0 blocked: what is attached may be dangerous", "sender"),  # Gmail, to every such mail
    ("body", 554, "delivery error: this mailbox is switched off (554.30)", "sender"),  # Yahoo, by a code of its own
    (
        "rcpt",
        550,
        "5.4.1 recipient address rejected: access denied",
        "refused",
    ),  # Exchange Online, for two reasons
    ("rcpt", 521, "5.3.2 this host takes no mail", "refused"),  # the host may be the wrong one, and the mailbox well
    ("rcpt", 556, "5.1.10 the domain takes no mail at all", "dead"),  # a null MX
    ("rcpt", 511, "5.1.1 no such address", "dead"),  # a code that no RFC knows, with one that it does
    ("body", 552, "5.2.2 the storage of the recipient is full", "refused"),  # the same as above, after the body
    ("rcpt", 452, "4.2.2 over quota for now", "later"),  # Gmail, of a full mailbox
    ("rcpt", 452, "4.5.3 too many recipients", "later"),  # Postfix
    ("rcpt", 450, "4.7.1 your host has no reverse name", "later"),  # Postfix, in case that DNS comes back
    ("mail", 451, "4.3.0 out of memory", "login"),  # a server in trouble of its own
    ("rcpt", 421, "4.3.2 going down for maintenance", "login"),  # which the connection does not survive
    ("body", 421, "4.7.28 too many mails from your network", "login"),  # Gmail
    ("connect", 421, "4.7.0 too many connections from your host", "login"),  # Gmail, in place of a greeting
    ("connect", 554, "no mail service for your address", "login"),  # a blocklist, in place of a greeting
)
