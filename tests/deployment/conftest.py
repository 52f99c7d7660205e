import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.children import Reaper
from tests.deployment import stack as stacks
from tests.deployment.clients import ProxyClient
from tests.deployment.compose import env_file
from tests.deployment.stack import Stack
from tests.devkit.test_env_file import dev_env
from tests.servers.plugin import Database
from tests.servers.rabbitmq import Broker


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    reaper: Reaper,
    postgres_server: Database,
    rabbitmq_server: Broker,
    nginx_program: str,
    wget_program: None,
) -> Iterator[Stack]:
    """The deployment, running; at its end every process of ours ends cleanly."""
    file: Path = tmp_path_factory.mktemp("env") / ".env"
    assert dev_env(f"https://{stacks.HOST}", str(file)).returncode == 0
    variables = env_file(file) | {"TRUSTED_ORIGINS": stacks.TRUSTED_ORIGINS}
    with stacks.run_stack(reaper, variables, rabbitmq_server) as running:
        yield running
        codes = {name: running.stop(name) for name in running.children}
        # Uvicorn ends in order and then by the signal itself, as the exit code shows.
        assert codes == dict.fromkeys(codes, 0) | {"sockets": -signal.SIGTERM}
        assert "Finished server process" in running.log("sockets").read_text()


@pytest.fixture
def client(stack: Stack) -> Iterator[ProxyClient]:
    """The admin's browser-less client, through nginx."""
    with ProxyClient(stack) as made:
        yield made
