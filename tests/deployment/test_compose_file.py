"""What docker-compose.yml promises of every container, beyond what its schema can say."""

import re

import pytest
import yaml

from tests.deployment import compose
from tests.processes import ROOT

SERVICES = compose.raw()["services"]
OURS = {name for name, service in SERVICES.items() if service["image"] == "tintype"}
LASTING = set(SERVICES) - {"migrate"}
SECRETS = re.compile(r"\$\{(\w*(?:KEY|PASSWORD|SECRET|TOKEN)\w*)(:[-?])?([^}]*)\}")


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_neither_write_its_image_nor_gain_a_right(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc"} & set(service)
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))


@pytest.mark.parametrize("name", sorted(LASTING))
def test_every_lasting_container_has_a_health_check_that_ends(name):
    assert SERVICES[name]["restart"] == "unless-stopped"
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert check["timeout"]


def test_no_secret_has_a_default():
    found = SECRETS.findall(compose.FILE.read_text())
    needed = {"SECRET_KEY", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "REDIS_PASSWORD"}
    optional = {
        "ADMIN_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "METRICS_TOKEN",
    }  # fmt: skip
    assert {name for name, *_ in found} == needed | optional
    for name, kind, rest in found:
        assert kind == ":?" if name in needed else (kind, rest) == (":-", "")


@pytest.mark.parametrize("missing", ["SECRET_KEY", "PUBLIC_URL", "POSTGRES_PASSWORD"])
def test_compose_refuses_to_start_without_a_secret(missing):
    needed = "SECRET_KEY", "PUBLIC_URL", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "REDIS_PASSWORD"
    with pytest.raises(KeyError, match=missing):
        compose.services({name: "x" for name in needed if name != missing})


def test_one_image_for_all_of_ours_and_only_nginx_is_reachable():
    assert {"migrate", "web", "sockets", "worker", "relay", "listen", "beat"} == OURS
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"nginx"}
    assert all(":latest" not in service["image"] for service in SERVICES.values())


def test_what_must_outlive_a_container_has_a_name():
    volumes = set(compose.raw()["volumes"])
    used = {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])}
    assert {volume for volume in used if not volume.startswith("./")} == volumes
    assert volumes == {"pictures", "database", "broker"}


def test_the_image_is_not_roots_and_holds_every_package():
    stages = (ROOT / "Dockerfile").read_text().split("\nFROM ")[1:]
    assert len(stages) == 2
    assert "USER 10001:101" in stages[-1]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "devkit"}
    assert packages - {"benchmarks"} <= set(compose.image_paths())


def test_tls_is_added_to_nginx_alone():
    added = yaml.safe_load((ROOT / "docker-compose.tls.yml").read_text())["services"]
    assert set(added) == {"nginx"}
    assert added["nginx"]["volumes"][0] == "./deploy/tls.conf:/etc/nginx/tls/tls.conf:ro"
