"""Figures in rows and columns: printed, or handed to whoever compares two runs."""

from collections.abc import Mapping

from benchmarks import turns

Rows = Mapping[str, Mapping[str, float | None]]
_NAME, _CELL = 34, 11
_PLAIN = 100


def show(title: str, rows: Rows) -> None:
    """Print a table, columns in the order in which rows name them; None leaves a cell empty."""
    if turns.report(title, rows):
        return
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    print(f"\n{title}\n{'':{_NAME + 2}}" + "".join(f"{name:>{_CELL}}" for name in names))
    for name, row in rows.items():
        cells = "".join(f"{figure(row.get(column)):>{_CELL}}" for column in names)
        print(f"  {name:{_NAME}}{cells}".rstrip(), flush=True)


def note(text: str) -> None:
    """Print a line that says how the figures came about; nothing where two runs are compared."""
    if not turns.is_compared():
        print(text, flush=True)


def figure(value: float | None) -> str:
    """Write a number with as many digits as it deserves."""
    if value is None:
        return ""
    if abs(value) >= _PLAIN or value == int(value):
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
