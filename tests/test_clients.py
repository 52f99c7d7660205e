"""Clients of a running service: the programs of `docs/clients.md`, and generated ones."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import requests

from tests.processes import PASSWORD, ROOT, Running, dev_run
from tests.servers import npm
from tests.test_main_job import photograph

pytestmark = [pytest.mark.processes, pytest.mark.nightly, pytest.mark.timeout(180)]

PROGRAMS: dict[str, str] = dict(
    re.findall(
        r"^```(sh|python|typescript)\n(.*?)^```$",
        (ROOT / "docs" / "clients.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
)
MAX_LINES = 60
GENERATED = Path(__file__).with_name("generated_clients")
DONE = {
    "thumbnail": "image/jpeg", "listed": [True], "link": "image/jpeg", "removed": 204,
    "gone": "Not found.",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photograph, in which the clients run."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "photo.jpg").write_bytes(photograph())
    return folder


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One start for all of them; new accounts may make links."""
    data_dir = tmp_path_factory.mktemp("service") / "data"
    with dev_run(data_dir, SIGNUP_TIER="Enterprise") as running:
        yield running


@pytest.fixture(scope="module")
def schema(service: Running, folder: Path) -> Path:
    """The document as the service gives it to generators."""
    path = folder / "openapi.json"
    path.write_bytes(requests.get(f"{service.url}/api/schema/?format=json", timeout=60).content)
    return path


@pytest.fixture(scope="module")
def typescript(schema: Path, folder: Path, client_modules: Path) -> Path:
    """A folder of JavaScript: the generated TypeScript clients, compiled strictly."""
    (folder / "node_modules").symlink_to(client_modules)
    (folder / "package.json").write_text('{"type": "module"}')
    for pattern in ("*.ts", "*.mjs", "*.json"):
        for path in GENERATED.glob(pattern):
            shutil.copy(path, folder)
    (folder / "main_job.ts").write_text(PROGRAMS["typescript"])
    for command in (
        ["openapi-typescript", schema.name, "-o", "schema.ts"],
        ["openapi-ts"],
        ["tsc", "--strict", "--project", "."],
    ):
        said = run(command, folder)
        assert "warn" not in said.lower(), said
    return folder / "out"


def run(command: Sequence[str | Path], folder: Path, **variables: str) -> str:
    """Return what a program says; fails with it where the program does."""
    # What the test run sets for itself would make Node.js and the generators say more.
    environment = {**npm.node_environment(), **variables}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def who(service: Running) -> dict[str, str]:
    return {
        "TINTYPE_URL": service.url, "TINTYPE_LOGIN": "admin", "TINTYPE_PASSWORD": PASSWORD,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("language", "command"),
    [("sh", ["sh"]), ("python", [sys.executable]), ("typescript", [str(npm.NODE)])],
)
def test_a_program_of_the_clients_page_does_the_main_job_as_printed(
    language: str, command: list[str], service: Running, folder: Path
) -> None:
    program = PROGRAMS[language]
    assert len(program.splitlines()) <= MAX_LINES
    suffix = {"sh": "sh", "python": "py", "typescript": "mts"}[language]
    (folder / f"job.{suffix}").write_text(program)
    said = run([*command, f"job.{suffix}", "photo.jpg"], folder, **who(service))
    assert re.search(r"thumbnail: +[1-9]\d{2,} bytes", said), said
    assert said.rstrip().endswith("deleted; the link now answers 410"), said


@pytest.mark.parametrize("name", ["openapi_fetch", "hey_api"])
def test_a_generated_typescript_client_does_the_main_job(
    name: str, service: Running, typescript: Path, folder: Path
) -> None:
    said = run([npm.NODE, typescript / f"{name}.js", "photo.jpg"], folder, **who(service))
    assert json.loads(said) == DONE


def test_the_generated_python_client_does_the_main_job(
    service: Running, schema: Path, folder: Path
) -> None:
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    generate: list[str | Path] = [
        Path(sys.executable).with_name("openapi-python-client"), "generate", "--meta", "none",
        "--path", schema, "--output-path", folder / "tintype_client", "--fail-on-warning",
    ]  # fmt: skip
    assert "warning" not in run(generate, folder, PATH=tools).lower()
    shutil.copy(GENERATED / "python_client.py", folder)
    checked = ["python_client.py", "tintype_client/api", "tintype_client/models"]
    # The generator's own client.py, the same for every document, is not strict.
    options = ["--strict", "--no-incremental", "--follow-imports", "silent"]
    run([sys.executable, "-m", "mypy", *options, *checked], folder)
    said = run([sys.executable, "python_client.py", "photo.jpg"], folder, **who(service))
    assert json.loads(said) == DONE
