"""`./dev manage`, `./dev shell` and `./dev demo`: commands beside the local run, on its data."""

import signal
import subprocess

from devkit import environment, local_settings
from devkit.messages import Refusal


def manage(arguments: list[str]) -> int:
    """Run `manage.py` with the local run's settings; return its exit code."""
    return _run("manage.py", *arguments)


def shell(arguments: list[str]) -> int:
    return manage(["shell", *arguments])


def demo(arguments: list[str]) -> int:
    if arguments == ["--screenshots"]:
        environment.prepare(environment.DEVELOPMENT)
        command = [environment.python(), "-m", "devkit.screenshots"]
        return subprocess.run(command, cwd=environment.ROOT, check=False).returncode
    if arguments:
        raise Refusal("demo takes only --screenshots; PORT and DATA_DIR come from the environment.")
    return _run("-m", "devkit.demo")


def _run(*arguments: str) -> int:
    environment.prepare(environment.RUNTIME)
    # Ctrl-C is for the command; a handler of one's own, unlike SIG_IGN, is not passed on to it.
    signal.signal(signal.SIGINT, lambda *_: None)
    with local_settings.joined_run(local_settings.read()) as variables:
        return subprocess.run(
            [environment.python(), *arguments], cwd=environment.ROOT, env=variables, check=False
        ).returncode
