"""nginx with the deployment's own configuration, as whoever runs the tests, in a folder of its own.

What differs from the container is put in by `render_template`: ports, names of upstreams and paths.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from devkit.children import Child, Reaper, which
from tests.servers.ports import listens, wait_until

# The image's own nginx.conf holds such a frame around the mounted file.
FRAME = """\
daemon off;
{user}
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
    types {{ }}
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/default.conf;
}}
"""


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
        user = "user root root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(FRAME.format(folder=folder, user=user))
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
