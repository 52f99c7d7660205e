"""docker-compose.yml as Compose reads it: anchors resolved, variables put in."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.processes import ROOT

FILE = ROOT / "docker-compose.yml"
# `$$` for a dollar, `${NAME:-default}`, `${NAME:?what to do}`.
_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+):([-?])([^}]*)\})")


@dataclass(frozen=True)
class Service:
    """What a container would be started with."""

    name: str
    command: list[str]
    environment: dict[str, str]
    healthcheck: list[str]
    volumes: list[str]


def raw(file: Path = FILE) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(file.read_text())
    return parsed


def services(variables: Mapping[str, str], file: Path = FILE) -> dict[str, Service]:
    """Raise KeyError for a required variable that is missing, as Compose refuses to start."""
    parsed = _interpolate(raw(file)["services"], variables)
    return {name: _service(name, each) for name, each in parsed.items()}


def _service(name: str, parsed: dict[str, Any]) -> Service:
    kind, *rest = parsed.get("healthcheck", {}).get("test", ["NONE"])
    return Service(
        name,
        parsed.get("command", []),
        {key: str(value) for key, value in parsed.get("environment", {}).items()},
        ["sh", "-c", *rest] if kind == "CMD-SHELL" else rest,
        parsed.get("volumes", []),
    )


def _interpolate(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _interpolate(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_interpolate(each, variables) for each in value]
    if not isinstance(value, str):
        return value
    return _VARIABLE.sub(lambda match: _value(match, variables), value)


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    dollar, name, kind, rest = match.groups()
    if dollar:
        return "$"
    given = variables.get(name, "")
    if kind == "?" and not given:
        raise KeyError(f"{name}: {rest}")
    return given or (rest if kind == "-" else "")


def env_file(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def build_step(word: str) -> str:
    """The RUN instruction of the Dockerfile that holds a word, as its shell gets it."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    [step] = [line[4:] for line in text.splitlines() if line.startswith("RUN ") and word in line]
    return step


def image_variables() -> dict[str, str]:
    """What ENV sets in the image, but for PATH, which names folders inside it."""
    text = (ROOT / "Dockerfile").read_text()
    [line] = [each[4:] for each in text.splitlines() if each.startswith("ENV ")]
    pairs = dict(word.split("=", 1) for word in shlex.split(line))
    pairs.pop("PATH")
    return pairs


def image_paths() -> list[str]:
    """What .dockerignore lets into the image."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line[1:] for line in lines if line.startswith("!")]
