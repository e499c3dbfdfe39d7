"""schemathesis against the document of the control API: no server error, no answer that it does not describe."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mockserver import openapi_control
from mockserver.api.app import create_app

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
HEALTH = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]

api = schemathesis.openapi.from_dict(openapi_control.document())
api.app = create_app()


@api.parametrize()
@settings(max_examples=5, suppress_health_check=HEALTH, deadline=None)
def test_every_operation_keeps_to_the_document(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(checks=CHECKS)
