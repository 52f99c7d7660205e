import pytest
from hypothesis import HealthCheck, settings

# A machine that is busy for a moment is no finding.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
pytest_plugins = ["tests.fixtures", "tests.storages"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests begin first, so that no process waits for them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
