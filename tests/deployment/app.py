"""What the image would hold, built once for all processes of a test run.

To collect and compress the static files takes three seconds of a core.
"""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from tests.deployment import compose
from tests.processes import ROOT
from tests.servers.once import made_once


def built_app() -> Path:
    """Return the folder of the image's program, with its static files."""
    return made_once("app", _build)


def _build(folder: Path) -> Path:
    """Copy what the image would hold and take its build step, with the packages that are here."""
    app = folder / "app"
    app.mkdir()
    for name in compose.image_paths():
        source, target = ROOT / name, app / name
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            # With what is compiled already, which the build step finds up to date.
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    step = compose.build_step("collectstatic")
    env = {**image_environment(folder), "DATA_DIR": str(folder)}
    # The builder's umask; that of who runs the tests may be another.
    subprocess.run(
        ["/bin/sh", "-c", step], cwd=app, env=env, check=True, capture_output=True, umask=0o022
    )
    return app


def image_environment(folder: Path) -> dict[str, str]:
    """What a container has in its environment before Compose adds anything."""
    programs = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    fixed = {"PATH": os.pathsep.join(programs), "HOSTNAME": socket.gethostname()}
    return {**compose.image_variables(), **fixed, "TMPDIR": str(folder)}
