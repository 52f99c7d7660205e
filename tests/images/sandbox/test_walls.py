"""Which walls stand is tried and said, and a deployment does not start without them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from config import start
from config.doctor import preconditions
from config.doctor.checks import CheckFailed, CheckSkipped
from images.formats.limits import Limits
from images.sandbox import pool as pools
from images.sandbox.pool import Pool, WallsMissing
from images.sandbox.walls import Walls, find_walls
from images.sandbox.work import inspect_picture
from tests.clients import Client
from tests.pictures import jpeg

LANDLESS = Path(__file__).with_name("landless_program.py")
EVERY = ("limits", "user", "privileges", "files", "calls")


@pytest.fixture
def without_landlock(settings: Settings) -> Iterator[None]:
    """A system whose kernel has no Landlock."""
    settings.DECODER_PROGRAM = LANDLESS
    find_walls.cache_clear()
    yield
    find_walls.cache_clear()


def test_every_wall_stands_where_tests_run() -> None:
    """Else nothing here would show anything: such a system is named, not passed over."""
    assert find_walls() == Walls(dict.fromkeys(EVERY, ""))
    assert str(find_walls()) == "limits, user, privileges, files, calls stand"


@pytest.mark.usefixtures("without_landlock")
def test_a_deployment_does_not_start_without_a_wall(settings: Settings) -> None:
    settings.CONFINEMENT_REQUIRED = True
    with pytest.raises(SystemExit, match=r"tintype: .*missing: files .*CONFINEMENT=off"):
        start.require_walls()
    with pytest.raises(SystemExit):
        start.report_walls()
    with pytest.raises(CheckFailed, match="files"):
        preconditions.check_sandbox()
    settings.CONFINEMENT_REQUIRED = False
    start.require_walls()
    with pytest.raises(CheckSkipped, match="missing: files"):
        preconditions.check_sandbox()


@pytest.mark.usefixtures("without_landlock")
@pytest.mark.django_db
def test_readyz_says_which_walls_stand() -> None:
    walls = Client().get("/readyz").json()["walls"]
    assert walls == {**dict.fromkeys(EVERY, "stands"), "files": "missing"}


@pytest.mark.unhurried
def test_without_a_required_wall_no_picture_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.write_bytes(jpeg(30, 20))
    for flags, is_decoded in ((("--required",), False), ((), True)):
        pool = Pool(LANDLESS, 1, flags)
        monkeypatch.setattr(pools, "_pool", lambda pool=pool: pool)
        try:
            if is_decoded:
                assert inspect_picture(source, Limits(10**6, 10**6)).width == 30
            else:
                with pytest.raises(WallsMissing, match="files"):
                    inspect_picture(source, Limits(10**6, 10**6))
        finally:
            pool.stop()
