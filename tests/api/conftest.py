from pathlib import Path

import pytest

DOORS = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The contracts hold on both stacks: every test of a door is also run on SQLite."""
    for item in items:
        if item.path.is_relative_to(DOORS) and not item.get_closest_marker("postgres"):
            item.add_marker("sqlite")
