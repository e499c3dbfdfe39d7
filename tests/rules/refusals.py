"""What the service says to a request: read, judged, and refused in the dialect's words."""

from typing import Any, Literal

import orjson
from orjson import loads as parse

from mockserver.dialects import compatible, native
from mockserver.dialects.draft import Draft
from mockserver.dialects.meta import Meta, Refusal
from mockserver.errors import ApiError
from mockserver.profiles import PROFILES
from mockserver.rules import judge

Dialect = Literal["native", "compatible"]

ENGINE = "<400> InternalError.Algo.InvalidParameter: "
"""What the engine puts before a message in profile 2026, except in a compatible stream."""

USER = {"role": "user", "content": "你好"}
TOOL = {"type": "function", "function": {"name": "weather"}}


def native_body(model: str = "qwen-plus", messages: Any = (USER,), **parameters: Any) -> dict[str, Any]:
    return {"model": model, "input": {"messages": messages}, "parameters": parameters}


def compatible_body(model: str = "qwen-plus", messages: Any = (USER,), **parameters: Any) -> dict[str, Any]:
    return {"model": model, "messages": messages, **parameters}


def body_of(dialect: Dialect, *given: Any, **parameters: Any) -> dict[str, Any]:
    return (native_body if dialect == "native" else compatible_body)(*given, **parameters)


def drafted(dialect: Dialect, body: Any, *, stream: bool = False, profile: str = "2026") -> Draft:
    """The body as a judged draft; its bytes are parsed as the server does it."""
    parsed = parse(orjson.dumps(body))
    era = PROFILES[profile]
    if dialect == "native":
        draft = native.read(parsed, stream=stream, profile=era)
    else:
        draft = compatible.read(parsed, profile=era)
    judge(draft)
    return draft


def refusal(dialect: Dialect, body: Any, *, stream: bool = False, profile: str = "2026") -> Refusal | None:
    """The answer of the service, None if the request is accepted."""
    try:
        drafted(dialect, body, stream=stream, profile=profile)
    except ApiError as error:
        meta = Meta("<uuid>", 0, PROFILES[profile])
        if dialect == "native":
            return native.write_error(error, meta, stream=stream)
        return compatible.write_error(error, meta, stream=compatible.wants_stream(body))
    return None


def said(dialect: Dialect, body: Any, *, stream: bool = False, profile: str = "2026") -> str | None:
    """The message alone, None if the request is accepted."""
    refused = refusal(dialect, body, stream=stream, profile=profile)
    if refused is None:
        return None
    data = refused.body[refused.body.index(b"{") :]
    found = orjson.loads(data)
    message: str = found.get("error", found)["message"]
    return message
