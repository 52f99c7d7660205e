"""The URL tables of all contracts; each is written in its contract's own folder."""

from collections.abc import Iterable

from django.urls import URLResolver, include, path

from api.contracts import CONTRACTS, Contract


def url_patterns(contracts: Iterable[Contract]) -> list[URLResolver]:
    """Include each contract's table, whose routes are whole addresses."""
    return [path("", include(contract.urls)) for contract in contracts]


urlpatterns = url_patterns(CONTRACTS)
