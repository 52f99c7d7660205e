from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from schemathesis.pytest.plugin import SchemathesisFunction

# A machine that is busy for a moment is not a failure.
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")
pytest_plugins = ["tests.fixtures", "tests.storages"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each operation of the OpenAPI document an id, and begin with the files of long tests.

    Schemathesis names its items by their operation but gives all of them one id, of which a
    parallel run runs the first alone. Long tests begin first, so that no process waits for them
    at the end.
    """
    for item in items:
        if isinstance(item, SchemathesisFunction):
            item._id = replace(item.id, params=item.operation_label)
    require_unique_ids(items)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def require_unique_ids(items: list[pytest.Item]) -> None:
    """Raise UsageError where two tests have one id: only one of them would run."""
    counts = Counter(item.nodeid for item in items)
    if repeated := sorted(name for name, count in counts.items() if count > 1):
        raise pytest.UsageError("Several tests of one id: " + ", ".join(repeated))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, postgres_server: object
) -> None:
    """Start the server before pytest-django makes its database there."""
