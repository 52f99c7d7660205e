"""How the generated OpenAPI document describes the doors."""

from drf_spectacular.openapi import AutoSchema


class ContractSchema(AutoSchema):
    """Tags a route with its contract, which is the folder its view lives in."""

    def get_tags(self) -> list[str]:
        """Return the contract's name."""
        folder = type(self.view).__module__.split(".")[1]
        return [folder.replace("_", " ")]

    def get_operation_id(self) -> str:
        """Return an id that no two contracts share."""
        folder = type(self.view).__module__.split(".")[1]
        return f"{folder}_{super().get_operation_id()}"
