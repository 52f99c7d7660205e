"""Probes: side by side, bounded in time and number."""

import threading
import time

import pytest

from config.health import probes
from config.health.probes import Probe, run_probes


@pytest.mark.unhurried
def test_a_part_that_hangs_is_probed_by_one_thread_and_times_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probes, "TIMEOUT", 0.2)
    released, calls = threading.Event(), []

    def hang() -> None:
        calls.append(1)
        released.wait(60)

    parts = {"hangs": Probe(hang), "available": Probe(lambda: None)}
    started = time.monotonic()
    results = [run_probes(parts)["hangs"] for _ in range(3)]
    assert time.monotonic() - started < 30
    released.set()
    assert (results, len(calls)) == ([False] * 3, 1)
    monkeypatch.setattr(probes, "TIMEOUT", 30.0)
    assert run_probes(parts) == {"hangs": True, "available": True}


def test_results_are_reused_for_a_second_however_often_readyz_is_requested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probes, "TIMEOUT", 30.0)
    monkeypatch.setattr(probes, "RESULT_LIFETIME", 60.0)
    calls = []
    parts = {"part": Probe(lambda: calls.append(1))}
    assert [run_probes(parts) for _ in range(5)] == [{"part": True}] * 5
    assert len(calls) == 1
    monkeypatch.setattr(probes, "RESULT_LIFETIME", 0.0)
    run_probes(parts)
    assert len(calls) == 2
