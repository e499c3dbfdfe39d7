"""The OpenAPI 3.1 document: one table of operations over the schemas of `schemas/`.

Every message shape comes from its schema file; here stands only what a schema cannot say: paths, query
parameters, headers and which message goes where. For `text/event-stream` the schema describes one event after
parsing, with the schema of its data as `contentSchema`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mockserver import schemas
from mockserver._version import __version__

__all__ = ["OPERATIONS", "Operation", "Parameter", "components", "document", "ref"]

JSON = "application/json"
FORM = "multipart/form-data"
EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter, path parameter or header. `schema` is inline: these are scalars."""

    name: str
    description: str
    schema: Mapping[str, Any]
    place: Literal["query", "path", "header"] = "query"

    def document(self) -> dict[str, Any]:
        """As an OpenAPI parameter object."""
        required = {"required": True} if self.place == "path" else {}
        return {
            "name": self.name,
            "in": self.place,
            "description": self.description,
            **required,
            "schema": dict(self.schema),
        }


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path of a dialect. `response`, `request` and `event` name schemas of that dialect.

    `response` None means an answer without a described body. `event` is what a stream is made of.
    """

    dialect: Literal["native", "compatible"]
    method: Literal["get", "post", "delete"]
    path: str
    summary: str
    response: str | None
    request: str | None = None
    event: str | None = None
    media_type: str = JSON
    parameters: tuple[Parameter, ...] = ()

    @property
    def id(self) -> str:
        """A name for generated code: `nativeListFiles`."""
        return self.dialect + self.summary.title().replace(" ", "")

    def schema(self, message: str) -> str:
        """The full name of a schema of this dialect."""
        return f"{self.dialect}/{message}"


_POSITIVE = {"type": "integer", "minimum": 1}
_PAGES = (
    Parameter("page_no", "Which page, from 1.", {**_POSITIVE, "default": 1}),
    Parameter("page_size", "How many per page.", {**_POSITIVE, "default": 10}),
)
_WORKSPACE = (Parameter("X-DashScope-WorkSpace", "The workspace that pays.", {"type": "string"}, "header"),)
_SSE = (
    Parameter(
        "X-DashScope-SSE",
        "`enable` asks for a stream, as `Accept: text/event-stream` does. Every other value is ignored.",
        {"type": "string", "enum": ["enable", "disable"]},
        "header",
    ),
    *_WORKSPACE,
)
_MODELS = (Parameter("model", "Only this model.", {"type": "string"}), *_PAGES)
_FILE = (Parameter("file_id", "Id of a file.", {"type": "string", "minLength": 1}, "path"),)
_MODEL = (Parameter("model", "Name of a model.", {"type": "string", "minLength": 1}, "path"),)
_TIME = "`20250306123000`, `2025-11-12 10:10:10`, `20251112` or `2025-11-12`, Beijing time."
_FILE_QUERY = (
    Parameter("after", "Id of the file after which the page begins.", {"type": "string"}),
    Parameter("limit", "Files per page.", {**_POSITIVE, "maximum": 2000, "default": 2000}),
    Parameter("purpose", "Only files of this purpose.", {"type": "string"}),
    Parameter("create_after", f"Only files made later than {_TIME}", {"type": "string"}),
    Parameter("create_before", f"Only files made earlier than {_TIME}", {"type": "string"}),
)

_ROOTS = {"native": "/api/v1", "compatible": "/compatible-mode/v1"}
N: Literal["native"] = "native"
C: Literal["compatible"] = "compatible"
_GENERATION = "/services/aigc/text-generation/generation"
_EMBEDDING = "/services/embeddings/text-embedding/text-embedding"
OPERATIONS = (
    Operation(
        N,
        "post",
        _GENERATION,
        "Generate text",
        "generation-response",
        "generation-request",
        event="sse-event",
        parameters=_SSE,
    ),
    Operation(N, "post", "/tokenizer", "Tokenize text", "tokenizer-response", "tokenizer-request"),
    Operation(N, "post", _EMBEDDING, "Embed text", "text-embedding-response", "text-embedding-request"),
    Operation(N, "post", "/files", "Upload files", "file-upload-response", "file-upload-request", media_type=FORM),
    Operation(N, "get", "/files", "List files", "file-list", parameters=_PAGES),
    Operation(N, "get", "/files/{file_id}", "Describe file", "file-response", parameters=_FILE),
    Operation(N, "delete", "/files/{file_id}", "Delete file", "file-deletion", parameters=_FILE),
    Operation(N, "get", "/models", "List models", "model-list", parameters=_MODELS),
    Operation(
        C,
        "post",
        "/chat/completions",
        "Chat",
        "chat-response",
        "chat-request",
        event="sse-event",
        parameters=_WORKSPACE,
    ),
    Operation(C, "post", "/embeddings", "Embed text", "embeddings-response", "embeddings-request"),
    Operation(C, "post", "/files", "Upload file", "file-object", "file-upload-request", media_type=FORM),
    Operation(C, "get", "/files", "List files", "file-list", parameters=_FILE_QUERY),
    Operation(C, "get", "/files/{file_id}", "Describe file", "file-object", parameters=_FILE),
    Operation(C, "delete", "/files/{file_id}", "Delete file", "file-deletion", parameters=_FILE),
    Operation(C, "get", "/files/{file_id}/content", "Fetch file", None, parameters=_FILE),
    Operation(C, "get", "/models", "List models", "model-list"),
    Operation(C, "get", "/models/{model}", "Describe model", "model", parameters=_MODEL),
)
_KEY = "Any key `sk-...`; it names a session."


def document(*, server_url: str | None = None) -> dict[str, Any]:
    """The whole document, for a server at `server_url` or, without one, at the address it is fetched from."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        path = paths.setdefault(_ROOTS[operation.dialect] + operation.path, {})
        path[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "dashscope-mock",
            "version": __version__,
            "description": "An offline DashScope, in its native and its OpenAI-compatible dialect.",
        },
        "servers": [{"url": server_url or "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": "native"}, {"name": "compatible"}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": _KEY}},
            "schemas": components({each.schema(name) for each in OPERATIONS for name in _messages(each)}),
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [parameter.document() for parameter in operation.parameters]
    return {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.dialect],
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": _body(operation, operation.request)} if operation.request else {}),
        "responses": {
            "200": _success(operation),
            "4XX": _failure(operation, "The request was refused."),
            "5XX": _failure(operation, "The service failed."),
        },
    }


def _body(operation: Operation, request: str) -> dict[str, Any]:
    return {"required": True, "content": {operation.media_type: {"schema": ref(operation.schema(request))}}}


def _success(operation: Operation) -> dict[str, Any]:
    if operation.response is None:
        return {"description": "The bytes as they were uploaded, without a `content-type`."}
    return {"description": "Success.", "content": _content(operation, operation.response)}


def _failure(operation: Operation, description: str) -> dict[str, Any]:
    return {"description": description, "content": _content(operation, "error")}


def _content(operation: Operation, plain: str) -> dict[str, Any]:
    media = {JSON: plain, EVENTS: operation.event}
    return {kind: {"schema": ref(operation.schema(name))} for kind, name in media.items() if name}


def ref(name: str) -> dict[str, str]:
    """A reference to the component of a schema, `native/error` or `control/stub#/$defs/times`."""
    name, _, place = name.partition("#")
    return {"$ref": f"#/components/schemas/{_component(name)}{place}"}


def _component(name: str) -> str:
    """`native/stream-event` as `NativeStreamEvent`."""
    return "".join(word.capitalize() for word in name.replace("/", "-").split("-"))


def components(wanted: set[str]) -> dict[str, Any]:
    """The component of each schema that is wanted, directly or through another one."""
    found: set[str] = set()
    while wanted:
        found |= wanted
        targets = {target.partition("#")[0] for name in wanted for target in _targets(name, schemas.document(name))}
        wanted = targets - found
    return {_component(name): _schema(name) for name in sorted(found)}


def _messages(operation: Operation) -> Iterator[str]:
    yield "error"
    yield from filter(None, (operation.request, operation.response, operation.event))


def _schema(name: str) -> dict[str, Any]:
    """A schema as a component: without an address of its own, its references pointing to other components."""
    body = {key: value for key, value in schemas.document(name).items() if key not in {"$id", "$schema"}}
    rewritten: dict[str, Any] = _rewritten(name, body)
    return rewritten


def _rewritten(name: str, value: Any) -> Any:
    match value:
        case {"$ref": str(target), **rest}:
            return {**ref(_resolved(name, target)), **_rewritten(name, rest)}
        case dict():
            return {key: _rewritten(name, child) for key, child in value.items()}
        case list():
            return [_rewritten(name, child) for child in value]
        case _:
            return value


def _targets(name: str, value: Any) -> Iterator[str]:
    match value:
        case {"$ref": str(target), **rest}:
            yield _resolved(name, target)
            yield from _targets(name, rest)
        case dict():
            for child in value.values():
                yield from _targets(name, child)
        case list():
            for child in value:
                yield from _targets(name, child)


def _resolved(name: str, target: str) -> str:
    """The schema that a reference inside `name` means, and the place in it after a `#` if it names one."""
    folder, (file, hash_, place) = name.rsplit("/", 1)[0], target.partition("#")
    file = file.removesuffix(".json")
    found = file.removeprefix("../") if file.startswith("../") else f"{folder}/{file}" if file else name
    return f"{found}{hash_}{place}"
