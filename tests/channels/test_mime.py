"""Is a header that needs no folding the same as the library would write it?"""

from __future__ import annotations

from email import message_from_bytes
from email.header import Header

from hypothesis import given
from hypothesis import strategies as st

from parcours_channels.mime import encode_mail, folded

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=120)


@given(subject=PRINTABLE)
def test_a_subject_in_ascii_is_written_as_the_library_folds_it(subject: str) -> None:
    mail = encode_mail(
        key="k1", sender="shop@luma.example", to="sarah@mail.example", subject=subject, text="", html=None, at_ms=None
    )

    written = mail[mail.index(b"Subject: ") : mail.index(b"\r\nMessage-ID: ")].decode()
    by_library = Header(folded(subject), header_name="Subject").encode(linesep="\r\n")
    assert written == f"Subject: {by_library}"


def test_two_senders_take_turns_and_each_mail_is_from_its_own() -> None:
    def sender_of(sender: str) -> str:
        mail = encode_mail(key="k1", sender=sender, to="a@b.example", subject="Hi", text="", html=None, at_ms=None)
        return str(message_from_bytes(mail)["From"])

    senders = ["Luma <shop@luma.example>", "news@luma.example", "Luma <shop@luma.example>"]
    assert [sender_of(each) for each in senders] == senders
