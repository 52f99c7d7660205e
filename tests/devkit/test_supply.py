"""Licences, known vulnerabilities and the bill of materials."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from devkit import supply
from tests.processes import ROOT

RULES = {"allowed": ["MIT", "Zlib"], "development": ["GPL-3.0"], "unstated": {"quiet": "MIT"}}


def component(name: str, *licences: dict[str, object]) -> supply.Component:
    return {"name": name, "licenses": list(licences)}


def test_a_package_of_another_licence_or_of_none_is_refused() -> None:
    components = [
        component("good", {"license": {"id": "MIT"}}),
        component("Quiet"),
        component("silent"),
        component("Tool", {"license": {"id": "GPL-3.0"}}),
        component("Copy_Left", {"license": {"id": "GPL-3.0"}}),
        component("secret", {"expression": "MIT AND Proprietary"}),
        component("named", {"license": {"name": "Some licence"}}),
        component("both", {"license": {"id": "MIT"}}, {"license": {"name": "Some licence"}}),
    ]
    assert supply.refused_licences(components, RULES, {"copy-left", "good"}) == [
        "silent: names no licence",
        "copy-left: GPL-3.0",
        "secret: MIT AND Proprietary",
        "named: Some licence",
    ]


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("A licence (of its own)", True),
        ("MIT AND Zlib", True),
        ("MIT AND GPL-3.0", False),
        ("GPL-3.0 OR MIT", True),
    ],
)
def test_an_expression_is_met_by_allowed_licences_alone(expression: str, allowed: bool) -> None:
    assert supply.is_allowed(expression, {"MIT", "Zlib", "A licence (of its own)"}) is allowed


def test_vulnerabilities_are_told_and_what_was_not_looked_up_is_not_counted() -> None:
    found: list[dict[str, Any]] = [
        {"name": "one", "version": "1.0", "vulns": []},
        {"name": "two", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]},
        {"name": "three", "skip_reason": "not found"},
    ]
    assert supply.read_audit(found) == (["two 2.0: PYSEC-1, mended in 2.1"], 2)


@pytest.mark.nightly
def test_the_bill_of_materials_names_every_pinned_package_with_its_hashes(tmp_path: Path) -> None:
    target = tmp_path / "sbom.cdx.json"
    assert supply.write_sbom([str(target)]) == 0
    document = json.loads(target.read_text())
    assert document["bomFormat"] == "CycloneDX"
    pinned = re.findall(
        r"^([\w.-]+)(?:\[.*?\])?==", (ROOT / "requirements.txt").read_text(), re.MULTILINE
    )
    named = {supply.normalize(each["name"]): each for each in document["components"]}
    assert set(named) == {supply.normalize(each) for each in pinned}
    assert all(each.get("externalReferences") or each.get("hashes") for each in named.values())
