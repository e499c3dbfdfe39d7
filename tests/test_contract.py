"""schemathesis against the OpenAPI document: no server error, no answer that the document does not describe.

Each operation gets good and broken data made from its own description. Two checks are off, since they ask for
what the service does not do: it refuses requests of a valid shape for what they mean
(`positive_data_acceptance`), and answers a wrong method with 400 (`unsupported_method`). A broken body may be
accepted too: the native validator reads "0.5" as a number, unknown fields are ignored.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from validated import Validated

from mockserver import openapi
from mockserver.api.app import create_app

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
KEY = {"Authorization": "Bearer sk-schemathesis"}
HEALTH = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]

api = schemathesis.openapi.from_dict(openapi.document())
api.app = Validated(create_app())


@api.parametrize()
@settings(max_examples=10, suppress_health_check=HEALTH, deadline=None)
def test_every_operation_keeps_to_the_document(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(headers=KEY, checks=CHECKS)


@pytest.mark.slow
@api.parametrize()
@settings(max_examples=500, suppress_health_check=HEALTH, deadline=None)
def test_every_operation_keeps_to_the_document_for_long(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(headers=KEY, checks=CHECKS)
