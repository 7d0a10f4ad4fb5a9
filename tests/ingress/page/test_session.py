"""Who sees the page, for how long, and from where a form may come."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.ingress.page.studio import HERE, KEYS, Seen, Studio, at_the_studio, key

from parcours.ingress.keys import Keyring
from parcours.ingress.page.session import LASTS_MS

PUBLIC = "https://journeys.example"

SIGNING = ("s" * 32,)


def test_a_browser_without_a_session_is_sent_to_where_one_logs_in_and_a_program_is_not(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        sent = await studio.look("/journeys/booked?step=remind")
        told = await studio.client.get("/journeys/booked")
        without_a_page = await studio.look("/troubles")
        wrong_key = await studio.look("/journeys", Authorization="Bearer nobody")

        assert (sent.status_code, sent.headers["vary"]) == (303, "Accept")
        assert sent.headers["location"] == "/in?next=%2Fjourneys%2Fbooked%3Fstep%3Dremind"
        for refused in (told, without_a_page, wrong_key):
            assert (refused.status_code, refused.json()["code"]) == (401, "key")

    at_the_studio(tmp_path, visit)


def test_a_key_that_is_shown_once_opens_the_page_and_nothing_else(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        form = Seen((await studio.look("/in?next=%2Fjourneys%2Fbooked")).text)
        visible = [told for tag, told in form.elements if tag == "input" and told.get("type") != "hidden"]
        sent = await studio.log_in("eve", next=form.fields["next"])
        seen = await studio.look("/journeys/booked")
        again = await studio.look("/in")
        told = await studio.client.get("/journeys")
        changed = await studio.client.post("/journeys/booked/pause", json={})

        assert [each["name"] for each in visible] == ["key"]
        assert (sent.status_code, sent.headers["location"]) == (303, "/journeys/booked")
        assert sent.headers["set-cookie"].startswith("parcours=")
        assert sent.headers["set-cookie"].endswith("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict")
        assert "eve" not in sent.headers["set-cookie"], "it is sealed"
        assert seen.status_code == 200 and "Key eve" in Seen(seen.text).text
        assert again.status_code == 303
        assert (told.status_code, changed.status_code) == (401, 401), "JSON needs a key"

    at_the_studio(tmp_path, visit)


def test_the_report_opens_by_the_session_too(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        before = await studio.look("/report?kind=channel")
        await studio.log_in()
        after = await studio.look("/report?kind=channel")

        assert before.status_code == 303 and before.json()["code"] == "key", "a command is told why"
        assert (after.status_code, after.headers["content-type"]) == (200, "text/html; charset=utf-8")

    at_the_studio(tmp_path, visit, store=f"sqlite:///{tmp_path}/store")


def test_at_a_door_without_keys_a_browser_is_told_as_a_page_what_is_wrong_and_a_program_as_json(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        browser = await studio.look("/report?by=nothing")
        programs = [
            await studio.client.get("/report?by=nothing", headers=headers)
            for headers in (
                {"Accept": "text/html, application/json"},
                {"Accept": "text/html", "Authorization": "Bearer eve"},
                {},
            )
        ]

        assert (browser.status_code, browser.headers["content-type"]) == (400, "text/html; charset=utf-8")
        assert "`name` and `by` go with `kind`" in Seen(browser.text).text
        assert "This door has no keys" in Seen(browser.text).text
        assert [(each.status_code, each.json()["code"]) for each in programs] == [(400, "invalid")] * 3

    at_the_studio(tmp_path, visit, keys=())


@pytest.mark.parametrize(
    "secret, status, said", [("nobody", 401, "missing, unknown"), ("", 401, "missing"), ("shop", 403, "does not open")]
)
def test_what_is_no_key_to_the_page_is_said_on_the_form(secret: str, status: int, said: str, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        answer = await studio.log_in(secret, next="/journeys/booked")

        assert answer.status_code == status and "set-cookie" not in answer.headers
        assert said in Seen(answer.text).text
        assert Seen(answer.text).fields == {"key": "", "next": "/journeys/booked"}

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize(
    "keys",
    [
        (),
        (key("eve", "operate:read", secret="another"),),
        (key("eve", "operate:read", "people:read"),),
        (key("eve", "operate:read", expires_ms=1),),
    ],
    ids=["removed", "of another secret", "of other scopes", "expired"],
)
def test_a_session_ends_when_its_key_does(keys: tuple[object, ...], tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        assert (await studio.look("/journeys")).status_code == 200

        studio.door.keys.renew(keys)  # type: ignore[arg-type]  # of the table above

        assert (await studio.look("/journeys")).status_code == 303

    at_the_studio(tmp_path, visit)


def test_a_session_lasts_for_twelve_hours(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        began_ms = studio.door.now_ms()
        studio.door.now_ms = lambda: began_ms
        await studio.log_in()
        studio.door.now_ms = lambda: began_ms + LASTS_MS - 1
        assert (await studio.look("/journeys")).status_code == 200
        studio.door.now_ms = lambda: began_ms + LASTS_MS
        assert (await studio.look("/journeys")).status_code == 303

    at_the_studio(tmp_path, visit)


def test_a_cookie_that_nobody_has_sealed_opens_nothing(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        sealed = studio.client.cookies["parcours"]
        studio.client.cookies.clear()

        for forged in ("", "x", sealed[:-1], sealed[:-2] + "AA", f"{sealed}A"):
            assert (await studio.look("/journeys", Cookie=f"parcours={forged}")).status_code == 303
        assert (await studio.look("/journeys", Cookie=f"other=1; parcours={sealed}")).status_code == 200
        elsewhere = {"Cookie": f"parcours={sealed}", "Host": "journeys.example"}
        assert (await studio.look("/journeys", **elsewhere)).status_code == 303, "the plain one is of this machine"

    at_the_studio(tmp_path, visit)


def test_behind_https_the_cookie_is_of_this_host_and_of_secure_connections(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        sent = await studio.log_in(origin=PUBLIC)
        pair = sent.headers["set-cookie"].partition(";")[0]

        assert pair.startswith("__Host-parcours=")
        assert sent.headers["set-cookie"].endswith("; HttpOnly; SameSite=Strict; Secure")
        studio.client.cookies.clear()
        assert (await studio.look("/journeys", Cookie=pair)).status_code == 200

    at_the_studio(tmp_path, visit, public_url=PUBLIC, base_url=PUBLIC)


def test_a_key_is_not_taken_in_the_clear(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        refused = await studio.log_in(origin="http://journeys.example")

        assert refused.status_code == 403 and "Come by https" in Seen(refused.text).text

    plain = "http://journeys.example"
    at_the_studio(tmp_path, visit, public_url=plain, base_url=plain)


@pytest.mark.parametrize("origin", [None, "null", "https://elsewhere.example", "http://localhost:3000", "http://[::1]"])
def test_a_form_from_elsewhere_begins_no_session(origin: str | None, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        refused = await studio.send("/in", {"key": "eve"}, origin)

        assert (refused.status_code, refused.json()["code"]) == (403, "origin")

    at_the_studio(tmp_path, visit, public_url=PUBLIC)


def test_only_a_form_of_the_session_ends_it(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        of_another = Seen((await studio.look("/journeys")).text).fields["token"]
        studio.client.cookies.clear()
        await studio.log_in()
        token = Seen((await studio.look("/journeys")).text).fields["token"]

        for form, origin in (
            ({"to": "x"}, HERE), ({"token": "x"}, HERE), ({"token": of_another}, HERE), ({"token": token}, None),
            ({"token": token}, "https://elsewhere.example"),
        ):  # fmt: skip
            assert (await studio.send("/out", form, origin)).status_code == 403
        assert (await studio.look("/journeys")).status_code == 200
        done = await studio.send("/out", {"token": token})

        assert (done.status_code, done.headers["location"]) == (303, "/in")
        assert (await studio.look("/journeys")).status_code == 303

    at_the_studio(tmp_path, visit)


def test_a_form_that_is_none_is_refused(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        for content, kind, status in (
            (b"{}", "application/json", 415),
            (b"key=\xff", "application/x-www-form-urlencoded", 400),
            (b"&".join([b"a=1"] * 50), "application/x-www-form-urlencoded", 400),
            (b"key=" + b"x" * 9_000, "application/x-www-form-urlencoded", 413),
        ):
            headers = {"Content-Type": kind, "Origin": HERE}
            assert (await studio.client.post("/in", content=content, headers=headers)).status_code == status

    at_the_studio(tmp_path, visit)


@pytest.mark.parametrize(
    "told, place",
    [
        ("/journeys?tag=a%20b", "/journeys?tag=a%20b"),
        ("//elsewhere.example", "/"), ("/\\elsewhere.example", "/"), ("https://elsewhere.example", "/"),
        ("journeys", "/"), ("/a\r\nSet-Cookie: x=1", "/"), ("/ü", "/"), ("", "/"), ("/" + "x" * 3_000, "/"),
    ],
)  # fmt: skip
def test_whoever_has_logged_in_is_sent_to_this_door_only(told: str, place: str, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        assert (await studio.log_in(next=told)).headers["location"] == place

    at_the_studio(tmp_path, visit)


def test_doors_with_the_same_signing_keys_know_each_others_sessions(tmp_path: Path) -> None:
    cookies = []

    async def begin(studio: Studio) -> None:
        await studio.log_in()
        cookies.append(f"parcours={studio.client.cookies['parcours']}")

    async def known(studio: Studio) -> None:
        assert (await studio.look("/journeys", Cookie=cookies[0])).status_code == 200

    async def unknown(studio: Studio) -> None:
        assert (await studio.look("/journeys", Cookie=cookies[0])).status_code == 303

    at_the_studio(tmp_path, begin, signing_keys=SIGNING)
    at_the_studio(tmp_path, known, signing_keys=("n" * 32, *SIGNING))
    at_the_studio(tmp_path, unknown, signing_keys=("n" * 32,))
    at_the_studio(tmp_path, unknown)


def test_whoever_follows_a_link_on_another_site_is_asked_for_her_cookie_once_more(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        along = Seen((await studio.look("/in?next=/journeys/booked", **{"Sec-Fetch-Site": "cross-site"})).text)
        again = Seen((await studio.look("/in?next=/journeys/booked", **{"Sec-Fetch-Site": "same-origin"})).text)

        refreshed = {"http-equiv": "refresh", "content": "0;url=/journeys/booked"}
        assert ("meta", refreshed) in along.elements
        assert all(told.get("http-equiv") != "refresh" for _, told in again.elements)

    at_the_studio(tmp_path, visit)


def test_without_any_key_the_page_is_open_on_this_machine_and_says_so(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        studio.door.keys = Keyring([])
        seen = await studio.look("/")
        sent = await studio.look("/in")
        elsewhere = await studio.look("/", Host="journeys.example")

        assert (seen.status_code, sent.status_code, elsewhere.status_code) == (200, 303, 403)
        notes = [told for _, told in Seen(seen.text).elements if told.get("class") == "warning"]
        assert len(notes) == 1 and "This door has no keys" in seen.text
        assert "Log out" not in seen.text

    at_the_studio(tmp_path, visit, keys=KEYS)


def test_below_another_path_all_addresses_begin_with_it(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        sent = await studio.look("/journeys")
        done = await studio.log_in(origin=PUBLIC, next="/journeys")
        pair = done.headers["set-cookie"].partition(";")[0]
        seen = Seen((await studio.look("/journeys/booked", Cookie=pair)).text)

        assert sent.headers["location"] == "/live/in?next=%2Fjourneys"
        assert done.headers["location"] == "/live/journeys"
        places = [told.get("href") or told.get("action") for _, told in seen.elements]
        assert all(each.startswith(("/live/", "#")) for each in places if each)

    at_the_studio(tmp_path, visit, public_url=f"{PUBLIC}/live", base_url=PUBLIC)
