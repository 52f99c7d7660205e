"""The record that would stand in `api/contracts.py`."""

from api.contracts import Contract
from tests.api.sixth_contract.errors import render_problem
from tests.api.sixth_contract.serializers import SixthProblem

SIXTH = Contract(
    name="sixth_contract",
    prefixes=("/sixth",),
    urls="tests.api.sixth_contract.urls",
    render_problem=render_problem,
    error_serializer=SixthProblem,
    page="sixth-contract.md",
)
