"""What a provider says of an address, and who may read it: in reports and on /deliveries, as JSON and as pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.ingress.page.studio import TEXTS, Seen, Studio, at_the_studio, key

from parcours.core.known_words import LEFT_OUT
from parcours.testing.doubles import Reply, SmtpServer

KEYS = (key("eve", "operate:read"), key("care", "operate:read", "people:read"))

PEOPLE = 3


def refused(folder: Path, visit: Callable[[Studio], Awaitable[None]]) -> None:
    """The studio after the mail server has refused everybody, each in words of her own."""

    async def come(studio: Studio) -> None:
        for number in range(PEOPLE):
            server.next("rcpt", Reply(f"550 5.1.1 no mailbox <u{number}@mail.example> for Mrs. Sarah Secret"))
            await studio.door.service.identify(f"u{number}", {"email": f"u{number}@mail.example"})
            await studio.door.service.track(f"u{number}", "Booked", {"total": 80})
            await studio.door.service.drain(30)
        await visit(studio)

    with SmtpServer() as server:
        mail = f"{{host: 127.0.0.1, port: {server.port}, sender: studio@mail.example, tls: none}}"
        project = TEXTS["parcours.yaml"].replace("{project", f"{{channels: {{email: {mail}}}, project")
        at_the_studio(
            folder,
            come,
            texts={**TEXTS, "parcours.yaml": project},
            keys=KEYS,
            records=("sms",),
            store=f"sqlite:///{folder}/store",
        )


def test_a_report_tells_words_of_a_fixed_list_and_codes_alone_to_whoever_may_not_look_at_people(tmp_path: Path) -> None:
    paths = ("/report?kind=channel", "/report?kind=message", "/report?kind=journey")

    async def visit(studio: Studio) -> None:
        told = {path: await studio.json(path) for path in paths}
        pages = {}
        for who in ("eve", "care"):
            await studio.log_in(who)
            pages[who] = [(await studio.look(path)).text for path in (*paths, "/report")]

        for path in paths:
            assert "Secret" not in str(told[path]) and "mail.example" not in str(told[path])
        (reasons,) = (each for each in told["/report?kind=channel"]["tables"] if each["title"] == "Reasons")
        assert reasons["rows"] == [["email", "failed", "rcpt: 550 5.1.1", "550 5.1.1", PEOPLE, PEOPLE]]
        assert all("Secret" not in page and "mail.example" not in page for page in pages["eve"])
        assert "rcpt: 550 5.1.1" in pages["eve"][-1]
        assert [page.count("Secret") > 0 for page in pages["care"]] == [True, True, False, True]

    refused(tmp_path, visit)


def test_reasons_of_deliveries_are_counted_by_words_and_codes_unless_people_are_to_be_named(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        care = {"Authorization": "Bearer care"}
        unasked = (await studio.client.get("/deliveries", headers=care)).json()
        named = (await studio.client.get("/deliveries?named=true", headers=care)).json()
        await studio.log_in("care")
        page = Seen((await studio.look("/deliveries")).text)
        named_page = Seen((await studio.look("/deliveries?named=true")).text)

        assert [(each["reason"], each["total"]) for each in unasked["reasons"]] == [("rcpt: 550 5.1.1", PEOPLE)]
        assert "Secret" not in str(unasked) + page.text
        assert ["email", "rcpt: 550 5.1.1", "3", "3", "3"] in page.rows
        assert sorted(each["reason"] for each in named["reasons"]) == [
            f"rcpt: 550 5.1.1 no mailbox <u{number}@mail.example> for Mrs. Sarah Secret" for number in range(PEOPLE)
        ]
        assert "Secret" in named_page.text

    refused(tmp_path, visit)


def test_why_runs_are_parked_is_told_as_far_in_a_report_of_journeys(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        asked = "/report?kind=journey&name=stuck"

        hidden = await studio.json(asked)
        whole = (await studio.client.get(asked, headers={"Authorization": "Bearer care"})).json()

        (why,), (said,) = (
            {row[-2] for each in told["tables"] if each["title"] == "Ended" for row in each["rows"]}
            for told in (hidden, whole)
        )
        assert why == LEFT_OUT and "instant_steps_max" in said

    at_the_studio(tmp_path, visit, keys=KEYS, store=f"sqlite:///{tmp_path}/store")
