"""The OpenAPI document is whole, true to the schema files, and always the same."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from mockserver import openapi, schemas

DOCUMENT = openapi.document(server_url="http://127.0.0.1:8080")
COMPONENTS = DOCUMENT["components"]["schemas"]
ROUTES = {
    (method, path): operation for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
}


def references(value: Any) -> Iterator[str]:
    match value:
        case {"$ref": str(target)}:
            yield target
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from references(child)


def component(name: str) -> Any:
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": {"schemas": COMPONENTS}}, offline=True
    )


def test_every_reference_leads_to_a_component_and_every_component_is_used() -> None:
    wanted = set(references(DOCUMENT))
    assert wanted == {f"#/components/schemas/{name}" for name in COMPONENTS}


def test_no_component_has_an_address_that_would_move_its_references() -> None:
    assert not any({"$id", "$schema"} & set(schema) for schema in COMPONENTS.values())


def test_the_document_is_json_and_always_the_same() -> None:
    again = openapi.document(server_url="http://127.0.0.1:8080")
    assert json.dumps(again) == json.dumps(DOCUMENT)


def test_making_the_document_leaves_the_schema_files_as_they_are() -> None:
    assert schemas.document("native/generation-request")["properties"]["input"]["$ref"] == "input.json"


def test_the_server_is_the_one_asked_for_or_the_one_that_answers() -> None:
    assert DOCUMENT["servers"] == [{"url": "http://127.0.0.1:8080"}]
    assert openapi.document()["servers"] == [{"url": "/"}]


def test_the_operations_are_those_of_the_two_dialects() -> None:
    assert set(ROUTES) == {
        ("post", "/api/v1/services/aigc/text-generation/generation"),
        ("post", "/api/v1/tokenizer"),
        ("post", "/api/v1/services/embeddings/text-embedding/text-embedding"),
        ("post", "/api/v1/files"),
        ("get", "/api/v1/files"),
        ("get", "/api/v1/files/{file_id}"),
        ("delete", "/api/v1/files/{file_id}"),
        ("get", "/api/v1/models"),
        ("post", "/compatible-mode/v1/chat/completions"),
        ("post", "/compatible-mode/v1/embeddings"),
        ("post", "/compatible-mode/v1/files"),
        ("get", "/compatible-mode/v1/files"),
        ("get", "/compatible-mode/v1/files/{file_id}"),
        ("delete", "/compatible-mode/v1/files/{file_id}"),
        ("get", "/compatible-mode/v1/files/{file_id}/content"),
        ("get", "/compatible-mode/v1/models"),
        ("get", "/compatible-mode/v1/models/{model}"),
    }


def test_operation_ids_are_unique_words() -> None:
    ids = [operation["operationId"] for operation in ROUTES.values()]
    assert len(set(ids)) == len(ids)
    assert all(each.isalpha() for each in ids)


@pytest.mark.parametrize("route", ROUTES)
def test_a_path_declares_its_variables_and_answers_errors_of_its_dialect(route: tuple[str, str]) -> None:
    operation = ROUTES[route]
    declared = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
    assert declared == {part[1:-1] for part in route[1].split("/") if part.startswith("{")}
    error = "NativeError" if route[1].startswith("/api/") else "CompatibleError"
    for status in ("4XX", "5XX"):
        plain = operation["responses"][status]["content"]["application/json"]
        assert plain == {"schema": {"$ref": f"#/components/schemas/{error}"}}


def test_streams_are_described_event_by_event_in_success_and_in_failure() -> None:
    streamed = {
        route for route, each in ROUTES.items() if "text/event-stream" in each["responses"]["200"].get("content", {})
    }
    assert {path.rsplit("/", 1)[1] for _, path in streamed} == {"generation", "completions"}
    for route in streamed:
        for response in ROUTES[route]["responses"].values():
            assert response["content"]["text/event-stream"]["schema"]["$ref"].endswith("SseEvent")


@pytest.mark.parametrize(
    ("route", "field"),
    [(("post", "/api/v1/files"), "files"), (("post", "/compatible-mode/v1/files"), "file")],
)
def test_uploads_are_multipart_forms_with_the_field_of_the_dialect(route: tuple[str, str], field: str) -> None:
    (media_type,) = content = ROUTES[route]["requestBody"]["content"]
    schema = COMPONENTS[content[media_type]["schema"]["$ref"].rsplit("/", 1)[1]]
    assert media_type == "multipart/form-data"
    assert field in schema["required"]


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_accepts_its_examples(name: str) -> None:
    validator = component(name)
    for example in COMPONENTS[name].get("examples", ()):
        assert validator.is_valid(example)


def test_a_component_refuses_what_its_file_refuses() -> None:
    message = {
        "model": "qwen-max",
        "input": {"messages": [{"role": "nobody"}]},
        "parameters": {"stop": ["a", 1]},
    }
    fast = {error.instance_path[-1] for error in component("NativeGenerationRequest").iter_errors(message)}
    slow = {breach.path for breach in schemas.explain("native/generation-request", message)}
    assert fast == {"role", 0, 1}
    assert slow == {"/input/messages/0", "/input/messages/0/role", "/parameters/stop/1"}
