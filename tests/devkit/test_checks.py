"""What `./dev check` reports without failing."""

from pathlib import Path

import pytest

from devkit.checks import LONG_FILE, report_long_files


def test_files_longer_than_300_lines_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = {"long.py": LONG_FILE + 1, "short.py": LONG_FILE, "data.json": LONG_FILE + 1}
    for name, lines in sizes.items():
        (tmp_path / name).write_text("\n" * lines)
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "0001.py").write_text("\n" * 1000)
    report_long_files(tmp_path, [Path(name) for name in (*sizes, "migrations/0001.py", "gone.py")])
    assert capsys.readouterr().out == "  301 lines  long.py\n"
