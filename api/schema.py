"""How the generated OpenAPI document describes the contracts."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from api.contracts import Contract, contract_at


class ContractSchema(AutoSchema):
    """Describes a route as one of its contract."""

    @property
    def _contract(self) -> Contract:
        return contract_at(self.path)

    def get_tags(self) -> list[str]:
        """Return the contract's tag."""
        return [self._contract.tag]

    def get_operation_id(self) -> str:
        """Return an id that no two contracts share."""
        return f"{self._contract.name}_{super().get_operation_id()}"


_ERRORS = {"405": "The method is not one of this route's.", "500": "A failure nobody foresaw."}


def add_errors_of_every_route(result: Any, **kwargs: Any) -> Any:
    """Describe the errors that no view chooses: a wrong method, and an unforeseen failure."""
    for path, item in result["paths"].items():
        component = contract_at(path).error_serializer.__name__
        schema = {"$ref": f"#/components/schemas/{component}"}
        for operation in item.values():
            for status, description in _ERRORS.items():
                content = {"application/json": {"schema": schema}}
                response = {"description": description, "content": content}
                operation["responses"].setdefault(status, response)
    return result
