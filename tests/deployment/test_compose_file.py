"""What docker-compose.yml promises of every container, beyond what its schema can say."""

import json
import os
import re
import subprocess
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from tests.config.test_deployment import manage
from tests.deployment import compose
from tests.processes import ROOT

SERVICES = compose.raw()["services"]
OURS = {name for name, service in SERVICES.items() if service["image"].startswith("tintype:")}
TIMERS = {name for name, service in SERVICES.items() if service.get("profiles") == ["timers"]}
LONG_RUNNING = set(SERVICES) - {"migrate"}
SECRETS = re.compile(r"\$\{(\w*(?:KEY|PASSWORD|SECRET|TOKEN)\w*)(:[-?])?([^}]*)\}")
NEEDED = "SECRET_KEY", "PUBLIC_URL", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "REDIS_PASSWORD"
# Secrets that Compose passes on under both names. Its own DATABASE_URL, AMQP_URL and REDIS_URL are
# made of passwords that the parts get too.
FILE_SECRETS = {
    "SECRET_KEY", "SECRET_KEY_FALLBACKS", "ADMIN_PASSWORD", "JWT_PUBLIC_KEY", "METRICS_TOKEN",
    "EMAIL_URL", "STORAGE_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
}  # fmt: skip
# Settings of docs/settings.md that Compose sets in no container, and why.
EXEMPT = {
    "LOCAL": "a deployment is not a local run",
    "DEBUG": "never where others can reach it",
    "HOST": "where `./dev run` listens",
    "PORT": "where `./dev run` listens",
    "DATA_DIR": "the image's own",
    "WORK_DIR": "in DATA_DIR, where Compose mounts memory",
    "PG_BIN": "the image holds the server's version, where it is looked for",
    "CACHE_PREFIX": "this Redis is shared with nobody",
    "CELERY_QUEUE": "this RabbitMQ is shared with nobody",
    "RATE_LIMITS": "off for benchmarks alone",
}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_neither_write_its_image_nor_gain_a_right(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc"} & set(service)
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))


SIZES = {"m": 1, "g": 1024}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_takes_no_more_memory_and_processes_than_it_needs(name: str) -> None:
    """In the form that Compose v1.29 and v2 both take; files in memory count as memory."""
    service = SERVICES[name]
    assert 64 < service["pids_limit"] <= 1024
    limit = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", service["mem_limit"])
    in_memory = re.findall(r"size=(\d+)([mg])", " ".join(service["tmpfs"]))
    files = sum(int(size) * SIZES[unit] for size, unit in in_memory)
    assert files + 200 < int(limit[:-1]) * SIZES[limit[-1]] <= 3072


@pytest.mark.parametrize("name", compose.raw()["services"])
def test_what_a_container_says_is_bounded(name: str) -> None:
    """Docker keeps it all otherwise, until the disk is full."""
    kept = compose.raw()["services"][name]["logging"]
    assert kept["driver"] == "json-file"
    assert kept["options"] == {"max-size": "10m", "max-file": "5"}


@pytest.mark.parametrize("name", sorted(LONG_RUNNING))
def test_every_lasting_container_has_a_health_check_that_ends(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert check["timeout"]


def test_no_secret_has_a_default() -> None:
    found = SECRETS.findall(compose.FILE.read_text())
    needed = {"POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "REDIS_PASSWORD"}
    optional = {
        "ADMIN_PASSWORD", "API_TOKEN_DAYS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
        "JWT_PUBLIC_KEY", "METRICS_TOKEN", "PASSWORD_POLICY", "SECRET_KEY_FALLBACKS",
    }  # fmt: skip
    optional |= {"SECRET_KEY"} | {
        f"{name}_FILE" for name in FILE_SECRETS - {"EMAIL_URL", "STORAGE_URL"}
    }
    assert {name for name, *_ in found} == needed | optional
    for name, kind, rest in found:
        assert kind == ":?" if name in needed else (kind, rest) == (":-", "")


@pytest.mark.parametrize("missing", ["PUBLIC_URL", "POSTGRES_PASSWORD"])
def test_compose_refuses_to_start_without_a_secret(missing: str) -> None:
    with pytest.raises(KeyError, match=missing):
        compose.services({name: "x" for name in NEEDED if name != missing})


def test_every_documented_setting_reaches_a_container() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| (`[A-Z0-9_`, ]+`) \|", page, re.MULTILINE)
    written = {name for row in rows for name in re.findall(r"[A-Z0-9_]+", row)}
    given = {name for service in OURS for name in SERVICES[service]["environment"]}
    assert written - given == set(EXEMPT)
    assert all(EXEMPT.values())


@pytest.mark.parametrize("service", sorted(OURS))
def test_what_the_operator_sets_is_passed_on_under_its_own_name(service: str) -> None:
    passed = {
        name: found[1]
        for name, value in SERVICES[service]["environment"].items()
        if (found := re.fullmatch(r"\$\{(\w+):.*\}", str(value)))
    }
    assert len(passed) > 30
    assert {name: variable for name, variable in passed.items() if name != variable} == {}


@pytest.mark.parametrize("service", sorted(OURS))
def test_a_former_key_reaches_every_process_that_checks_signatures(service: str) -> None:
    variables = dict.fromkeys(NEEDED, "x") | {"SECRET_KEY_FALLBACKS": "former,older"}
    environment = compose.services(variables)[service].environment
    assert environment["SECRET_KEY_FALLBACKS"] == "former,older"


def test_the_documented_scrape_asks_the_port_of_the_worker() -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text()
    port = SERVICES["worker"]["environment"]["METRICS_PORT"]
    assert re.findall(r'"worker:(\d+)"', page) == [str(port)]


@pytest.mark.slow
def test_an_empty_setting_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Compose passes on empty must leave every setting as it is without."""
    environment = SERVICES["web"]["environment"]
    empty = [name for name, value in environment.items() if value == f"${{{name}:-}}"]
    empty.remove("SECRET_KEY")  # which has to be set in one of its two forms
    assert len(empty) > 20
    for name in empty:
        monkeypatch.delenv(name, raising=False)
    assert all_settings(**dict.fromkeys(empty, "")) == all_settings()


def all_settings(**variables: str) -> str:
    code = (
        "from config import settings; from config.env import celery, storages; "
        "from config.observability import telemetry; print([(name, value) "
        "for module in (storages, settings, telemetry, celery) for name, value in "
        "sorted(vars(module).items()) if name.isupper()])"
    )
    variables["PYTHONHASHSEED"] = "0"
    finished = manage("shell", "--no-imports", "-v", "0", "-c", code, **variables)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_one_image_for_all_of_ours_and_only_nginx_is_reachable() -> None:
    assert {
        *("migrate", "web", "sockets", "worker", "relay", "listen", "beat"), *TIMERS
    } == OURS  # fmt: skip
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"nginx"}


def test_every_image_of_others_is_named_by_its_digest() -> None:
    """So that two installations of one version run the same."""
    named = [
        service["image"]
        for path in ROOT.glob("docker-compose*.yml")
        for service in compose.raw(path)["services"].values()
        if "image" in service and not service["image"].startswith("tintype:")
    ]
    named += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(named) == 7
    digests: dict[str, set[str]] = {}
    for image in named:
        found = re.fullmatch(r"(?:[\w-]+/)?[\w-]+:\d[\w.-]*@(sha256:[0-9a-f]{64})", image)
        assert found, image
        digests.setdefault(image.partition("@")[0], set()).add(found[1])
    assert all(len(each) == 1 for each in digests.values()), digests


def test_what_must_outlive_a_container_has_a_name() -> None:
    volumes = set(compose.raw()["volumes"])
    used = {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])}
    assert {volume for volume in used if not volume.startswith(("./", "${"))} == volumes
    assert volumes == {"pictures", "database", "broker"}


def test_the_image_is_not_roots_and_holds_every_package() -> None:
    stages = (ROOT / "Dockerfile").read_text().split("\nFROM ")[1:]
    assert len(stages) == 2
    assert "USER 10001:101" in stages[-1]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "devkit"}
    assert packages - {"benchmarks"} <= set(compose.image_paths())


@pytest.mark.parametrize("name", ["migrate", "web", "sockets"])
def test_the_operators_default_picture_is_mounted_read_only_where_it_is_read(name: str) -> None:
    variables = dict.fromkeys(NEEDED, "x")
    ours, theirs = (
        compose.services(variables | given)[name]
        for given in ({}, {"DEFAULT_PICTURE": "/srv/face.jpg"})
    )
    assert ours.environment["DEFAULT_PICTURE"] == "/default-picture"
    assert "./images/assets/default.png:/default-picture:ro" in ours.volumes
    assert "/srv/face.jpg:/default-picture:ro" in theirs.volumes


# What Compose v1.29.2 itself checks a file against, taken from its wheel (Apache 2.0).
COMPOSE_V1 = jsonschema_rs.Draft7Validator(
    json.loads((ROOT / "tests" / "deployment" / "compose-1.29.2.json").read_text())
)


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("docker-compose*.yml")), ids=lambda each: each.name
)
def test_compose_v1_takes_each_file(path: Path) -> None:
    parsed = yaml.safe_load(path.read_text())
    COMPOSE_V1.validate(parsed)
    # It knows these forms of a variable alone.
    variables = re.findall(r"(?<!\$)\$\{\w+([^}]{0,2})", path.read_text())
    assert set(variables) <= {":-", ":?", ""}


def test_every_secret_that_the_settings_read_may_be_a_file() -> None:
    sources = [path.read_text() for path in (ROOT / "config").rglob("*.py")]
    read = {name for each in sources for name in re.findall(r'env_secret\("([A-Z_]+)"\)', each)}
    # These are read by functions of their own.
    assert read | {"EMAIL_URL", "SECRET_KEY"} == FILE_SECRETS
    environment = SERVICES["migrate"]["environment"]
    for name in FILE_SECRETS:
        assert environment[name] == f"${{{name}:-}}"
        assert environment[f"{name}_FILE"] == f"${{{name}_FILE:-}}"


def test_the_example_of_secrets_gives_every_process_of_ours_its_key() -> None:
    added = yaml.safe_load((ROOT / "docker-compose.secrets.yml").read_text())
    assert set(added["services"]) == OURS
    for service in added["services"].values():
        assert service["environment"]["SECRET_KEY"] == ""
        paths = {v for k, v in service["environment"].items() if k.endswith("_FILE")}
        assert paths == {f"/run/secrets/{name}" for name in service["secrets"]}
        assert set(service["secrets"]) <= set(added["secrets"])


def test_what_compose_v1_does_not_know_is_found() -> None:
    parsed = compose.raw()
    parsed["services"]["nginx"]["depends_on"]["web"]["restart"] = True
    with pytest.raises(jsonschema_rs.ValidationError):
        COMPOSE_V1.validate(parsed)


@pytest.mark.unhurried
def test_docker_compose_itself_takes_the_files(compose_program: str) -> None:
    """Debian 12's is v1.29.2, that of Debian 13 is v2."""
    extra = {"CERTIFICATE_DIR": "/srv/certificate", "PEERS_PASSWORD": "x", "SECRETS_DIR": "/srv"}
    added = [f"-f{each.name}" for each in sorted(ROOT.glob("docker-compose.*.yml"))]
    for files in ([], ["-fdocker-compose.yml", *added]):
        finished = subprocess.run(
            [compose_program, "--profile", "timers", *files, "config"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **dict.fromkeys(NEEDED, "x"), **extra},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert finished.returncode == 0, finished.stderr
        assert set(yaml.safe_load(finished.stdout)["services"]) >= set(SERVICES)


def test_tls_is_added_to_nginx_alone() -> None:
    added = yaml.safe_load((ROOT / "docker-compose.tls.yml").read_text())["services"]
    assert set(added) == {"nginx"}
    assert added["nginx"]["volumes"][0] == "./deploy/tls.conf:/etc/nginx/tls/tls.conf:ro"
