from pathlib import Path

import pytest

API_TESTS = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The contracts hold on both stacks: their tests are also run on SQLite."""
    for item in items:
        if item.path.is_relative_to(API_TESTS) and not item.get_closest_marker("postgres"):
            item.add_marker("sqlite")
