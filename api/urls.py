"""The addresses of all contracts; each contract's table is in its own folder."""

from collections.abc import Iterable
from importlib import import_module

from django.urls import URLPattern, URLResolver

from api.contracts import CONTRACTS, Contract


def url_patterns(contracts: Iterable[Contract]) -> list[URLPattern | URLResolver]:
    """Return the tables of the contracts as one."""
    return [
        pattern for contract in contracts for pattern in import_module(contract.urls).urlpatterns
    ]


urlpatterns = url_patterns(CONTRACTS)
