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
            *_compare_with_floor(figures, found.get(figures.scenario.against)),
        ]
        print(f"  {name:32}" + "".join(f"{cell:>11}" for cell in cells))
    busiest = max(found.values(), key=lambda each: each.client_share)
    print(
        f"  the load generator took at most {busiest.client_share:.2f} of a core "
        f"({busiest.scenario.name})",
        flush=True,
    )


def _compare_with_floor(figures: Figures, floor: Figures | None) -> list[str]:
    if floor is None or floor is figures:
        return ["", ""]
    return [f"{figures.rate / floor.rate:.2f}", f"{figures.cpu_ms / max(floor.cpu_ms, 1e-9):.2f}"]


def print_targets(found: dict[str, Figures]) -> None:
    """Print what was to be reached beside what was."""

    def ratio(one: str, other: str) -> float:
        return found[one].at(0.5) / found[other].at(0.5)

    deep = [each for each in found.values() if ", page " in each.scenario.against]
    listed = [each for each in found.values() if each.scenario.against.startswith("100 dicts")]
    reached = {
        "queries of a list of 100, at most 3": max(each.queries or 0 for each in listed),
        "CPU of restful images/ (100) to its floor's, at most 1.3": (
            found["restful images/ (100)"].cpu_ms / found["100 dicts"].cpu_ms
        ),
        "a deep page to the first, at most 1.2": max(
            ratio(each.scenario.name, each.scenario.against) for each in deep
        ),
        "kept lists, CPU to a bare DRF view's, at most 2": (
            found["restful images/, kept"].cpu_ms / found["bare DRF view"].cpu_ms
        ),
        "signed thumbnails to bare redirects, at least 0.7": (
            found["signed thumbnail"].rate / found["bare redirect"].rate
        ),
        "links opened repeatedly to bare redirects, at least 0.4": (
            found["link, opened repeatedly"].rate / found["bare redirect"].rate
        ),
        "links opened once to bare redirects, at least 0.15": (
            found["link, opened once"].rate / found["bare redirect"].rate
        ),
        "sign-in beyond the hash, at most 5 ms": (
            found["/auth/signin, 1 at a time"].at(0.5) - found["hash, 1 at a time"].at(0.5)
        ),
    }
    print("\nTo reach, and measured (medians)")
    for name, value in reached.items():
        print(f"  {name:58}{value:9.2f}")
