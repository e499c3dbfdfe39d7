"""The OpenAPI 3.1 document of the control API, by itself: the other one describes the service.

One table of operations, as in `openapi.py`, over the schemas of `schemas/control/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mockserver._version import __version__
from mockserver.openapi import JSON, Parameter, components, ref

__all__ = ["OPERATIONS", "Operation", "document"]

ROOT = "/__mock__"
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `response` and `request` name schemas of `control/`; None: any JSON."""

    method: Literal["get", "put", "post", "delete"]
    path: str
    summary: str
    response: str | None
    request: str | None = None
    parameters: tuple[Parameter, ...] = ()

    @property
    def id(self) -> str:
        """A name for generated code: `controlListStubs`."""
        return "control" + self.summary.title().replace(" ", "")


_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
_KEY = (Parameter("key", "The session, by its API key. Without it the bearer's.", _TEXT),)
_PATH_KEY = (Parameter("key", "The session, by its API key.", _TEXT, "path"),)
_STUB = (*_KEY, Parameter("id", "Id of a stub.", _TEXT, "path"))
_NAME = (Parameter("name", "A name; it may hold slashes.", _TEXT, "path"),)
_PAGE = (
    *_KEY,
    Parameter("after", "Only records with a higher number.", {"type": "integer", "minimum": 0, "default": 0}),
    Parameter("limit", "Records per page.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
    Parameter("code", "Only with this violation or error; `schema` means all of its kin.", _TEXT),
    Parameter("status", "Only with this HTTP status.", _TEXT),
    Parameter("ended", "Only those that ended so, such as `client-left`.", _TEXT),
    Parameter("endpoint", "Only of this endpoint, such as `chat`.", _TEXT),
)

OPERATIONS = (
    Operation("get", "/health", "Show health", "health"),
    Operation("get", "/stubs", "List stubs", "stub-states", parameters=_KEY),
    Operation("post", "/stubs", "Add stubs", "stub-states", "stub-request", _KEY),
    Operation("delete", "/stubs", "Delete stubs", "deleted", parameters=_KEY),
    Operation("get", "/stubs/{id}", "Show stub", "stub-state", parameters=_STUB),
    Operation("delete", "/stubs/{id}", "Delete stub", "deleted", parameters=_STUB),
    Operation("get", "/unmet", "List unmet stubs", "stub-states", parameters=_KEY),
    Operation("get", "/faults", "List kinds of faults", "fault-list"),
    Operation("post", "/faults", "Add fault", "stub-states", "fault-request", _KEY),
    Operation("get", "/sessions", "List sessions", "session-list"),
    Operation("get", "/sessions/{key}", "Show session", "session", parameters=_PATH_KEY),
    Operation("put", "/sessions/{key}", "Change session", "session", "session-change", _PATH_KEY),
    Operation("delete", "/sessions/{key}", "Delete session", "deleted", parameters=_PATH_KEY),
    Operation("get", "/journal", "List journal", "journal-page", parameters=_PAGE),
    Operation("delete", "/journal", "Delete journal", "deleted", parameters=_KEY),
    Operation("get", "/verdict", "Show verdict", "verdict", parameters=_KEY),
    Operation("post", "/reset", "Reset", "reset", parameters=_KEY),
    Operation("put", "/seed", "Set seed", "seed", "seed", _KEY),
    Operation("get", "/clock", "Show clock", "clock"),
    Operation("post", "/clock", "Advance clock", "clock", "clock-change"),
    Operation("get", "/catalogue", "List errors", "error-list"),
    Operation("get", "/catalogue/{name}", "Show error", "error-entry", parameters=_NAME),
    Operation("get", "/models", "List models", "models"),
    Operation("get", "/schemas", "List schemas", "schema-list"),
    Operation("get", "/schemas/{name}", "Show schema", None, parameters=_NAME),
    Operation("get", "/openapi.json", "Show service", None),
    Operation("get", "/openapi-control.json", "Show control", None),
)
_SCHEMES = {
    "session": {"type": "http", "scheme": "bearer", "description": "The API key of a session, in place of `?key=`."},
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Mock-Token",
        "description": "The server's --control-token; other machines need it, this one does not.",
    },
}


def document(*, server_url: str | None = None) -> dict[str, Any]:
    """The whole document, for a server at `server_url` or, without one, at the address it is fetched from."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(ROOT + operation.path, {})[operation.method] = _operation(operation)
    used = {f"control/{name}" for each in OPERATIONS for name in (each.request, each.response) if name}
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "dashscope-mock control",
            "version": __version__,
            "description": "How to look into the server and steer it. Not a part of the service.",
        },
        "servers": [{"url": server_url or "/"}],
        "security": [{}, {"session": []}, {"token": []}, {"session": [], "token": []}],
        "tags": [{"name": "control"}],
        "paths": paths,
        "components": {"securitySchemes": _SCHEMES, "schemas": components(used | {"control/problem"})},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [parameter.document() for parameter in operation.parameters]
    return {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": ["control"],
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": {"required": True, "content": _json(operation.request)}} if operation.request else {}),
        "responses": {
            "200": {"description": "Done.", "content": _json(operation.response)},
            "4XX": {"description": "Refused.", "content": {PROBLEM: {"schema": ref("control/problem")}}},
        },
    }


def _json(name: str | None) -> dict[str, Any]:
    return {JSON: {"schema": ref(f"control/{name}") if name else {"type": "object"}}}
