"""The document of the control API is whole, and describes the paths that there are."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from starlette.routing import Route

from mockserver import openapi_control, schemas
from mockserver.api.app import MOCK, control_routes, create_services
from mockserver.settings import Settings

DOCUMENT = openapi_control.document(server_url="http://127.0.0.1:8787")
COMPONENTS = DOCUMENT["components"]["schemas"]


def references(value: Any) -> Iterator[str]:
    match value:
        case {"$ref": str(target)}:
            yield target
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from references(child)


def test_the_paths_are_those_of_the_application() -> None:
    services = create_services(Settings())
    routes = [route for route in control_routes(services) if isinstance(route, Route)]
    served = {re.sub(r"\{(\w+)(:\w+)?\}", r"{\1}", route.path) for route in routes}
    services.close()
    assert served - {f"{MOCK}/{{path}}"} == set(DOCUMENT["paths"])


def test_every_reference_leads_into_a_component() -> None:
    for target in set(references(DOCUMENT)):
        found: Any = DOCUMENT
        for part in target.removeprefix("#/").split("/"):
            found = found[part]
        assert found


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_is_a_schema_that_accepts_its_examples(name: str) -> None:
    root = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": COMPONENTS}}
    validator = jsonschema_rs.Draft202012Validator(root, offline=True)
    for example in COMPONENTS[name].get("examples", ()):
        assert validator.is_valid(example)


def test_a_component_refuses_what_its_file_refuses() -> None:
    root = {"$ref": "#/components/schemas/ControlFaultRequest", "components": {"schemas": COMPONENTS}}
    wrong = {"kind": "reset", "times": "twice"}
    assert not jsonschema_rs.Draft202012Validator(root, offline=True).is_valid(wrong)
    assert not schemas.accepts("control/fault-request", wrong)


def test_operation_ids_are_unique_words() -> None:
    ids = [operation.id for operation in openapi_control.OPERATIONS]
    assert len(set(ids)) == len(ids)
    assert all(each.isalpha() for each in ids)


def test_every_variable_of_a_path_is_declared() -> None:
    for operation in openapi_control.OPERATIONS:
        declared = {each.name for each in operation.parameters if each.place == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", operation.path))
