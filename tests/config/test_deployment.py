"""The settings outside local mode, as a process of its own reads them."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.settings_loader import SettingsLoader, settings_loader
from tests.processes import ROOT
from tests.servers import loaded_python

pytestmark = pytest.mark.slow
KEY = secrets.token_urlsafe(48)
# The test run sets these for itself.
_OF_THE_TEST_RUN = dict.fromkeys(
    ("LOCAL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY_FILE", "TEST_DATABASE"), ""
)


def deployment_environment() -> dict[str, str]:
    """Return the variables of a deployment, whose servers do not exist."""
    env = os.environ | _OF_THE_TEST_RUN | {
        "SECRET_KEY": KEY,
        "PUBLIC_URL": "https://pictures.example.org",
        "DATABASE_URL": "postgres://tintype:none@db.invalid/tintype",
        "REDIS_URL": "redis://redis.invalid/0",
        "AMQP_URL": "amqp://rabbitmq.invalid/",
    }  # fmt: skip
    env.pop("DJANGO_SETTINGS_MODULE")
    return env


def manage(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` in this environment."""
    return subprocess.run(
        [loaded_python.find(), "manage.py", *words],
        cwd=ROOT, env=deployment_environment() | variables, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def deployment() -> Iterator[SettingsLoader]:
    with settings_loader(deployment_environment()) as loader:
        yield loader


def test_a_deployment_passes_all_of_djangos_checks() -> None:
    finished = manage("check", "--deploy", "--fail-level", "WARNING")
    assert (finished.returncode, finished.stdout) == (
        0, "System check identified no issues (1 silenced).\n"
    ), finished.stderr  # fmt: skip


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("", "must be set"),
        ("short", "at least 50"),
        ("a" * 80, "at least 50"),
        ("django-insecure-" + KEY, "at least 50"),
        (KEY[:49], "at least 50"),
    ],
    ids=["none", "short", "one letter", "a sample", "a letter short"],
)
def test_a_key_that_could_be_guessed_stops_the_start_with_one_line(
    deployment: SettingsLoader, key: str, word: str
) -> None:
    [line] = deployment.setting("SECRET_KEY", SECRET_KEY=key).splitlines()
    assert line.startswith("tintype: SECRET_KEY ")
    assert word in line
    assert not key or key not in line


def test_the_secret_key_may_come_from_a_file(deployment: SettingsLoader, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    given = {"SECRET_KEY": "", "SECRET_KEY_FILE": str(tmp_path / "key")}
    assert deployment.setting("SECRET_KEY", **given) == KEY


def test_former_keys_may_be_separated_by_comma_and_space(deployment: SettingsLoader) -> None:
    former = deployment.setting("SECRET_KEY_FALLBACKS", SECRET_KEY_FALLBACKS="one, two ,")
    assert former == "['one', 'two']"


@pytest.mark.parametrize(
    ("url", "host"),
    [("http://[::1]:8080", "[::1]"), ("https://pictures.example.org", "pictures.example.org")],
)
def test_the_host_of_the_public_url_is_allowed(
    deployment: SettingsLoader, url: str, host: str
) -> None:
    assert deployment.setting("ALLOWED_HOSTS", PUBLIC_URL=url) == f"['{host}']"


def test_cookies_and_redirects_require_https(deployment: SettingsLoader) -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "TOKEN_COOKIES_SECURE",
             "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", "DEBUG")  # fmt: skip
    code = f"[{', '.join(f'settings.{name}' for name in names)}]"
    assert deployment.setting("DEBUG or " + code) == "[True, True, True, True, 31536000, False]"
    admin = "[settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME]"
    assert deployment.setting("DEBUG or " + admin) == "['__Host-sessionid', '__Host-csrftoken']"


@pytest.mark.parametrize(("local", "more"), [("", []), ("on", ["http://localhost:*"])])
def test_a_deployment_trusts_its_own_origin_and_the_local_run_every_port_of_localhost(
    deployment: SettingsLoader, local: str, more: list[str]
) -> None:
    """Django's forms, which know no `*` for a port, trust what is left."""
    names = ("TRUSTED_ORIGINS", "CSRF_TRUSTED_ORIGINS", "CORS_ANY_ORIGIN")
    code = f"[{', '.join(f'settings.{name}' for name in names)}]"
    own = ["https://pictures.example.org"]
    assert deployment.setting("DEBUG and None or " + code, LOCAL=local) == str(
        [[*own, *more], own, True]
    )
