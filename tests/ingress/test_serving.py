"""`parcours serve` as a process: it opens, answers, reads its keys again, and ends in order."""

from __future__ import annotations

import asyncio
import os
import signal
import smtplib
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from tests.ingress.served import served
from typer.testing import CliRunner

from parcours.cli import build
from parcours.errors import SettingInvalid
from parcours.examples import write_example
from parcours.ingress.deployment import links_of
from parcours.ingress.listeners import port_held
from parcours.ingress.settings import ServeSettings
from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.serving import Serving

RECORDING = [each for name in ("email", "sms", "push") for each in ("--record", name)]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    write_example(folder, "abandoned-cart")
    return folder


def test_it_opens_answers_and_ends_with_exit_code_0(project: Path, tmp_path: Path) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text("notice_s: 0\n")
    with served(project, f"sqlite:///{tmp_path}/store", "--config", str(config), *RECORDING, folder=tmp_path) as door:
        assert httpx.get(f"{door.address}/health").json() == {"status": "ok"}
        assert httpx.get(f"{door.address}/ready").json() == {"ready": True, "reasons": []}
        assert door.stop() == 0

        logged = door.logged()
    assert [line["route"] for line in logged if line["event"] == "request"] == ["GET /health", "GET /ready"]
    assert logged[-1]["event"] == "stopping"


def test_it_says_beforehand_that_it_is_about_to_stop_and_a_second_signal_skips_the_rest(
    project: Path, tmp_path: Path
) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text("notice_s: 60\n")
    with served(project, "memory:", "--config", str(config), *RECORDING, folder=tmp_path) as door:
        door.process.send_signal(signal.SIGTERM)
        answer = httpx.get(f"{door.address}/ready")
        while answer.status_code == 200:
            answer = httpx.get(f"{door.address}/ready")

        assert answer.json() == {"ready": False, "reasons": ["the door is about to stop"]}
        assert door.stop() == 0


def test_a_key_that_is_added_works_after_a_hangup_and_one_that_is_taken_away_does_not(
    project: Path, tmp_path: Path
) -> None:
    config = tmp_path / "serve.yaml"

    def write(*names: str) -> None:
        entries = [f"{{name: {name}, sha256: {sha256(name.encode()).hexdigest()}, scopes: [ingest]}}" for name in names]
        config.write_text(f"notice_s: 0\nkeys: [{', '.join(entries)}]\n")

    def status(address: str, name: str) -> int:
        headers = {"Authorization": f"Bearer {name}"}
        call = {"userId": "u1", "event": "Product Added", "properties": {"cart": {"total": 80}}}
        return httpx.post(f"{address}/v1/track", headers=headers, json=call).status_code

    write("first")
    with served(project, "memory:", "--config", str(config), *RECORDING, folder=tmp_path) as door:
        assert (status(door.address, "first"), status(door.address, "second")) == (200, 401)
        write("second")
        door.process.send_signal(signal.SIGHUP)
        while status(door.address, "second") == 401:
            pass

        assert status(door.address, "first") == 401
        write()  # as a file may be that is just being written
        door.process.send_signal(signal.SIGHUP)
        while status(door.address, "second") == 200:
            pass

        assert status(door.address, "first") == status(door.address, "second") == 401
        assert any("nobody is let in" in str(line["event"]) for line in door.logged())
        config.write_text("keys: [\n")
        door.process.send_signal(signal.SIGHUP)
        while not any("cannot be read again" in str(line["event"]) for line in door.logged()):
            pass

        assert status(door.address, "second") == 401


@pytest.mark.parametrize(
    "written, told",
    [
        ("host: 0.0.0.0\n", "can be reached by others"),
        ("hots: x\n", "unknown key"),
        ("signing_keys: [short]\n", "at least 32 characters"),
        ("keys: [{name: a, sha256: secret, scopes: [ingest]}]\n", "sha256"),
        (
            "keys: [{name: a, sha256: %s, scopes: [operate], public: true, origins: ['https://x']}]\n" % ("a" * 64),
            "opens",
        ),
        ("keys: [{name: a, sha256: %s, scopes: [ingest], public: true, origins: [x]}]\n" % ("a" * 64), "no origin"),
        ("public_url: 'https://me:pw@x.example/a?b=1'\n", "without a user"),
        ("port: 9\nhealth_port: 9\n", "the door has that port itself"),
        ("identity_verification: required\n", "identity_secret"),
        ("bounces: {domain: not a domain}\n", "bounces.domain: 'not a domain' is no domain"),
        ("bounces: {domain: 192.0.2.1}\n", "is no domain"),
        ("bounces: {domain: -x.example}\n", "is no domain"),
        ("bounces: {domain: shop@x.example}\n", "is no domain"),
        (f"signing_keys: [{'a' * 40}, 'env:PATH', {'b' * 40}]\nport: x\n", "signing_keys.2: the secret itself"),
        ("identity_secret: hidden-away\n", "identity_secret: the secret itself"),
        ("settings: {claim_max: 0}\n", "claim_max"),
        ("a: [\n", "cannot be read"),
    ],
)
def test_settings_that_no_door_can_have_are_told_before_anything_opens(
    project: Path, tmp_path: Path, written: str, told: str
) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text(written)
    arguments = ["serve", str(project), "--store", "memory:", "--config", str(config), "--check"]

    asked = CliRunner().invoke(build(), arguments)

    assert asked.exit_code == 1
    assert told in asked.stderr


def test_check_shows_what_holds_and_no_secret(project: Path, tmp_path: Path) -> None:
    config = tmp_path / "serve.yaml"
    (tmp_path / "identity").write_text("hidden-away\n")
    config.write_text("signing_keys: ['env:SIGNING']\nidentity_secret: file:identity\nport: 9\n")

    arguments = ["serve", str(project), "--store", "memory:", "--config", str(config), "--check", "--port", "10"]
    asked = CliRunner(env={"SIGNING": "s3cret" * 8}).invoke(build(), [*arguments, *RECORDING])

    assert asked.exit_code == 0
    assert '"port": 10' in asked.stdout
    assert "s3cret" not in asked.output and "hidden-away" not in asked.output


def test_check_tells_of_every_secret_of_a_channel_that_is_not_there(project: Path) -> None:
    document = project / "parcours.yaml"
    email = "email: {host: 127.0.0.1, sender: shop@luma.example, username: shop, password: 'env:NO_PW'}"
    sms = "sms: {account: 'env:NO_ACCOUNT', token: 'file:no-token', sender: '+33612345678'}"
    with document.open("a") as file:
        file.write(f"channels:\n  {email}\n  {sms}\n")

    asked = CliRunner().invoke(build(), ["serve", str(project), "--store", "memory:", "--check", "--record", "push"])

    assert asked.exit_code == 1
    told = " ".join(asked.stderr.split())
    assert "channels.email.password refers to the environment variable NO_PW, which is not set" in told
    assert "channels.sms.account refers to the environment variable NO_ACCOUNT, which is not set" in told
    assert "channels.sms.token refers to the file" in told


def test_behind_a_proxy_figures_are_for_whoever_has_a_key_once_the_proxy_is_named(
    project: Path, tmp_path: Path
) -> None:
    from_outside = {"X-Forwarded-For": "198.51.100.7", "Host": "localhost"}
    key = f"keys: [{{name: shop, sha256: {sha256(b'wk_shop').hexdigest()}, scopes: [ingest]}}]\n"
    for named, status in (("", 200), ("forwarded_allow: [127.0.0.1]\n", 401)):
        config = tmp_path / "serve.yaml"
        config.write_text(f"public_url: https://journeys.example\nnotice_s: 0\n{key}{named}")
        with served(project, "memory:", "--config", str(config), *RECORDING, folder=tmp_path) as door:
            assert httpx.get(f"{door.address}/metrics").status_code == 200, "from this machine"
            assert httpx.get(f"{door.address}/metrics", headers=from_outside).status_code == status
            warned = [line["event"] for line in door.logged() if line["level"] == "warning"]
            assert [str(each).split(",")[0] for each in warned] == ([] if named else ["no proxy is named"])


def test_while_the_engine_is_being_opened_whoever_comes_hears_so_at_once() -> None:
    answers: list[httpx.Response] = []

    def opening(settings: ServeSettings) -> Service:
        asked = (("GET", "/health"), ("GET", "/ready"), ("POST", "/v1/track"), ("HEAD", "/ready"))
        answers.extend(httpx.request(method, f"{settings.public_url}{path}") for method, path in asked)
        raise SettingInvalid("there is no cluster")

    with pytest.raises(SettingInvalid, match="there is no cluster"):
        asyncio.run(Serving(opening, ServeSettings(port=0)).run())

    assert [each.status_code for each in answers] == [200, 503, 429, 503]
    assert answers[1].json() == {"ready": False, "reasons": ["the door is starting"]}
    assert (answers[2].json()["code"], answers[2].headers["retry-after"]) == ("busy", "1")
    assert answers[3].content == b""
    assert all(each.headers["x-request-id"] and each.headers["cache-control"] == "no-store" for each in answers)


def test_a_door_that_shares_its_port_listens_only_once_it_has_found_the_engine() -> None:
    def opening(settings: ServeSettings) -> Service:
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{settings.public_url}/ready")
        raise SettingInvalid("there is no cluster")

    with port_held("127.0.0.1", 0) as port, pytest.raises(SettingInvalid, match="there is no cluster"):
        asyncio.run(Serving(opening, ServeSettings(port=port), shares_port=True).run())


def test_a_port_in_use_is_told(project: Path, tmp_path: Path) -> None:
    with served(project, "memory:", *RECORDING, folder=tmp_path) as door:
        port = door.address.rpartition(":")[2]
        second = served(project, "memory:", "--port", port, *RECORDING, folder=tmp_path)
        with pytest.raises(AssertionError, match=f"nobody can listen at 127.0.0.1:{port}"), second:
            pass


def test_mail_that_comes_back_is_taken_for_as_long_as_the_door_is_open(project: Path, tmp_path: Path) -> None:
    config, socket = tmp_path / "serve.yaml", tmp_path / "lmtp"
    bounces = f"bounces: {{domain: bounces.example, lmtp: {socket}}}"
    config.write_text(f"notice_s: 0\nsigning_keys: ['env:SIGNING']\n{bounces}\n")
    options = ["--config", str(config), *RECORDING]
    with served(project, "memory:", *options, folder=tmp_path, environ={"SIGNING": "s" * 32}) as door:
        with smtplib.LMTP(str(socket)) as client:
            client.sendmail("", "b+nobody@bounces.example", b"Subject: canary@mail.example\r\n\r\nAway\r\n")
        figures = httpx.get(f"{door.address}/metrics").text
        idle = smtplib.LMTP(str(socket))  # a mail server that keeps its connection holds nothing up
        assert door.stop() == 0
        idle.close()

        logged = door.log.read_text()
    assert 'parcours_feedback_total{channel="email",result="no_token"} 1.0' in figures
    assert "mail that came back is taken at" in logged and "canary" not in logged and "nobody" not in logged


@pytest.mark.parametrize("option", [("--address", "auto"), ("--doors", "2")])
def test_what_needs_ray_is_refused_with_the_local_runtime_in_one_line(project: Path, option: tuple[str, str]) -> None:
    arguments = ["serve", str(project), "--store", "memory:", "--runtime", "local", *option]

    asked = CliRunner().invoke(build(), arguments)

    assert asked.exit_code == 2
    assert f"Invalid value for {option[0]}: it is for engines on Ray, and --runtime local uses none." in asked.stderr


def test_a_door_ends_with_whoever_has_started_it(project: Path) -> None:
    def opened(settings: ServeSettings) -> Service:
        return Service.open(
            Project.load(project),
            "memory:",
            runtime="local",
            records=["email", "sms", "push"],
            links=links_of(settings),
        )

    async def scenario() -> list[str]:
        announced: list[str] = []
        ends, parent = os.pipe()

        def announce(address: str, _: Service) -> None:
            announced.append(address)
            os.close(parent)

        settings = ServeSettings(port=0, notice_s=0)
        await Serving(opened, settings, announce=announce, ends_with=ends).run()
        os.close(ends)
        return announced

    assert len(asyncio.run(scenario())) == 1
