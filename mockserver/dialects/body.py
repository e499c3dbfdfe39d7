"""From bytes to a JSON object, as the service's gateway reads it."""

from collections.abc import Mapping
from typing import Any

import orjson


def parse(data: bytes) -> dict[str, Any] | None:
    """The JSON object in `data`. NaN, lone surrogates, a byte order mark and anything but an object are None."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def without_nulls(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A parameter that is null counts as not given."""
    return {name: value for name, value in values.items() if value is not None}
