"""Is it told what is wrong with the settings of a topic, and is what is secret not shown?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.projects import write_texts

from parcours.errors import SettingInvalid
from parcours.journey.project import Project
from parcours.sources.kafka_settings import OURS, KafkaSettings
from parcours.sources.opening import sources_of
from parcours.sources.registry import source_models

GIVEN = {"servers": "127.0.0.1:9092", "topic": "events", "group": "parcours"}
SHOP = {"parcours.yaml": "{project: shop, timezone: UTC}", "profile.yaml": "traits: {email: string}"}


def settings(**others: Any) -> KafkaSettings:
    return KafkaSettings.model_validate({**GIVEN, **others})


@pytest.mark.parametrize("name", sorted(OURS))
def test_what_is_the_engines_is_not_an_option(name: str) -> None:
    with pytest.raises(ValidationError, match=f"'{name}' is not set here: "):
        settings(options={name: "x"})


def test_options_are_written_as_yaml_writes_them_and_the_engine_has_the_last_word() -> None:
    told = settings(options={"socket.keepalive.enable": True, "fetch.min.bytes": 1000, "log_level": "7"}).of_client()

    assert (told["socket.keepalive.enable"], told["fetch.min.bytes"], told["log_level"]) == ("true", "1000", "7")
    assert (told["enable.auto.commit"], told["auto.offset.reset"]) == (False, "error")
    assert (told["isolation.level"], told["group.id"]) == ("read_committed", "parcours")


def test_a_secret_is_not_shown() -> None:
    given = settings(options={"sasl.password": "hush"})

    assert "hush" not in f"{given!r} {given.model_dump_json()}"
    assert given.of_client()["sasl.password"] == "hush"


@pytest.mark.parametrize(
    "written, says",
    [
        ("{servers: x, topic: t}", "sources.a.kafka.group: "),
        ("{servers: x, topic: t, group: g, form: latest}", "sources.a.kafka.form: unknown key, did you mean 'from'?"),
        ("{servers: x, topic: t, group: g, from: newest}", "sources.a.kafka.from: "),
        ("{servers: x, topic: t, group: g, options: {group.id: x}}", "it is `group`"),
        ("{servers: x, topic: t, group: g, options: [x]}", "sources.a.kafka.options: "),
        ("{servers: x, topic: t, group: g, options: {group.id: x, sasl.password: 'env:P'}}", "it is `group`"),
        (
            "{servers: x, topic: t, group: g, options: {sasl.pasword: 'env:P'}}",
            "no setting 'sasl.pasword'",
        ),
        (
            "{servers: x, topic: t, group: g, options: {sasl.password: 'env:P', security.protocol: sasl}}",
            "sources.a.kafka.options.security.protocol: librdkafka does not take this value of 'security.protocol'",
        ),
        ("{servers: x, topic: t, group: g, options: {stats_cb: x}}", "it is for programs, and takes no text"),
        ("{servers: x, topic: t, group: g, options: {sasl.password: 'env:'}}", "the reference does not name the env"),
        ("{servers: 'x:y', topic: t, group: g}", "sources.a.kafka.servers: brokers are expected as host:port"),
        ("{servers: 'kafka://x', topic: t, group: g}", "sources.a.kafka.servers: brokers are expected as host:port"),
        ("{servers: 'x:70000', topic: t, group: g}", "sources.a.kafka.servers: brokers are expected as host:port"),
        ("{servers: x, topic: '', group: g}", "sources.a.kafka.topic: a topic has letters, digits, ., _ and -"),
        ("{servers: x, topic: a/b, group: g}", "sources.a.kafka.topic: a topic has letters, digits, ., _ and -"),
        ("{servers: x, topic: t, group: ''}", "sources.a.kafka.group: a text is expected that is not empty"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, written: str, says: str) -> None:
    write_texts(tmp_path, {**SHOP, "sources.yaml": f"sources: {{a: {{kafka: {written}}}}}"})

    found = [str(each) for each in Project.check(tmp_path, sources=source_models())]

    assert any(says in each and each.startswith("sources.yaml:1") for each in found), found


@pytest.mark.parametrize("servers", ["x", "x:9092, y", "SSL://x:9092,", "[::1]:9092"])
def test_brokers_are_written_as_librdkafka_takes_them(servers: str) -> None:
    assert settings(servers=servers).of_client()["bootstrap.servers"] == servers


def test_an_option_by_a_secret_is_judged_once_it_is_known(tmp_path: Path) -> None:
    written = '{servers: "env:KAFKA", topic: t, group: g, options: {security.protocol: "env:PROTOCOL"}}'
    write_texts(tmp_path, {**SHOP, "sources.yaml": f"sources: {{a: {{kafka: {written}}}}}"})

    assert Project.check(tmp_path, sources=source_models()) == []
    with pytest.raises(SettingInvalid, match="does not take this value of 'security.protocol'"):
        sources_of(Project.load(tmp_path), {"KAFKA": "broker", "PROTOCOL": "sasl"})


def test_secrets_are_read_where_the_project_refers_to_them(tmp_path: Path) -> None:
    written = '{servers: "env:KAFKA", topic: t, group: g, options: {sasl.password: "env:PASSWORD"}}'
    write_texts(tmp_path, {**SHOP, "sources.yaml": f"sources: {{a: {{kafka: {written}}}}}"})

    (opened,) = sources_of(Project.load(tmp_path), {"KAFKA": "broker:9092", "PASSWORD": "hush"})

    told = opened.source._settings.of_client()  # type: ignore[attr-defined]  # of Kafka's own
    assert (told["bootstrap.servers"], told["sasl.password"]) == ("broker:9092", "hush")
