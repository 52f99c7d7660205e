"""How the OpenAPI document describes an operation of a contract."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance, is_list_serializer, is_serializer
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated

from accounts.scopes import scopes_of
from api.contracts import Contract, contract_at
from api.openapi import refusals
from api.openapi.files import UPLOAD_HEADERS
from api.openapi.refusals import Refusal, RefusalResponse
from api.views import ContractView

Made = TypeVar("Made", bound=Callable[..., Any])
_SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Description:
    """What `describe` says of an operation beside what `extend_schema` takes."""

    refuses: tuple[Refusal, ...] = ()
    headers: tuple[str, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    takes_body: bool = False


def describe(
    operation_id: str,
    *,
    refuses: Iterable[Refusal] = (),
    headers: Iterable[str] = (),
    fields: Mapping[str, str] | None = None,
    takes_body: bool = False,
    **schema: Any,
) -> Callable[[Made], Made]:
    """Describe a view's method; `schema` is what `extend_schema` takes.

    `refuses` are the errors of this operation alone: those that follow from its authentication,
    its method and its body are added. `headers` are those of a response that succeeds. `fields`
    are descriptions of parameters in the path. `takes_body` says that a DELETE has one.
    """

    def decorate(method: Made) -> Made:
        decorated: Made = extend_schema(operation_id=operation_id, **schema)(method)
        described = Description(tuple(refuses), tuple(headers), dict(fields or {}), takes_body)
        decorated.openapi_description = described  # type: ignore[attr-defined]  # of a function
        return decorated

    return decorate


class ContractSchema(AutoSchema):
    """Describes a route as one of its contract."""

    @property
    def _contract(self) -> Contract:
        return contract_at(self.path)

    @property
    def _described(self) -> Description:
        method = getattr(self.view, self.method.lower())
        return getattr(method, "openapi_description", Description())

    def get_tags(self) -> list[str]:
        """Return the contract's tag."""
        return [self._contract.tag]

    def get_operation_id(self) -> str:
        """Return an id that no two contracts share, for a view that names none."""
        return f"{self._contract.name}_{super().get_operation_id()}"

    @property
    def _is_upload(self) -> bool:
        return self.method == "POST" and getattr(self.view, "takes_uploads", False)

    def get_override_parameters(self) -> list[Any]:
        """Return the headers that every upload may have."""
        declared: list[Any] = super().get_override_parameters()
        return [*declared, *UPLOAD_HEADERS] if self._is_upload else declared

    def get_operation(self, *args: Any) -> dict[str, Any] | None:
        """Return the operation with its errors and its headers."""
        operation = super().get_operation(*args)
        if operation is None:
            return None
        if self.path.startswith("/v1/"):
            operation["operationId"] += "_v1"
        if not self.view.get_authenticators():
            operation["security"] = []
        described = self._described
        for parameter in operation.get("parameters", ()):
            if parameter["name"] in described.fields:
                parameter["description"] = described.fields[parameter["name"]]
        for status, response in operation["responses"].items():
            if status < "400":
                response.setdefault("headers", {}).update({name: {} for name in described.headers})
        responses = operation["responses"] | self._error_responses(operation)
        operation["responses"] = dict(sorted(responses.items()))
        return operation

    def _get_request_body(self, direction: Any = "request") -> Any:
        """Describe the body of a DELETE too, where it has one."""
        if self.method != "DELETE" or not self._described.takes_body:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]  # drf-spectacular's
        self.method = "POST"
        try:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]  # drf-spectacular's
        finally:
            self.method = "DELETE"

    def _get_response_for_code(
        self, serializer: Any, status_code: str, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """Say of a body what its serializer says of itself."""
        response: dict[str, Any] = super()._get_response_for_code(  # type: ignore[no-untyped-call]  # drf-spectacular's
            serializer, status_code, *args, **kwargs
        )
        instance = force_instance(serializer)
        if not response["description"] and is_serializer(instance):
            text = inspect.getdoc(instance.child if is_list_serializer(instance) else instance)
            response["description"] = text or ""
        return response

    # --- Errors -----------------------------------------------------------------------------------

    def _error_responses(self, operation: dict[str, Any]) -> dict[str, Any]:
        """Return the responses for all refusals, each with the examples of its status."""
        by_status: dict[int, list[tuple[Refusal, RefusalResponse]]] = {}
        for refusal in self._refusals(operation):
            sent = refusals.respond(self._contract, refusal.problem(), self.path)
            by_status.setdefault(sent.status, []).append((refusal, sent))
        return {str(status): self._error_response(by_status[status]) for status in by_status}

    def _refusals(self, operation: dict[str, Any]) -> Iterable[Refusal]:
        declared = self._described.refuses
        yield from declared
        if "{" in self.path and all(each.problem().status != 404 for each in declared):
            yield refusals.NOT_FOUND
        yield from self._refusals_of_tokens(declared)
        if "requestBody" in operation:
            yield from self._refusals_of_bodies()
            if self._is_upload:
                yield refusals.THROTTLED
                yield from refusals.OF_RETRIES
        other = "PATCH" if self.method != "PATCH" else "PUT"
        yield refusals.wrong_method(other)
        yield refusals.FAILURE
        yield refusals.UNAVAILABLE_FOR_NOW

    def _refusals_of_tokens(self, declared: tuple[Refusal, ...]) -> Iterable[Refusal]:
        if not self.view.get_authenticators():
            return
        if any(isinstance(each, IsAuthenticated) for each in self.view.get_permissions()):
            yield refusals.NO_TOKEN
        yield refusals.BAD_TOKEN
        if scopes := scopes_of(self.path_regex.removeprefix("/"), self.method):
            yield refusals.missing_scope(scopes)
        if self.method not in _SAFE and refusals.CROSS_SITE not in declared:
            yield refusals.CROSS_SITE

    def _refusals_of_bodies(self) -> Iterable[Refusal]:
        form = force_instance(self.get_request_serializer())
        if isinstance(form, dict):
            form = force_instance(next(iter(form.values())))
        if any(field.required for field in form.fields.values()):
            yield refusals.invalid_input(type(form), {})
        yield refusals.UNREADABLE_BODY
        method = getattr(type(self.view), "max_body_size", ContractView.max_body_size)
        is_text = method is ContractView.max_body_size
        yield refusals.BODY_TOO_LARGE if is_text else refusals.FILE_TOO_LARGE
        yield refusals.MEDIA_TYPE

    def _error_response(self, found: list[tuple[Refusal, RefusalResponse]]) -> dict[str, Any]:
        media_type = "text/plain" if isinstance(found[0][1].body, str) else "application/json"
        schemas = list({str(each): each for _, sent in found for each in [self._schema_of(sent)]}
                       .values())  # fmt: skip
        headers = dict.fromkeys(name for _, sent in found for name in sent.headers)
        if found[0][1].status == 405:
            headers["Allow"] = None
        content = {
            "schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas},
            "examples": {
                refusal.name: {"summary": refusal.when, "value": sent.body}
                for refusal, sent in found
            },
        }
        return {
            "description": " ".join(dict.fromkeys(refusal.when for refusal, _ in found)),
            "headers": {name: {} for name in headers},
            "content": {media_type: content},
        }

    def _schema_of(self, sent: RefusalResponse) -> dict[str, Any]:
        """Return the schema whose fields are those of a body: the contract's first that fits."""
        if isinstance(sent.body, str):
            return {"type": "string"}
        for serializer in self._contract.error_serializers:
            names = serializer().fields
            # One without fields describes messages by the names of a request's fields.
            if not names or set(names) == set(sent.body):
                reference: dict[str, Any] = self.resolve_serializer(serializer, "response").ref
                return reference
        raise LookupError(f"No error serializer of {self._contract.name} fits {sent.body}.")
