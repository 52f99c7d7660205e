"""The corpus of sample pictures, where it lies beside the project."""

import csv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent / "shared" / "corpus"
THERE = (ROOT / "MANIFEST.csv").exists()
MISSING = "the corpus is not at ../shared/corpus"


@dataclass(frozen=True)
class Sample:
    """A file, and whether an upload of it must be accepted."""

    path: Path
    expectation: str
    format: str
    width: int
    height: int
    category: str
    marker: str
    gps: str

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"


def samples(*expectations: str) -> list[Sample]:
    """Return the samples with one of the expectations; none where the corpus is missing."""
    if not THERE:
        return []
    with (ROOT / "MANIFEST.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["expectation"] in expectations]
    return [
        Sample(
            path=ROOT / row["path"],
            expectation=row["expectation"],
            format=row["format"],
            width=int(row["width"] or 0),
            height=int(row["height"] or 0),
            category=row["category"],
            marker=row["marker"],
            gps=row["gps"],
        )
        for row in rows
    ]


def reports() -> list[Sample]:
    """Return the files of what was found at some time, of which nothing is said but that."""
    if not THERE:
        return []
    paths = [each for each in sorted((ROOT / "reports").iterdir()) if each.suffix != ".csv"]
    return [Sample(path, "either", "", 0, 0, "reports", "", "") for path in paths]
