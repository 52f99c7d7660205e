"""Figures as tables."""

from benchmarks.http.measuring import Figures

_HEAD = ["requests/s", "p50 ms", "p99 ms", "CPU ms", "queries", "rate/floor", "CPU/floor"]


def print_table(title: str, found: dict[str, Figures]) -> None:
    """Print a group."""
    print(f"\n{title}\n{'':34}" + "".join(f"{name:>11}" for name in _HEAD))
    for name, figures in found.items():
        cells = [
            f"{figures.rate:.0f}",
            f"{figures.at(0.5):.2f}",
            f"{figures.at(0.99):.2f}",
            f"{figures.cpu_ms:.2f}",
            "" if figures.queries is None else str(figures.queries),
            *_held_against(figures, found.get(figures.scenario.against)),
        ]
        print(f"  {name:32}" + "".join(f"{cell:>11}" for cell in cells))
    busiest = max(found.values(), key=lambda each: each.client_share)
    print(
        f"  the load generator took at most {busiest.client_share:.2f} of a core "
        f"({busiest.scenario.name})",
        flush=True,
    )


def _held_against(figures: Figures, floor: Figures | None) -> list[str]:
    if floor is None or floor is figures:
        return ["", ""]
    return [f"{figures.rate / floor.rate:.2f}", f"{figures.cpu_ms / max(floor.cpu_ms, 1e-9):.2f}"]
