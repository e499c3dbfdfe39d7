"""From bytes to a JSON object, as the service's gateway reads it."""

from collections.abc import Mapping
from typing import Any

import orjson

from mockserver.errors import ApiError


def parse(data: bytes) -> Mapping[str, Any]:
    """The JSON object in `data`. NaN, lone surrogates, a byte order mark and other values are refused.

    Raises:
        ApiError: `InvalidParameter/body-invalid`.
    """
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise ApiError("InvalidParameter/body-invalid")
    return body


def without_nulls(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A parameter that is null counts as not given."""
    return {name: value for name, value in values.items() if value is not None}
