"""Figures as tables."""

from benchmarks.http.measuring import Figures
from benchmarks.http.scenarios import BARE_REDIRECT, THUMBNAIL_REDIRECT
from benchmarks.tables import note, show


def print_table(title: str, found: dict[str, Figures]) -> None:
    """Print a group."""
    rows = {}
    for name, figures in found.items():
        rows[name] = {
            "requests/s": figures.rate,
            "p50 ms": figures.at(0.5),
            "p99 ms": figures.at(0.99),
            "CPU ms": figures.cpu_ms,
            "db CPU ms": figures.database_ms,
            "queries": figures.queries,
            **_compare_with_floor(figures, found.get(figures.scenario.against)),
        }
    show(title, rows)
    busiest = max(found.values(), key=lambda each: each.client_share)
    note(
        f"  the load generator took at most {busiest.client_share:.2f} of a core "
        f"({busiest.scenario.name})"
    )


def _compare_with_floor(figures: Figures, floor: Figures | None) -> dict[str, float | None]:
    if floor is None or floor is figures:
        return {"rate/floor": None, "CPU/floor": None}
    return {
        "rate/floor": figures.rate / floor.rate,
        "CPU/floor": figures.cpu_ms / max(floor.cpu_ms, 1e-9),
    }


# Every contract's list of a hundred pictures or thumbnails.
_LISTS = (
    *("restful images/ (100)", "restful thumbnails/ (100)"),
    *("images API me (100)", "pictures list (100)"),
)


def print_targets(found: dict[str, Figures]) -> None:
    """Print what was to be reached beside what was."""

    def ratio(one: str, other: str) -> float:
        return found[one].at(0.5) / found[other].at(0.5)

    deep = [each for each in found.values() if ", page " in each.scenario.against]
    listed = [each for each in found.values() if each.scenario.against.startswith("100 dicts")]
    reached = {
        "queries of a list of 100, at most 3": max(each.queries or 0 for each in listed),
        **{
            f"CPU of {name} to its floor's, at most 1.3": (
                found[name].cpu_ms / found[found[name].scenario.against].cpu_ms
            )
            for name in _LISTS
        },
        "a deep page to the first, at most 1.2": max(
            ratio(each.scenario.name, each.scenario.against) for each in deep
        ),
        "kept lists, CPU to a bare DRF view's, at most 2": (
            found["restful images/, kept"].cpu_ms / found["bare DRF view"].cpu_ms
        ),
        "signed thumbnails to bare redirects of them, at least 0.7": (
            found["signed thumbnail"].rate / found[THUMBNAIL_REDIRECT].rate
        ),
        "links opened repeatedly to bare redirects, at least 0.4": (
            found["link, opened repeatedly"].rate / found[BARE_REDIRECT].rate
        ),
        "links opened once to bare redirects, at least 0.15": (
            found["link, opened once"].rate / found[BARE_REDIRECT].rate
        ),
        "sign-in beyond the hash, at most 5 ms": (
            found["/auth/signin, 1 at a time"].at(0.5) - found["hash, 1 at a time"].at(0.5)
        ),
    }
    print("\nTo reach, and measured (medians)")
    for name, value in reached.items():
        print(f"  {name:58}{value:9.2f}")
