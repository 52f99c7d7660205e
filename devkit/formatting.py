"""`./dev fmt`: repairs what ruff can repair."""

import subprocess

from devkit import environment


def run(arguments: list[str]) -> int:
    environment.prepare(environment.DEVELOPMENT)
    ruff = [environment.python(), "-m", "ruff"]
    paths = arguments or ["."]
    codes = [
        subprocess.run([*ruff, *options, *paths], cwd=environment.ROOT, check=False).returncode
        for options in (["check", "--fix"], ["format"])
    ]
    return max(codes)
