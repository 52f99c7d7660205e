"""What the service is made of: a bill of materials, licences, known vulnerabilities."""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from devkit import environment
from devkit.messages import Refusal, say

_REQUIREMENTS = "requirements.txt"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==", re.MULTILINE)
Component = dict[str, Any]


def write_sbom(arguments: list[str]) -> int:
    """Write what an image holds as CycloneDX JSON, with hashes; `sbom.cdx.json` unless told."""
    if len(arguments) > 1:
        raise Refusal("sbom takes one file name.")
    target = (arguments or ["sbom.cdx.json"])[0]
    environment.prepare(environment.DEVELOPMENT)
    words = ["requirements", _REQUIREMENTS, "--pyproject", "pyproject.toml"]
    status = _cyclonedx(*words, "--output-reproducible", "-o", target)
    if status == 0:
        say(f"{target}: {len(json.loads(Path(target).read_text())['components'])} components")
    return status


def check_licences() -> int:
    """Return 1 where a package's licence is not on the list in pyproject.toml."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "environment.json"
        # Read here alone: whether it keeps to the schema takes 16 s of a core to say.
        if _cyclonedx("environment", "--no-validate", "-o", str(target)):
            return 1
        components = json.loads(target.read_text())["components"]
    settings = tomllib.loads((environment.ROOT / "pyproject.toml").read_text())
    refused = refused_licences(components, settings["tool"]["tintype"]["licences"], _deployed())
    for line in refused:
        say(line)
    say(f"{len(components)} packages, {len(refused)} refused")
    return 1 if refused else 0


def refused_licences(
    components: Iterable[Component], rules: dict[str, Any], deployed: set[str]
) -> list[str]:
    """Return a line for each package that may not be used.

    `rules` has `allowed`, `development` (allowed where a package is not deployed), and `unstated`
    (what packages that name no licence have, by their authors' files).
    """
    lines = []
    for component in components:
        name = normalize(component["name"])
        stated = _licences_of(component) or list(filter(None, [rules["unstated"].get(name)]))
        allowed = set(rules["allowed"])
        if name not in deployed:
            allowed |= set(rules["development"])
        if not stated:
            lines.append(f"{name}: names no licence")
        lines += [f"{name}: {each}" for each in stated if not is_allowed(each, allowed)]
    return lines


def is_allowed(expression: str, allowed: set[str]) -> bool:
    """Tell whether an SPDX expression can be met by allowed licences alone."""
    if expression in allowed:
        return True
    choices = expression.replace("(", "").replace(")", "").split(" OR ")
    return any(all(part in allowed for part in choice.split(" AND ")) for choice in choices)


def audit() -> int:
    """Return 1 where a deployed package has a known vulnerability; say what was not looked up."""
    words = ["-r", _REQUIREMENTS, "--disable-pip", "--progress-spinner", "off"]
    finished = _module("pip_audit", *words, "--timeout", "5", "--format", "json", capture=True)
    try:
        found = json.loads(finished.stdout)["dependencies"]
    except ValueError:
        reason = (finished.stderr.strip().splitlines() or ["it said nothing"])[-1]
        say(f"NOT RUN: no vulnerability database could be reached: {reason}")
        return 0
    lines, audited = read_audit(found)
    for line in lines:
        say(line)
    if not audited:
        say("NOT RUN: no vulnerability database knew any of the packages.")
    else:
        say(f"{audited} of {len(found)} packages looked up, {len(lines)} vulnerabilities")
    return 1 if lines else 0


def read_audit(found: list[dict[str, Any]]) -> tuple[list[str], int]:
    """Return a line for each vulnerability, and how many packages were looked up."""
    looked_up = [each for each in found if "skip_reason" not in each]
    lines = [
        f"{each['name']} {each['version']}: {known['id']}, mended in "
        f"{', '.join(known['fix_versions']) or 'no version yet'}"
        for each in looked_up
        for known in each["vulns"]
    ]
    return lines, len(looked_up)


def normalize(name: str) -> str:
    """Return a package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _licences_of(component: Component) -> list[str]:
    """Return expressions and SPDX ids; names of classifiers only where there are neither."""
    entries = component.get("licenses", [])
    licences = [each.get("license", {}) for each in entries]
    exact = [each["expression"] for each in entries if "expression" in each]
    exact += [each["id"] for each in licences if "id" in each]
    return exact or [each["name"] for each in licences if "name" in each]


def _deployed() -> set[str]:
    text = (environment.ROOT / _REQUIREMENTS).read_text()
    return {normalize(name) for name in _PINNED.findall(text)}


def _cyclonedx(*words: str) -> int:
    return _module("cyclonedx_py", *words).returncode


def _module(name: str, *words: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [environment.python(), "-m", name, *words],
        cwd=environment.ROOT, capture_output=capture, text=True, check=False,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit({"licences": check_licences, "audit": audit}[sys.argv[1]]())
