"""Settings of the metrics, as a process of its own reads them."""

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT


@pytest.mark.unhurried
@pytest.mark.parametrize("token", ["x", "nineteen characters"])
def test_a_metrics_token_that_is_too_short_is_refused(token: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", "import config.env.metrics"],
        cwd=ROOT, env=os.environ | {"METRICS_TOKEN": token}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "METRICS_TOKEN must have at least 20" in finished.stderr
