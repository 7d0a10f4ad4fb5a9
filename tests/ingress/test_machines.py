"""Which requests for a picture or a link are no person's, by their own word?"""

from __future__ import annotations

import pytest

from parcours.ingress.machines import is_machine

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.mark.parametrize(
    "agent",
    [
        FIREFOX,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",  # Apple Mail
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.0",
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        "Mozilla/5.0 (Linux; Android 14; CUBOT NOTE 50) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
        "curl/8.5.0",
    ],
)
def test_whoever_reads_is_a_person(agent: str) -> None:
    assert not is_machine("GET", {"user-agent": agent})


@pytest.mark.parametrize(
    "method, headers",
    [
        ("HEAD", {"user-agent": FIREFOX}),
        ("GET", {}),
        ("GET", {"user-agent": " "}),
        ("GET", {"user-agent": "Mozilla/5.0"}),  # Apple's proxy
        *(("GET", {"user-agent": FIREFOX, name: "prefetch"}) for name in ("sec-purpose", "purpose", "x-moz")),
        ("GET", {"user-agent": FIREFOX, "sec-purpose": "prefetch;prerender"}),
        ("GET", {"user-agent": FIREFOX, "x-purpose": "preview"}),
        *(("GET", {"user-agent": agent}) for agent in (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; bingbot/2.0)",
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "Mozilla/5.0 (compatible; Yahoo! Slurp)",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0 Safari/537.36",
            "BarracudaCentral",
            "facebookexternalhit/1.1",
        )),
    ],
)  # fmt: skip
def test_whoever_says_so_or_says_too_little_is_a_machine(method: str, headers: dict[str, str]) -> None:
    assert is_machine(method, headers)
