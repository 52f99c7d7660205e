"""What a run of mutants says: who dies, who lives, and whose death shows nothing."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT, newcomers_environment

MODULE = """
    from functools import cache

    @cache
    def doubled(number):
        return number * 2

    def is_small(number):
        return number < 10

    def is_even(number):
        return number % 2 == 0
"""
TESTS = """
    import os
    import sample

    COLLECTED_BY = os.getpid()

    def test_doubled():
        assert sample.doubled(4) == 8

    def test_small():
        assert sample.is_small(9)
        assert not sample.is_small(11)

    def test_even_in_the_process_that_collected_it_alone():
        assert sample.is_even(4) and os.getpid() == COLLECTED_BY
"""


def run_mutants(folder: Path) -> dict[str, Any]:
    """Mutate the module above wherever it can be."""
    for name, source in (("sample.py", MODULE), ("test_sample.py", TESTS)):
        (folder / name).write_text(textwrap.dedent(source))
    tests, report = str(folder / "test_sample.py"), folder / "report.jsonl"
    command = [
        sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-q",
        "-p", "tests.mutation.plugin", "-p", "no:randomly", "-p", "no:cacheprovider",
        "--mutate", json.dumps({"sample": [tests]}), "--mutants", "100",
        "--mutation-report", str(report), tests,
    ]  # fmt: skip
    paths = os.pathsep.join([str(ROOT), str(folder)])
    environment = newcomers_environment() | {"TEST_DATABASE": "sqlite", "PYTHONPATH": paths}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert report.exists(), done.stdout + done.stderr
    return dict(json.loads(report.read_text()))


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_only_what_a_test_notices_that_passes_unchanged_is_counted_as_noticed(
    tmp_path: Path,
) -> None:
    report = run_mutants(tmp_path)
    outcomes = {(each["line"], each["change"]): each["outcome"] for each in report["verdicts"]}
    # What was kept of a call of the unchanged function is not asked again.
    assert outcomes[6, "number * 2  →  number // 2"] == "killed"
    assert outcomes[9, "return number < 10  →  return None"] == "killed"
    assert outcomes[9, "number < 10  →  number <= 10"] == "survived"
    [test] = report["fails_unchanged"]
    assert test.endswith("test_even_in_the_process_that_collected_it_alone")
    assert {outcome for (line, _), outcome in outcomes.items() if line == 12} == {"unreached"}
