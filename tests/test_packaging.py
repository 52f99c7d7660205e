"""What `pip install '.[telemetry]'` and the image's build argument install."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from setuptools import build_meta

from config.env.rest_framework import SPECTACULAR_SETTINGS
from tests.deployment import compose
from tests.processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(name: str) -> set[str]:
    return set(re.findall(r"^([\w.-]+==\S+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_wheel_brings_the_extra_and_no_package_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    built = tmp_path / build_meta.build_wheel(str(tmp_path))
    wheel = zipfile.ZipFile(built)
    folders = {name.partition("/")[0] for name in wheel.namelist()}
    assert folders == {f"tintype-{PROJECT['version']}.dist-info"}
    [metadata] = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    text = wheel.read(metadata).decode()
    for package in PROJECT["optional-dependencies"]["telemetry"]:
        assert f'Requires-Dist: {package}; extra == "telemetry"' in text
    install = [sys.executable, "-m", "uv", "pip", "install", "--offline", "--no-deps"]
    said = subprocess.run(
        [*install, "--link-mode", "copy", "--target", "there", f"{built}[telemetry]"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=True,
    ).stderr  # fmt: skip
    # As of an extra of another name.
    assert "warning" not in said


def test_the_image_with_the_extra_is_the_image_and_the_extra() -> None:
    plain, extended = pins("requirements.txt"), pins("requirements-telemetry.txt")
    assert plain < extended
    added = {pin.partition("==")[0] for pin in extended - plain}
    assert set(PROJECT["optional-dependencies"]["telemetry"]) <= added
    assert {"requirements.txt", "requirements-telemetry.txt"} <= set(compose.image_paths())
    assert "requirements${TELEMETRY:+-telemetry}.txt" in (ROOT / "Dockerfile").read_text()
    assert compose.raw()["services"]["web"]["build"]["args"] == {"TELEMETRY": "${TELEMETRY:-}"}


def test_one_version_is_told_everywhere() -> None:
    version = PROJECT["version"]
    newest = re.search(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == version
    assert SPECTACULAR_SETTINGS["VERSION"] == version
    events = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text())
    assert events["info"]["version"] == version
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert compose["services"]["web"]["image"] == f"tintype:${{TINTYPE_VERSION:-{version}}}"
    cluster = (ROOT / "deploy" / "kubernetes" / "kustomization.yaml").read_text()
    assert yaml.safe_load(cluster)["images"][0]["newTag"] == version
