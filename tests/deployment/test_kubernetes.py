"""deploy/kubernetes: valid for the API server, and the same processes as in docker-compose.yml."""

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.config.test_deployment import manage
from tests.deployment import compose
from tests.processes import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
NEEDED = {
    "PUBLIC_URL": "https://x.example.org",
    **dict.fromkeys(
        ("SECRET_KEY", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "REDIS_PASSWORD"), "x"
    ),
}
COMPOSE = compose.services(NEEDED)


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


RESOURCES = [each for name in KUSTOMIZATION["resources"] for each in documents(FOLDER / name)]
[SECRET] = documents(FOLDER / "secrets.example.yaml")
[SETTINGS] = documents(FOLDER / "settings.yaml")
PODS = {
    each["metadata"]["name"]: each["spec"]["template"]
    for each in RESOURCES
    if each["kind"] in {"Deployment", "Job"}
}


def name_of(document: dict[str, Any]) -> str:
    return f"{document['kind']} {document['metadata']['name']}"


@pytest.fixture(scope="module")
def kubernetes() -> ModuleType:
    """The schemas; to load their library takes a second, for which all processes would wait."""
    return import_module("kubernetes_validate")


@pytest.mark.unhurried
@pytest.mark.parametrize("document", [*RESOURCES, SECRET], ids=name_of)
@pytest.mark.parametrize("version", ["1.30", "latest"])
def test_the_api_server_takes_each_document(
    kubernetes: ModuleType, document: dict[str, Any], version: str
) -> None:
    number = kubernetes.latest_version() if version == "latest" else version
    kubernetes.validate(document, number, strict=True)


def test_a_field_that_no_api_server_knows_is_found(kubernetes: ModuleType) -> None:
    wrong = SETTINGS | {"dato": {}}
    with pytest.raises(kubernetes.ValidationError):
        kubernetes.validate(wrong, "1.30", strict=True)


def test_every_file_is_applied_but_the_example_of_secrets() -> None:
    files = {path.name for path in FOLDER.iterdir()}
    assert files - set(KUSTOMIZATION["resources"]) == {
        "kustomization.yaml", "secrets.example.yaml"
    }  # fmt: skip


def test_the_same_processes_run_as_with_compose() -> None:
    images = {name: each["image"] for name, each in compose.raw()["services"].items()}
    ours = {name for name, image in images.items() if image.startswith("tintype:")}
    timers = {"backups", "verify"}
    assert set(PODS) == ours - timers
    for name, pod in PODS.items():
        [container] = pod["spec"]["containers"]
        assert container["command"] == COMPOSE[name].command, name


@pytest.mark.parametrize("name", sorted(PODS))
def test_a_pod_can_do_no_more_than_a_container_of_compose(name: str) -> None:
    spec = PODS[name]["spec"]
    [container] = spec["containers"]
    [user] = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    account = spec["securityContext"]
    assert (str(account["runAsUser"]), str(account["runAsGroup"])) == user
    assert account["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False
    assert all(set(volume) == {"name", "emptyDir"} for volume in spec["volumes"])
    assert container["resources"]["limits"]["memory"]


def test_services_and_ingress_lead_to_pods() -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in PODS.items()}
    for service in (each for each in RESOURCES if each["kind"] == "Service"):
        assert service["spec"]["selector"] == labels[service["metadata"]["name"]]
    backends = {
        path["path"]: path["backend"]["service"]["name"]
        for each in RESOURCES
        if each["kind"] == "Ingress"
        for path in each["spec"]["rules"][0]["http"]["paths"]
    }
    assert backends == {"/": "web", "/ws/": "sockets", "/socket.io/": "sockets"}


@pytest.mark.slow
def test_the_settings_are_ones_that_a_deployment_starts_with() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    given = SETTINGS["data"] | SECRET["stringData"]
    for pod in PODS.values():
        [container] = pod["spec"]["containers"]
        for variable in container.get("env", []):
            given = given | {variable["name"]: variable["value"]}
    unknown = {name for name in given if f"`{name}`" not in page}
    assert unknown == set()
    filled = {name: value.replace("…", "x") for name, value in given.items() if value}
    filled |= {"SECRET_KEY": "0123456789" * 6, "METRICS_DIR": ""}
    filled |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    done = manage("check", "--deploy", "--fail-level", "WARNING", **filled)
    assert done.returncode == 0, done.stderr
