"""Every process starts with valid settings, or ends with one line that names the invalid one."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.start import loading, start_decoders
from images.sandbox import pool
from tests.config.settings_loader import settings_loader
from tests.images.sandbox.pools import niceness, template_of
from tests.processes import ROOT
from tests.servers import loaded_python

VALID = {
    "SECRET_KEY": "0123456789" * 5,
    "PUBLIC_URL": "https://pictures.example.org",
    "DATABASE_URL": "postgres://tintype:secret@db.invalid/tintype",
    "REDIS_URL": "redis://redis.invalid/0",
    "AMQP_URL": "amqp://tintype:secret@rabbitmq.invalid/",
}
INVALID = [
    ({"SECRET_KEY": ""}, "SECRET_KEY must be set outside local mode."),
    ({"SECRET_KEY": "short"}, "SECRET_KEY must be at least 50 random characters"),
    ({"SECRET_KEY": "a" * 60}, "SECRET_KEY must be at least 50 random characters"),
    ({"SECRET_KEY": "", "SECRET_KEY_FILE": "/no/such"}, "SECRET_KEY_FILE cannot be read: No such"),
    ({"SECRET_KEY": "", "SECRET_KEY_FILE": os.devnull}, "SECRET_KEY_FILE names an empty file."),
    ({"SECRET_KEY_FILE": os.devnull}, "Set SECRET_KEY or SECRET_KEY_FILE, not both."),
    ({"PUBLIC_URL": ""}, "PUBLIC_URL must be set outside local mode."),
    ({"PUBLIC_URL": "pictures.example.org"}, "PUBLIC_URL must start with http:// or https://."),
    ({"PUBLIC_URL": "https://host/path"}, "PUBLIC_URL must be scheme and host alone"),
    ({"TRUSTED_ORIGINS": "example.org"}, "TRUSTED_ORIGINS must start with http:// or https://."),
    ({"TRUSTED_ORIGINS": "https://*.example.org"}, "TRUSTED_ORIGINS: of an origin, only the port"),
    ({"TRUSTED_ORIGINS": "https://a..example"}, "TRUSTED_ORIGINS names a host that cannot be."),
    ({"CORS_ANY_ORIGIN": "some"}, "CORS_ANY_ORIGIN must be on or off, not 'some'."),
    ({"DATABASE_URL": ""}, "DATABASE_URL must be set outside local mode."),
    ({"DATABASE_URL": "mysql://u:hush@h/n"}, "DATABASE_URL must start with postgres://"),
    ({"DATABASE_URL": "postgres://u:hush@h:x/n"}, "DATABASE_URL: the port must be a number"),
    ({"DATABASE_URL": "postgres://u:hush@[::1/n"}, "DATABASE_URL is not an address."),
    ({"DATABASE_URL": "postgres://u:hush@h/"}, "DATABASE_URL must end in the name of a database."),
    ({"DATABASE_URL": "postgres://u:hush@h/n?ssl=1"}, "DATABASE_URL: PostgreSQL knows no such"),
    ({"REDIS_URL": ""}, "REDIS_URL must be set outside local mode."),
    ({"REDIS_URL": "redis:hush"}, "REDIS_URL must start with redis:// or rediss://"),
    ({"REDIS_URL": "redis://:hush@h:99999/0"}, "REDIS_URL: the port must be a number"),
    ({"AMQP_URL": "http://u:hush@h/"}, "AMQP_URL must start with amqp:// or amqps://."),
    ({"AMQP_URL": "amqp:///"}, "AMQP_URL names no host."),
    ({"JWT_ISSUER": "https://id.example.org"}, "With JWT_ISSUER, set JWT_AUDIENCE and one of"),
    ({"JWT_JWKS_URL": "http://id.example.org/k"}, "JWT_JWKS_URL must start with https://."),
    ({"TRUSTED_PROXIES": "many"}, "TRUSTED_PROXIES must be a whole number, not 'many'."),
    ({"SSL_REDIRECT": "perhaps"}, "SSL_REDIRECT must be on or off, not 'perhaps'."),
    ({"ACCEL_REDIRECT_PREFIX": "protected"}, "ACCEL_REDIRECT_PREFIX must begin and end with"),
    ({"PICTURES_VISIBILITY": "all"}, "PICTURES_VISIBILITY must be one of private, members, public"),
    ({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be one of DEBUG, INFO"),
    ({"COOKIE_ACCESS_MINUTES": "9" * 20}, "COOKIE_ACCESS_MINUTES must be from 1 to"),
]
# The processes of a deployment, each of which loads the settings in its own way.
PROCESSES = [
    ["-m", "config.web", "--interface=wsgi", "--workers=2", "config.wsgi:application"],
    ["-m", "uvicorn", "--lifespan=off", "config.asgi:application"],
    ["-m", "celery", "-A", "config", "worker", "--pool=threads"],
    ["-m", "celery", "-A", "config", "beat"],
    ["manage.py", "migrate"],
    ["manage.py", "relay_outbox"],
    ["manage.py", "consume_auth_events"],
]


def output_of_failed_start(python: str, command: list[str], variables: dict[str, str]) -> str:
    base = {"PATH": os.environ["PATH"], "DATA_DIR": "/no/such/folder"}
    finished = subprocess.run(
        [python, *command],
        cwd=ROOT,
        env=base | VALID | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 1, finished.stdout + finished.stderr
    return finished.stdout + finished.stderr


@pytest.mark.slow
def test_a_bad_value_is_reported_in_one_line_without_its_secrets() -> None:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": "/no/such/folder"} | VALID
    with settings_loader(environment) as loader:
        for variables, reason in INVALID:
            answer = loader.setting("SECRET_KEY", **variables)
            assert answer.startswith(f"tintype: {reason}")
            assert "\n" not in answer
            assert "hush" not in answer


@pytest.mark.processes
@pytest.mark.parametrize("command", PROCESSES, ids=lambda words: words[1])
def test_every_process_refuses_a_bad_value_in_one_line(command: list[str]) -> None:
    python = loaded_python.find()
    output = output_of_failed_start(python, command, {"DATABASE_URL": "postgres://u:hush@h:x/n"})
    assert output == "tintype: DATABASE_URL: the port must be a number from 1 to 65535.\n"


@pytest.mark.processes
def test_granian_alone_reports_a_bad_value_and_exits() -> None:
    output = output_of_failed_start(
        sys.executable,
        ["-m", "granian", "--interface=wsgi", "--port=0", "config.wsgi:application"],
        {"REDIS_URL": ""},
    )
    assert "tintype: REDIS_URL must be set outside local mode.\n" in output
    assert "Traceback" not in output


@pytest.mark.slow
def test_valid_values_are_accepted(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), **VALID}
    command = [loaded_python.find(), "manage.py", "version"]
    finished = subprocess.run(command, cwd=ROOT, env=env, check=False, capture_output=True)
    assert (finished.returncode, finished.stderr) == (0, b"")


@pytest.mark.slow
@pytest.mark.parametrize(("are_for_checks", "expected"), [(True, pool.CHECKS_NICENESS), (False, 0)])
def test_decoders_of_web_processes_give_way_to_those_of_workers(
    monkeypatch: pytest.MonkeyPatch, are_for_checks: bool, expected: int
) -> None:
    monkeypatch.setattr(pool._Pools, "by_pid", {})
    monkeypatch.setattr(pool._Pools, "niceness", 0)
    start_decoders(are_for_checks=are_for_checks)()
    [own] = pool._Pools.by_pid.values()
    try:
        assert niceness(template_of(own)) == min(19, os.nice(0) + expected)
    finally:
        own.stop()


def test_garbage_is_looked_for_again_once_all_is_loaded() -> None:
    assert gc.isenabled()
    with loading():
        with loading():
            assert not gc.isenabled()
        assert not gc.isenabled()
        loaded = [[each] for each in range(1000)]
    assert gc.isenabled()
    assert not any(each is loaded for each in gc.get_objects())
