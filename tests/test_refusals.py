"""Whatever is wrong with a request, the answer is a refusal of the catalogue in the shape of its dialect.

The judging is done by `validated.py`; here stand the ways to break a request.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from catalogued import is_catalogued
from conversations import Case, cases
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import CHAT, GENERATION, SSE, InProcess, in_process

from mockserver import schemas

PARAMETERS = sorted(
    set(schemas.document("native/generation-parameters")["properties"])
    | set(schemas.document("compatible/chat-request")["properties"])
    | {"input", "parameters", "prompt", "history", "result_format", "incremental_output"}
)
KEYS = ["type", "function", "name", "text", "role", "content", "json_schema", "a"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(-3, 6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "1", "0.5", "yes", "auto", "required", "x" * 3000, "无", "{}", "[]", "null", "1e9"])
    | st.text(st.characters(codec="utf-8"), max_size=8)
)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def emulator() -> Iterator[InProcess]:
    with in_process() as client:
        yield client


@st.composite
def broken(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A path and a body that was good before one to three of its places were spoilt."""
    case: Case = draw(cases())
    native = draw(st.booleans())
    body = copy.deepcopy(case.native() if native else case.compatible())
    for _ in range(draw(st.integers(1, 3))):
        _spoil(draw, body)
    return (GENERATION if native else CHAT), body


def _spoil(draw: st.DrawFn, body: dict[str, Any]) -> None:
    """Replace, remove or add something somewhere."""
    holders = [body, *(value for value in body.values() if isinstance(value, dict))]
    holder = draw(st.sampled_from(holders))
    match draw(st.sampled_from(["set", "remove", "message", "deep"])):
        case "set":
            holder[draw(st.sampled_from(PARAMETERS))] = draw(junk)
        case "remove" if holder:
            del holder[draw(st.sampled_from(sorted(holder)))]
        case "message":
            _spoil_message(draw, body)
        case _:
            leaves = list(_leaves(body))
            if leaves:
                place, key = draw(st.sampled_from(leaves))
                place[key] = draw(junk)


def _spoil_message(draw: st.DrawFn, body: dict[str, Any]) -> None:
    given = body.get("input", body)
    messages = given.get("messages") if isinstance(given, dict) else None
    if isinstance(messages, list):
        kinds = ["role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content", "partial"]
        message = draw(junk | st.dictionaries(st.sampled_from(kinds), junk))
        messages.insert(draw(st.integers(0, len(messages))), message)


def _leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in pairs:
        yield value, key
        yield from _leaves(child)


VALUES: list[Any] = [
    *(False, True, 0, 1, -1, 7, 2**31, 2**64, -(2**64), 10**300, 0.5, -0.5, 2.0, 1e308),
    *("", "1", "0.5", "true", "auto", "text", "无", "1" * 5000),
    *([], [None], [1], [1.5], [True], ["a"], [[1]], [["a"]], ["a", 1], [{}], [[]]),
    *({}, {"type": None}, {"type": 1}, {"type": "a"}, {"function": None}, {"function": {"name": 1}}, {"a": {}}),
]
"""One and more of every kind of JSON value, at the edges of what parameters take."""


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("path", [GENERATION, CHAT])
@pytest.mark.parametrize("model", ["qwen-plus", "qwen-long"])
def test_any_value_of_any_parameter_is_taken_or_refused(emulator: InProcess, path: str, name: str, model: str) -> None:
    messages = [{"role": "user", "content": "用 json 回答：你好"}]
    for value in VALUES:
        body: dict[str, Any] = {"model": model, "stream": True, "messages": messages}
        if path == GENERATION:
            body = {"model": model, "input": {"messages": messages}, "parameters": {name: value}}
        answered(emulator, (path, {**body, name: value}), stream=True)


def answered(emulator: InProcess, request: tuple[str, dict[str, Any]], *, stream: bool) -> None:
    """The wrapper has judged the answer; it must also be one that is not the server's own failure."""
    path, body = request
    response = emulator.post(path, json.dumps(body).encode(), SSE if stream else None)
    assert response.status_code < 500, response.text
    assert ":HTTP_STATUS/5" not in response.text, response.text


@given(request=broken(), stream=st.booleans())
@settings(max_examples=300)
def test_a_broken_request_gets_a_refusal_of_the_catalogue(
    emulator: InProcess, request: tuple[str, dict[str, Any]], stream: bool
) -> None:
    answered(emulator, request, stream=stream)


@pytest.mark.slow
@given(request=broken(), stream=st.booleans())
@settings(max_examples=20_000)
def test_a_broken_request_gets_a_refusal_of_the_catalogue_for_long(
    emulator: InProcess, request: tuple[str, dict[str, Any]], stream: bool
) -> None:
    answered(emulator, request, stream=stream)


@given(body=junk, path=st.sampled_from([GENERATION, CHAT]), stream=st.booleans())
def test_json_that_is_no_request_is_refused(emulator: InProcess, body: Any, path: str, stream: bool) -> None:
    response = emulator.post(path, json.dumps(body).encode(), SSE if stream else None)
    assert "error" in response.text or '"code"' in response.text


@given(data=st.data(), native=st.booleans(), stream=st.booleans())
@settings(max_examples=200)
def test_bytes_that_are_changed_on_the_way_are_read_or_refused(
    emulator: InProcess, data: st.DataObject, native: bool, stream: bool
) -> None:
    case: Case = data.draw(cases())
    body = bytearray(json.dumps(case.native() if native else case.compatible(), ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        body[start : start + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    response = emulator.post(GENERATION if native else CHAT, bytes(body), SSE if stream else None)
    assert response.status_code < 500


# fmt: off
KEYWORDS = [
    "$ref", "$defs", "type", "enum", "const", "anyOf", "oneOf", "allOf", "not", "if", "then", "else", "properties",
    "required", "items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems", "additionalProperties",
    "patternProperties", "propertyNames", "pattern", "format", "minLength", "maxLength", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minProperties", "default", "a", "b",
]
# fmt: on
NAMES = [
    "string",
    "number",
    "integer",
    "boolean",
    "array",
    "object",
    "null",
    "#",
    "#/$defs/a",
    "a",
    "b",
    "date",
    "^a+$",
]
shapes = st.recursive(
    scalars | st.sampled_from(NAMES),
    lambda inner: st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)


@given(shape=shapes, path=st.sampled_from([GENERATION, CHAT]), tool=st.booleans())
@settings(max_examples=300)
def test_whatever_stands_for_a_schema_is_used_or_ignored(
    emulator: InProcess, shape: Any, path: str, tool: bool
) -> None:
    function = {"name": "f", "parameters": shape}
    asked: dict[str, Any] = {"response_format": {"type": "json_schema", "json_schema": {"name": "f", "schema": shape}}}
    if tool:
        asked = {"tools": [{"type": "function", "function": function}], "tool_choice": "required"}
    messages = [{"role": "user", "content": "json"}]
    body = {"model": "qwen-plus", "messages": messages, "input": {"messages": messages}, "parameters": asked, **asked}
    answered(emulator, (path, body), stream=False)


def test_the_judge_knows_an_error_of_the_service_from_another() -> None:
    message = "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]"
    assert is_catalogued("native", 400, "InvalidParameter", message)
    assert not is_catalogued("native", 403, "InvalidParameter", message)
    assert not is_catalogued("native", 400, "InvalidParameter", "max_tokens is too large")
    fragments = "Field required: a & Input should be a valid string: b"
    assert is_catalogued("native", 400, "InvalidParameter", f"<400> InternalError.Algo.InvalidParameter: {fragments}")
    assert not is_catalogued("compatible", 400, "invalid_value", "'temperature' must be a Float")
