"""Are the manifests for a cluster sound? Their fields, their commands, their ports, and what they say of each other."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.scripts.scripts import start
from ruamel.yaml import YAML
from typer.main import get_command
from typer.testing import CliRunner

from parcours.cli import build
from parcours.ingress.deployment import check_reachable
from parcours.ingress.servers import REQUESTS_S
from parcours.ingress.settings import load_settings
from parcours.runtime.cluster.runtime import ENVIRONMENT, OBJECT_STORE_BYTES
from parcours.serving import CLOSING_S
from parcours.store.address import check_address

DEPLOY = Path(__file__).parents[2] / "engine" / "deploy"
PAGE = (DEPLOY.parent / "docs" / "operating.md").read_text()

# The fields of ray.io/v1, as KubeRay 1.6 describes them; `template` is a pod as Kubernetes knows it.
RAY_CLUSTER = {
    "authOptions", "autoscalerOptions", "enableInTreeAutoscaling", "gcsFaultToleranceOptions", "headGroupSpec",
    "headServiceAnnotations", "managedBy", "networkPolicy", "rayVersion", "suspend", "upgradeStrategy",
    "workerGroupSpecs",
}  # fmt: skip
AUTHENTICATION = {"enableK8sTokenAuth", "mode", "secretName"}
HEAD = {"enableIngress", "headService", "labels", "rayStartParams", "resources", "serviceType", "template"}
WORKERS = {
    "groupName", "idleTimeoutSeconds", "labels", "maxReplicas", "minReplicas", "numOfHosts", "rayStartParams",
    "replicas", "resources", "scaleStrategy", "suspend", "template",
}  # fmt: skip

# Those of Kubernetes that are used here.
SPECS = {
    "PersistentVolumeClaim": {"accessModes", "resources"},
    "Deployment": {"minReadySeconds", "replicas", "selector", "strategy", "template"},
    "PodDisruptionBudget": {"minAvailable", "selector"},
    "Service": {"ports", "selector"},
    "NetworkPolicy": {"ingress", "podSelector", "policyTypes"},
}
POD = {"containers", "securityContext", "terminationGracePeriodSeconds", "topologySpreadConstraints", "volumes"}
CONTAINER = {
    "args", "command", "env", "envFrom", "image", "livenessProbe", "name", "ports", "readinessProbe", "resources",
    "startupProbe", "volumeMounts",
}  # fmt: skip


def read(name: str) -> list[Any]:
    return list(YAML(typ="safe", pure=True).load_all((DEPLOY / name).read_text()))


OBJECTS = {each["kind"]: each for each in read("kuberay.yaml")}
RAY = OBJECTS["RayCluster"]["spec"]
DOORS = OBJECTS["Deployment"]["spec"]["template"]["spec"]
(COMPOSED,) = read("compose.yaml")
TEMPLATES = {
    "head": RAY["headGroupSpec"]["template"]["spec"],
    "workers": RAY["workerGroupSpecs"][0]["template"]["spec"],
    "doors": DOORS,
}
GROUPS = {"head": RAY["headGroupSpec"], "workers": RAY["workerGroupSpecs"][0]}


def scripts() -> Iterator[tuple[str, list[str]]]:
    """Each program that a script of a manifest starts, with the place and its words."""
    shells = {name: each["command"][-1] for name, each in COMPOSED["services"].items() if "command" in each}
    shells["kuberay doors"] = DOORS["containers"][0]["args"][0]
    for place, shell in shells.items():
        for part in shell.split("&&"):
            yield place, shlex.split(part.replace("exec ", ""))


STARTED = list(scripts())


def test_the_manifest_has_the_fields_that_there_are() -> None:
    assert OBJECTS["RayCluster"]["apiVersion"] == "ray.io/v1"
    assert RAY.keys() <= RAY_CLUSTER and RAY["authOptions"].keys() <= AUTHENTICATION
    assert GROUPS["head"].keys() <= HEAD and GROUPS["workers"].keys() <= WORKERS
    assert {kind: OBJECTS[kind]["spec"].keys() <= fields for kind, fields in SPECS.items()} == dict.fromkeys(
        SPECS, True
    )
    for template in TEMPLATES.values():
        assert template.keys() <= POD
        assert all(each.keys() <= CONTAINER for each in template["containers"])


@pytest.mark.parametrize("group", GROUPS)
def test_ray_knows_what_it_is_started_with(group: str) -> None:
    options = {option.removeprefix("--") for each in start.params for option in each.opts}

    given = GROUPS[group]["rayStartParams"]

    assert given.keys() <= options
    assert all(isinstance(value, str) for value in given.values())
    assert given["object-store-memory"] == str(OBJECT_STORE_BYTES)


@pytest.mark.parametrize("place, words", [each for each in STARTED if each[1][0] == "ray"])
def test_every_command_of_ray_can_be_parsed(place: str, words: list[str]) -> None:
    _, command, *arguments = words
    assert command == "start"

    context = start.make_context(command, arguments)

    assert context.params["object_store_memory"] == OBJECT_STORE_BYTES
    assert context.params["num_cpus"] == (None if place == "worker" else 0)


COMMANDS: Any = get_command(build())
SERVE: Any = COMMANDS.commands["serve"]


@pytest.mark.parametrize("place, words", [each for each in STARTED if each[1][0] == "parcours"])
def test_every_door_can_be_parsed(place: str, words: list[str], tmp_path: Path) -> None:
    _, command, project, *options = [word.replace("/etc/luma/serve.yaml", str(DEPLOY / "serve.yaml")) for word in words]
    assert (command, project) == ("serve", "/srv/luma"), place

    given = SERVE.make_context(command, [str(tmp_path), *options]).params

    check_address(given["store"])
    assert (given["files"], given["address"]) == ("/files/luma", "auto")


def test_actors_are_on_workers_alone() -> None:
    (written,) = read("serve.yaml")
    nodes = written["settings"]["actor_nodes"]

    labels = {name: group.get("labels", {}) for name, group in GROUPS.items()}
    started = {place: labels_of(words) for place, words in STARTED if words[0] == "ray"}

    assert labels == {"head": {}, "workers": dict([nodes.split("=")])}
    assert started == {"head": None, "worker": nodes, "door-1": None, "door-2": None, "kuberay doors": None}


def labels_of(words: list[str]) -> object:
    return start.make_context("start", words[2:]).params["labels"] or None


def test_no_other_program_is_started() -> None:
    assert {words[0] for _, words in STARTED} == {"ray", "parcours"}


def test_the_settings_of_the_doors_hold_once_there_is_a_key(tmp_path: Path) -> None:
    told = CliRunner().invoke(build(), ["keys", "new", "shop", "--scope", "ingest"]).output
    (digest,) = re.findall(r"\b[0-9a-f]{64}\b", told)
    written = (DEPLOY / "serve.yaml").read_text()
    (tmp_path / "serve.yaml").write_text(written.replace("REPLACE", digest))

    settings = load_settings(tmp_path / "serve.yaml", {"PARCOURS_SIGNING_KEY": "k" * 32})
    check_reachable(settings, has_marketing=True)

    ports = {each["name"]: each["containerPort"] for each in DOORS["containers"][0]["ports"]}
    assert ports == {"door": settings.port, "health": settings.health_port}
    drain_s = settings.notice_s + REQUESTS_S + CLOSING_S
    assert drain_s <= 45 < DOORS["terminationGracePeriodSeconds"]
    assert all(each["stop_grace_period"] == "60s" for name, each in COMPOSED["services"].items() if name != "database")


def test_no_secret_stands_in_a_manifest() -> None:
    for name, template in TEMPLATES.items():
        for each in template["containers"][0]["env"]:
            assert "secretKeyRef" in each.get("valueFrom", {}) or each["name"] == "RAY_AUTH_MODE", name
    for each in COMPOSED["services"].values():
        said = {name: value for name, value in each["environment"].items() if re.search("PASSWORD|TOKEN|KEY", name)}
        assert said and all(re.fullmatch(r"\$\{\w+:\?is not set\}", value) for value in said.values())


def test_all_have_the_same_image_the_same_files_and_the_token() -> None:
    image = "registry.example/luma:1"
    assert {each["containers"][0]["image"] for each in TEMPLATES.values()} == {image}
    assert {each["image"] for name, each in COMPOSED["services"].items() if name != "database"} == {image}
    claim = {"claimName": OBJECTS["PersistentVolumeClaim"]["metadata"]["name"]}
    for template in TEMPLATES.values():
        assert {"name": "files", "persistentVolumeClaim": claim} in template["volumes"]
        assert {"name": "files", "mountPath": "/files"} in template["containers"][0]["volumeMounts"]
    assert OBJECTS["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteMany"]
    secret = {"name": RAY["authOptions"]["secretName"], "key": "auth_token"}
    token = {"name": "RAY_AUTH_TOKEN", "valueFrom": {"secretKeyRef": secret}}
    assert token in DOORS["containers"][0]["env"] and RAY["authOptions"]["mode"] == "token"


def test_the_image_has_the_version_of_ray_and_what_ray_reads() -> None:
    written = (DEPLOY / "Dockerfile").read_text()
    named = re.findall(r"rayproject/ray:([\d.]+)-", written)
    variables = dict(re.findall(r"^(?:ENV| {3}) (\w+)=(\w+)", written, re.MULTILINE))

    assert named == [RAY["rayVersion"]] and named[0].split(".")[:2] == ray.__version__.split(".")[:2]
    assert variables == ENVIRONMENT


def test_probes_ask_paths_and_ports_that_there_are() -> None:
    door = DOORS["containers"][0]
    asked = {name: door[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {name: each["path"] for name, each in asked.items()} == {
        "startupProbe": "/health",
        "livenessProbe": "/health",
        "readinessProbe": "/ready",
    }
    assert {each["port"] for each in asked.values()} == {"health"}
    for group, template in GROUPS.items():
        listened = set(template["rayStartParams"].values())
        container = TEMPLATES[group]["containers"][0]
        assert {str(container[name]["tcpSocket"]["port"]) for name in ("readinessProbe", "livenessProbe")} <= listened


def test_the_service_finds_the_doors_and_one_always_stays() -> None:
    labels = OBJECTS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert OBJECTS["Service"]["spec"]["selector"] == labels
    assert OBJECTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert OBJECTS["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert OBJECTS["Deployment"]["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert OBJECTS["Service"]["spec"]["ports"] == [{"name": "door", "port": 80, "targetPort": "door"}]


def test_the_ports_are_those_of_the_page() -> None:
    _, _, table = PAGE.partition("\n### Ports\n")
    told = set(re.findall(r"^\| ([\d, to]+) \|", table.partition("\n### ")[0], re.MULTILINE))
    head, workers = (GROUPS[name]["rayStartParams"] for name in GROUPS)
    node = {name: workers[name] for name in workers if name.endswith("port")}

    assert told == {
        "8080",
        "8081",
        head["port"],
        f"{node['node-manager-port']}, {node['object-manager-port']}",
        f"{node['min-worker-port']} to {node['max-worker-port']}",
        "8265",
        "10001",
        "5432",
    }
    assert node.items() <= head.items() and head["include-dashboard"] == "false"
    for place, words in STARTED:
        given = json.dumps(words)
        if words[0] == "ray":
            assert all(f'"--{name}", "{value}"' in given for name, value in node.items()), place


def cluster_page() -> str:
    return PAGE.partition("\n## In a cluster\n")[2].partition("\n## ")[0]


def test_the_commands_of_the_page_that_need_a_cluster_can_be_parsed() -> None:
    commands = re.findall(r"^\$ parcours (.*)$", cluster_page(), re.MULTILINE)
    assert len(commands) >= 3

    for line in commands:
        command, words = COMMANDS, shlex.split(line)
        while hasattr(command, "commands"):
            command, words = command.commands[words[0]], words[1:]
        parser = command.make_parser(command.context_class(command))  # callbacks would look at the database
        parser.parse_args(words)
        with pytest.raises(Exception, match="No such option"):
            parser.parse_args([*words, "--no-option-of-it"])


def test_the_figures_are_those_that_the_benchmarks_printed() -> None:
    benchmarks = (DEPLOY.parents[1] / "benchmarks" / "README.md").read_text()
    _, _, table = cluster_page().partition("| what | figure | by |\n")
    rows = re.findall(r"^\| [^|]+ \| ([^|]*\d[^|]*) \| `python (benchmarks/\w+\.py)(.*?)`", table, re.MULTILINE)
    assert len(rows) == 11

    for figures, script, _ in rows:
        _, _, section = benchmarks.partition(f"$ python {script}")
        section = section.partition("\n## ")[0]
        for figure in re.findall(r"\d[\d,.]*\d", figures):
            assert figure in section, (script, figure)
