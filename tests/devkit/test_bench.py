from pathlib import Path

from devkit import bench, comparing, environment
from devkit.comparing import _started, _take_turns


def test_a_benchmark_knows_nothing_of_the_services_variables_in_the_shell() -> None:
    shell = {
        "PATH": "/bin",
        "BENCH_DATABASE_URL": "postgres://x/y",
        "LOCAL": "1",
        "DATABASE_URL": "postgres://of/pictures",
        "SECRET_KEY": "secret",
    }
    assert bench.clean_environment(shell) == {
        "PATH": "/bin",
        "BENCH_DATABASE_URL": "postgres://x/y",
    }


def test_what_can_be_run_is_listed_and_what_benchmarks_share_is_not() -> None:
    names = bench._names()
    assert {"http", "sockets", "thumbnails", "upload", "fuzz", "verify"} <= set(names)
    assert not {"turns", "tables", "processes", "parts", "mutations"} & set(names)


def test_two_runs_measure_in_turns_and_what_they_report_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    toy = ["tests.devkit.toy_benchmark", str(log)]
    env = bench.clean_environment()
    with (
        _started("one", environment.ROOT, [*toy, "a", "3"], env) as one,
        _started("two", environment.ROOT, [*toy, "b", "2"], env) as two,
    ):
        _take_turns(one, two)
        # Whoever has more to measure goes on alone; nobody begins before the other has ended.
        assert log.read_text().split() == [
            "a<",
            "a>",
            "b<",
            "b>",
            "b<",
            "b>",
            "a<",
            "a>",
            "a<",
            "a>",
        ]
        assert one.tables == {"Toys": {"a": {"ms": 3.0, "none": None}}}
        assert comparing._pair(3.0, 2.0).split() == ["3", "2", "1.50"]
