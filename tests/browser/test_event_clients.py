"""The browser clients of Segment and RudderStack, as their makers ship them, in a page of another site than the door.

Each asks the door for its settings, is asked by the browser whether it may call at all, and comes again after a 429,
with headers of its own that the browser asks for beforehand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

import pytest
from tests.browser.shops import CARE_KEY, PAGE_KEY, shop
from tests.browser.site import Site
from tests.ingress.served import Served, until
from tests.ingress.shop import applied, crowded, traits

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

pytestmark = pytest.mark.browser


class Client(NamedTuple):
    """
    script    where it lies among the packages
    load      a function of the key, the door and whether calls are to be gathered, which leaves the client as `client`
    repeated  the header that it adds when it repeats a request
    """

    script: str
    load: str
    repeated: str


SEGMENT: Final = Client(
    "@segment/analytics-next/dist/umd/index.js",
    """
    async ([writeKey, door, gathered]) => {
      const batching = {strategy: 'batching', config: {size: 4, timeout: 500}}
      const integrations = {'Segment.io': {deliveryStrategy: gathered ? batching : {strategy: 'standard'}}}
      window.client = AnalyticsNext.AnalyticsBrowser.load({writeKey, cdnURL: door}, {integrations})
      await client.ready()
    }
    """,
    "x-retry-count",
)

RUDDERSTACK: Final = Client(
    "@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js",
    """
    async ([writeKey, door, gathered]) => {
      window.client = new rudderanalytics.RudderAnalytics()
      const batch = {enabled: gathered, maxItems: 4, flushInterval: 500}
      client.load(writeKey, door, {configUrl: door, queueOptions: {batch}})
      await new Promise(ready => client.ready(ready))
    }
    """,
    "rsa-retry-attempt",
)

CALLS: Final = """
person => {
  client.identify(person, {email: `${person}@shop.example`})
  client.page('Docs', 'Home')
  client.group('g1', {plan: 'team'})
  for (let number = 0; number < 5; number += 1) client.track('Cart Left', {number})
}
"""

BATCH_PATHS: Final = ("/v1/b", "/v1/batch")

FETCH: Final = """
address => fetch(address, {method: 'POST', body: '{}'}).then(answer => answer.status, error => error.name)
"""
"""The status of an answer that the page may read, or what kind of error it got."""

ONCE: Final = Counter(["Home", *map(str, range(5))])


@pytest.fixture(scope="module")
def door(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One door for all: each test has a person of its own."""
    with shop(site, tmp_path_factory.mktemp("door")) as door:
        yield door


@pytest.mark.parametrize("client", [SEGMENT, RUDDERSTACK], ids=["segment", "rudderstack"])
@pytest.mark.parametrize("gathered", [False, True], ids=["single", "batch"])
@pytest.mark.parametrize("full", [False, True], ids=["room", "full"])
def test_each_event_of_a_page_is_applied_once(
    page: Page, site: Site, door: Served, client: Client, gathered: bool, full: bool, request: pytest.FixtureRequest
) -> None:
    posted: list[Request] = []
    page.on("request", lambda request: posted.append(request) if request.method == "POST" else None)
    person, expected = request.node.callspec.id, 429 if full else 200
    page.goto(site.origin)
    page.add_script_tag(url=f"{site.origin}/{client.script}")
    page.evaluate(client.load, [PAGE_KEY, door.address, gathered])

    with crowded(door) if full else nullcontext(), page.expect_response(lambda each: each.status == expected):
        page.evaluate(CALLS, person)
    until(lambda: applied(door, person, CARE_KEY).total() >= ONCE.total(), "that all is applied")
    until(lambda: bool(traits(door, person, CARE_KEY)), "that she is known")
    page.evaluate("0")  # once that is answered, all that the page has sent so far is in the list

    assert applied(door, person, CARE_KEY) == ONCE
    assert traits(door, person, CARE_KEY) == {"email": f"{person}@shop.example"}
    assert any(client.repeated in request.headers for request in posted) == full
    assert any(urlsplit(request.url).path in BATCH_PATHS for request in posted) == gathered


def test_a_page_that_no_key_names_hears_no_answer(page: Page, site: Site, door: Served) -> None:
    page.goto(site.origin)
    assert page.evaluate(FETCH, f"{door.address}/v1/track") == 401
    page.goto(site.origin.replace("127.0.0.1", "localhost"))

    assert page.evaluate(FETCH, f"{door.address}/v1/track") == "TypeError"
