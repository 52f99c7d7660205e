"""nginx with the deployment's own configuration, as whoever runs the tests, in a folder of its own.

What differs from the container is put in by `render_template`: ports, names of upstreams and paths.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from devkit.children import Child, Reaper, which
from tests.processes import ROOT
from tests.servers.ports import listens, wait_until

# What differs here from the container's main file.
_HERE = {
    "pid /tmp/nginx.pid": "pid {folder}/pid",
    "error_log /var/log/nginx/error.log notice": "error_log {folder}/error.log warn",
    "access_log /var/log/nginx/access.log combined": "access_log off",
    "include /etc/nginx/mime.types;": "types {{ }}",
    "include /etc/nginx/conf.d/*.conf": "include {folder}/default.conf",
    "_temp_path /tmp/": "_temp_path {folder}/",
}


def find() -> Path | None:
    """Debian keeps it where only root's PATH leads."""
    return which("nginx", folders=[Path("/usr/sbin")])


def render_template(template: Path, replacements: Mapping[str, str]) -> str:
    """Replace words of a file; raise RuntimeError for a word that it does not hold."""
    text = template.read_text()
    for word, replacement in replacements.items():
        if word not in text:
            raise RuntimeError(f"{template.name} has no {word!r} any more")
        text = text.replace(word, replacement)
    return text


class Nginx:
    """Started by `__init__` once its configuration holds (`nginx -t`), with no complaint at all."""

    def __init__(self, reaper: Reaper, folder: Path, configuration: str, port: int) -> None:
        self._folder = folder
        self.error_log = folder / "error.log"
        (folder / "default.conf").write_text(configuration)
        user = "user root root;\n" if os.geteuid() == 0 else ""
        here = {word: each.format(folder=folder) for word, each in _HERE.items()}
        main = render_template(ROOT / "deploy" / "nginx-main.conf", here)
        (folder / "nginx.conf").write_text(f"daemon off;\n{user}{main}")
        self.checked = self._check()
        with (folder / "nginx.log").open("wb") as output:
            self.child = Child.start(reaper, "nginx", self._command(), output=output)
        wait_until(lambda: listens(port), "nginx", child=self.child)

    def _command(self) -> list[str]:
        error_log = str(self.error_log)
        return [str(find()), "-p", str(self._folder), "-e", error_log, "-c", "nginx.conf"]

    def _check(self) -> str:
        finished = subprocess.run(
            [*self._command(), "-t"], capture_output=True, text=True, check=False
        )
        if finished.returncode:
            raise RuntimeError(f"nginx refuses the configuration:\n{finished.stderr}")
        return finished.stderr
