"""`./dev bench upload`: 12 MP pictures through a deployment, from sending to thumbnails ready.

PostgreSQL, RabbitMQ (else Redis), granian, the socket server and one Celery worker run as
docker-compose.yml starts them; an upload is ready when the service's own socket says so. CPU is
that of all processes for one upload, database and brokers (with sockets and scheduler) beside it:
until thumbnails are ready, and in all, with the smaller formats that are made after them.
"""

import argparse
import time
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks import drawn
from benchmarks.deployment import Deployment
from benchmarks.tables import note, show
from benchmarks.turns import turn
from benchmarks.upload import behind, scenarios
from benchmarks.upload.client import Form, Person, Upload
from benchmarks.upload.scenarios import Row, at
from devkit.children import Reaper

LANES = 4
# Lone uploads in a slice: CPU time is told in hundredths of a second.
EACH = 3
# Enough that whatever a process does at its first pictures is done.
WARM = 24
# Of the upload that a long run is asked about by its number.
MARKED = 400
ENDLESS = float("inf")


def main() -> None:
    """Start everything, measure, say."""
    asked = _arguments()
    forms = {name: Form.of(path) for name, path in drawn.photographs().items()}
    jpeg = drawn.photographs()["JPEG"]
    with ExitStack() as stack:
        deployment = Deployment(stack.enter_context(Reaper()))
        # A 12 MP PNG is larger than tiers let in by default.
        deployment.sql("update tiers_tier set max_upload_bytes = 50000000")
        deployment.start()
        person = stack.enter_context(closing(Person(deployment, "bench")))
        note(f"Messages by {deployment.broker}; times are medians where nothing else is said.")
        with turn():
            first = person.upload(forms["JPEG"])
        with turn():
            scenarios.send_many(person, forms["JPEG"], WARM, LANES)
        lone = scenarios.measure_lone(
            deployment, person, {name: forms[name] for name in asked.formats}, asked.rounds, EACH
        )
        rows = {name: scenarios.lone_row(each) for name, each in lone.items()}
        show("Lone uploads of 12 MP", rows)
        usual = at(0.5, [each.until_ready for each in lone["JPEG"].uploads])
        four = scenarios.measure_at_once(deployment, person, forms["JPEG"], asked.rounds, 12, LANES)
        show(f"12 MP JPEG, {LANES} at a time", {"in bursts of 12": scenarios.many_row(four)})
        _show_row(deployment, person, forms["JPEG"], asked.uploads, first, usual)
        if asked.settled:
            _show_settled(deployment, asked.settled)
        if asked.behind:
            _show_behind(deployment, person, forms["JPEG"], asked, jpeg)


def _show_row(
    deployment: Deployment, person: Person, form: Form, count: int, first: Upload, usual: float
) -> None:
    """Upload many in a row, and hold single ones against the median of lone ones."""
    many = scenarios.Measured()
    before = scenarios.row_writes(deployment)
    with turn(), scenarios.counted(deployment, many) as uploads:
        uploads.extend(scenarios.send_many(person, form, count, LANES))
    show("12 MP JPEG in a row", {f"{count} uploads": scenarios.many_row(many)})
    written = scenarios.row_writes(deployment) - before
    show(
        "Writes of a picture's row, for an upload",
        {"images_picture": {name: written[name] / count for name in scenarios.WRITES}},
    )
    alone = {"first after start": first}
    # A process may have become another meanwhile: the slowest says more than one number.
    in_row = many.uploads
    answered = {"slowest 201 of the row": max(each.until_answer for each in in_row)}
    if count >= MARKED:
        near = in_row[MARKED - LANES : MARKED + LANES]
        answered[f"201 near the {MARKED}th"] = max(each.until_answer for each in near)
    typical = at(0.5, [each.until_answer for each in in_row])
    rows: dict[str, Row] = {
        name: {"ms": 1000 * each.until_ready, "x median": 1000 * each.until_ready / usual}
        for name, each in alone.items()
    }
    rows |= {
        name: {"ms": 1000 * each, "x median": 1000 * each / typical}
        for name, each in answered.items()
    }
    show("Single ones", rows)


def _show_behind(
    deployment: Deployment,
    person: Person,
    form: Form,
    asked: argparse.Namespace,
    jpeg: Path,
) -> None:
    """Upload while a change of a tier has another account's pictures rendered again."""
    with turn():
        idle = [person.upload(form) for _ in range(asked.new)]
    with closing(Person(deployment, "collector")):
        behind.add_pictures(deployment, "collector", "behind", asked.behind)
        behind.lay_files(deployment, "collector", jpeg)
    with turn():
        begin, before, most = time.monotonic(), behind.redis_mib(deployment), 0.0
        behind.set_heights(deployment, [200, 300, 400])
        while not behind.pending(deployment):
            time.sleep(0.05)
        late = []
        for _ in range(asked.new):
            late.append(person.wait(*person.send(form), seconds=asked.patience))
            most = max(most, behind.redis_mib(deployment) - before)
        left, took = behind.left(deployment, "collector", 300), time.monotonic() - begin
        # Else it would go on while others are measured.
        deployment.stop("worker")
    if not left:
        note("The backfill ended before the uploads: ask for more behind.")
    rows = {"nothing behind": _waiting(idle), f"{asked.behind} behind": _waiting(late)}
    rows[f"{asked.behind} behind"] |= {
        "x idle": _p99(late) / _p99(idle),
        "rendered/s": (asked.behind - left) / took,
        "Redis MiB": most,
    }
    show(f"New uploads of a 12 MP JPEG, each waited for up to {asked.patience:.0f} s", rows)


def _waiting(uploads: list[Upload]) -> Row:
    until = [each.until_ready for each in uploads]
    reached = [each for each in until if each < ENDLESS]
    return {
        "ready p50": at(0.5, until) if len(reached) == len(until) else None,
        "p99": at(0.99, until) if len(reached) == len(until) else None,
        "slowest": at(1, reached) if reached else None,
        "not ready": len(until) - len(reached),
    }


def _p99(uploads: list[Upload]) -> float:
    """Return the 99th percentile, which of less than a hundred is the slowest."""
    return at(0.99, [each.until_ready for each in uploads])


def _show_settled(deployment: Deployment, count: int) -> None:
    """Announce a change to pictures that have all they are granted already."""
    with closing(Person(deployment, "settled")):
        behind.add_pictures(deployment, "settled", "settled", count)
    with turn():
        behind.announce(deployment)
        took, most = behind.wait_until_over(deployment, seconds=600)
    row: Row = {"pictures/s": count / took, "s": took, "Redis MiB": most}
    show("Backfill of pictures that need nothing", {f"{count} pictures": row})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench upload", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="slices of each kind")
    parser.add_argument(
        "--formats", nargs="+", choices=list(drawn.FORMATS), default=list(drawn.FORMATS)
    )
    parser.add_argument("--uploads", type=int, default=60, help="in a row, 4 at a time")
    parser.add_argument("--behind", type=int, default=0, help="pictures to be rendered again")
    parser.add_argument("--new", type=int, default=8, help="uploads while those are behind")
    parser.add_argument("--patience", type=float, default=60, help="seconds for each of them")
    parser.add_argument(
        "--settled", type=int, default=0, help="pictures of a backfill that needs nothing"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
