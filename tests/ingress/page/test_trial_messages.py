"""What would have left in test mode: shown in a frame, and really sent to addresses for tests alone."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from tests.ingress.page.studio import TEXTS, Seen, Studio, at_the_studio
from tests.ingress.page.trying import begun, books, done, key_of, sent

from parcours.testing.doubles import SmtpServer

MAIL = """
    message: note
    class: transactional
    email: {subject: Hi, text: Hello, html: "<b>{{ profile.plan }}</b><img src=https://x.example/i.png>"}
"""


def test_a_mail_is_shown_in_a_frame_that_loads_and_runs_nothing(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        message = studio.folder / "messages" / "note.yaml"
        message.write_text(dedent(MAIL))
        await studio.log_in("ada")
        path = await begun(studio, source="folder", traits="email: s@mail.example\nplan: <script>x</script>")
        seen = await books(studio, path)
        (frame,) = [told for tag, told in seen.elements if tag == "iframe"]
        assert frame["sandbox"] == "" and frame["title"]

        mail = await studio.look(frame["src"] or "")

        assert "<b>&lt;script&gt;" in mail.text
        policy = mail.headers["content-security-policy"]
        assert policy.startswith("default-src 'none';") and policy.endswith("sandbox") and "img-src" not in policy
        assert (await studio.look(f"{path}/message?key=none")).status_code == 404

    at_the_studio(tmp_path, visit)


def with_mail(port: int) -> dict[str, str]:
    """The studio whose mails could leave."""
    mail = f"{{host: 127.0.0.1, port: {port}, sender: studio@mail.example, tls: none}}"
    return {
        **TEXTS,
        "parcours.yaml": TEXTS["parcours.yaml"].replace("{project", f"{{channels: {{email: {mail}}}, project"),
    }


def test_a_message_is_really_sent_to_an_address_for_tests_alone(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio, traits="email: other@mail.example")
        seen = await books(studio, path)
        assert "Really send" not in seen.text
        refused = await sent(studio, path, {"do": "send", "key": key_of(seen, "react")})
        assert refused.status_code == 400 and "test_addresses" in refused.text
        assert server.mailbox == []

        path = await begun(studio, traits="email: qa@mail.example")
        seen = await books(studio, path)
        assert "Really send to qa@mail.example" in seen.text
        key = key_of(seen, "send")
        seen = await done(studio, path, "send", key=key)
        assert "The message has really been sent" in seen.text
        assert "Really sent to qa@mail.example, which is done once" in seen.text and "Really send" not in seen.text
        again = await sent(studio, path, {"do": "send", "key": key})
        assert again.status_code == 400 and "has really been sent already" in Seen(again.text).text
        (mail,) = server.mailbox
        assert mail.to == "qa@mail.example" and b"Subject: [Proof] Hi" in mail.raw
        assert "The message has really been sent" not in (await studio.look(f"{path}?told=x")).text
        assert (await studio.look(f"{path}/message?key=none")).status_code == 404

    with SmtpServer() as server:
        at_the_studio(tmp_path, visit, texts=with_mail(server.port), test_addresses=("qa@mail.example",))


def test_what_cannot_be_sent_is_said(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio, traits="email: qa@mail.example")
        seen = await books(studio, path)

        unset = await sent(studio, path, {"do": "send", "key": key_of(seen, "send")})

        assert unset.status_code == 400 and "has no channels.email" in Seen(unset.text).text

    at_the_studio(tmp_path, visit, test_addresses=("qa@mail.example",))


def test_an_address_for_tests_is_meant_in_whatever_form_it_stands(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("ada")
        path = await begun(studio, traits="email: qa@MAIL.example")
        seen = await books(studio, path)
        assert "Really send to qa@mail.example" in seen.text

    at_the_studio(tmp_path, visit, test_addresses=("+33612345678", "qa@Mail.Example"))


@pytest.mark.parametrize("text, parts", [("Hello", "1 segment"), ("Hello " * 60, "3 segments")])
def test_a_text_message_says_in_how_many_parts_it_goes(text: str, parts: str, tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        for file, old, new in (
            ("messages/note.yaml", "email: {subject: Hi, text: Hello}", f"sms: {{text: '{text}'}}"),
            ("journeys/booked.yaml", "channels: [email]", "channels: [sms]"),
            ("journeys/stuck.yaml", "channels: [email]", "channels: [sms]"),
            ("profile.yaml", "email: string", "phone: string"),
            ("profile.yaml", "email: profile.email", "sms: profile.phone"),
        ):
            path = studio.folder / file
            path.write_text(path.read_text().replace(old, new))
        await studio.log_in("ada")
        path_of_trial = await begun(studio, source="folder", traits="phone: '+33612345678'")

        seen = await books(studio, path_of_trial)

        assert "note by sms" in seen.text and f"the text leaves as {parts}" in seen.text

    at_the_studio(tmp_path, visit)
