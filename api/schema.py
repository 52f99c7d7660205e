"""How the generated OpenAPI document describes the doors."""

from typing import Any

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


# The shape of the errors that no view chooses, by the beginning of an address; the first that fits.
_ERROR_SHAPES = (
    ("/api/user/", "RestfulDetail"),
    ("/api/", "ImagesApiError"),
    ("/auth/", "AuthServiceError"),
    ("/image", "ImageServiceError"),
    ("/pictures/", "PicturesError"),
    ("/v1/image", "ImageServiceError"),
)
_ERRORS = {"405": "The method is not one of this route's.", "500": "A failure nobody foresaw."}


def add_errors_of_every_route(result: Any, **kwargs: Any) -> Any:
    """Describe what any route may answer: a wrong method, and an unforeseen failure."""
    for path, item in result["paths"].items():
        shape = next(name for start, name in _ERROR_SHAPES if path.startswith(start))
        schema = {"$ref": f"#/components/schemas/{shape}"}
        for operation in item.values():
            for code, description in _ERRORS.items():
                content = {"application/json": {"schema": schema}}
                answer = {"description": description, "content": content}
                operation["responses"].setdefault(code, answer)
    return result
