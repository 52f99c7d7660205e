"""`./dev mutate`: the table of modules and their tests."""

import pytest

from devkit import mutate
from devkit.environment import ROOT
from devkit.messages import Refusal


@pytest.mark.parametrize("module", mutate.MODULES)
def test_every_module_of_the_table_is_there_with_its_tests(module: str) -> None:
    assert mutate._file_of(module).exists()
    assert all((ROOT / each).exists() for each in mutate._tests_of(module))


def test_modules_on_postgresql_are_in_the_table() -> None:
    assert set(mutate.MODULES) >= mutate.ON_POSTGRESQL


def test_a_module_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refusal, match=r"there is no module accounts\.nothing"):
        mutate.run(["accounts.nothing"])


def test_a_module_without_tests_is_refused() -> None:
    with pytest.raises(Refusal, match=r"no test belongs to config\.nothing"):
        mutate._tests_of("config.nothing")
