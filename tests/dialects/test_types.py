"""Types of parameters, as the two validators tell them."""

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from orjson import loads as parse

from mockserver import schemas
from mockserver.dialects import compatible, native
from mockserver.dialects.meta import Meta
from mockserver.dialects.types import NATIVE, boolean, integer, number, read_compatible, read_native, whole_numbers
from mockserver.errors import ApiError
from mockserver.profiles import PROFILES

ENGINE = "<400> InternalError.Algo.InvalidParameter: "
USER = {"role": "user", "content": "你好"}
TOOL = {"type": "function", "function": {"name": "weather"}}


def refused(body: Any, *, profile: str = "2026") -> dict[str, Any]:
    """The error that a body gets while it is read; the dialect is seen from the body."""
    era = PROFILES[profile]
    parsed = parse(orjson.dumps(body))
    if "input" in body:
        with pytest.raises(ApiError) as caught:
            native.read(parsed, stream=False, profile=era)
        said = native.write_error(caught.value, Meta("<uuid>", 0, era), stream=False)
    else:
        with pytest.raises(ApiError) as caught:
            compatible.read(parsed, profile=era)
        said = compatible.write_error(caught.value, Meta("<uuid>", 0, era), stream=False)
    found = orjson.loads(said.body)
    error: dict[str, Any] = found.get("error", found)
    return error


def native_text(parameters: Any, given: Any = None) -> str:
    body = {"model": "qwen-plus", "input": given or {"messages": [USER]}, "parameters": parameters}
    error = refused(body)
    assert error["code"] == "InvalidParameter"
    message: str = error["message"]
    assert refused(body, profile="2024")["message"] == message.removeprefix(ENGINE)
    return message.removeprefix(ENGINE)


def compatible_error(**fields: Any) -> tuple[str, str | None]:
    error = refused({"model": "qwen-plus", "messages": [USER], **fields})
    return error["message"], error["code"]


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (
            {"top_p": "a"},
            "Input should be a valid number, unable to parse string as a number: parameters.top_p",
        ),
        (
            {"temperature": "hot"},
            "Input should be a valid number, unable to parse string as a number: parameters.temperature",
        ),
        ({"temperature": [1]}, "Input should be a valid number: parameters.temperature"),
        (
            {"max_tokens": "many"},
            "Input should be a valid integer, unable to parse string as an integer: parameters.max_tokens",
        ),
        (
            {"max_tokens": 1.5},
            "Input should be a valid integer, got a number with a fractional part: parameters.max_tokens",
        ),
        ({"seed": {}}, "Input should be a valid integer: parameters.seed"),
        ({"top_k": []}, "Input should be a valid integer: parameters.top_k"),
        (
            {"enable_search": "maybe"},
            "Input should be a valid boolean, unable to interpret input: parameters.enable_search",
        ),
        (
            {"logprobs": 2},
            "Input should be a valid boolean, unable to interpret input: parameters.logprobs",
        ),
        ({"incremental_output": []}, "Input should be a valid boolean: parameters.incremental_output"),
        ({"result_format": 5}, "Input should be a valid string: parameters.result_format"),
        ({"result_format": "xml"}, "Input should be 'text' or 'message': parameters.result_format"),
        (
            {"stop": 5},
            (
                "Input should be a valid list: parameters.stop.list[any] & "
                "Input should be a valid string: parameters.stop.str"
            ),
        ),
        (
            {"tool_choice": {"type": "function"}},
            (
                "Input should be a valid string: parameters.tool_choice.str & "
                "Field required: parameters.tool_choice.ToolChoice.function"
            ),
        ),
        (
            {"tool_choice": {"function": {}}},
            (
                "Input should be a valid string: parameters.tool_choice.str & "
                "Field required: parameters.tool_choice.ToolChoice.function.name"
            ),
        ),
        ({"tools": {}}, "Input should be a valid list: parameters.tools"),
        ({"tools": [5]}, "Input should be a valid dictionary: parameters.tools.0"),
        (
            {"tools": [TOOL, {"type": "function"}, {"function": {}}]},
            "Field required: parameters.tools.1.function & Field required: parameters.tools.2.function.name",
        ),
        ({"tools": [{"function": []}]}, "Input should be a valid dictionary: parameters.tools.0.function"),
        (
            {"tools": [{"function": {"name": 5, "description": 5}}]},
            (
                "Input should be a valid string: parameters.tools.0.function.name & "
                "Input should be a valid string: parameters.tools.0.function.description"
            ),
        ),
        (
            {"response_format": {"type": "json_schema"}},
            "Field required: parameters.response_format.json_schema",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": []}},
            "Input should be a valid dictionary: parameters.response_format.json_schema",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": 5}}},
            "Input should be a valid dictionary: parameters.response_format.json_schema.schema",
        ),
        ({"search_options": "all"}, "Input should be a valid dictionary: parameters.search_options"),
        ([], "Input should be a valid dictionary: parameters"),
        (
            {"seed": [], "top_p": "a", "max_tokens": "b"},
            (
                "Input should be a valid number, unable to parse string as a number: parameters.top_p & "
                "Input should be a valid integer: parameters.seed & "
                "Input should be a valid integer, unable to parse string as an integer: parameters.max_tokens"
            ),
        ),
    ],
)
def test_the_native_validator_joins_all_that_it_finds(parameters: Any, text: str) -> None:
    assert native_text(parameters) == text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"prompt": 5}, "Input should be a valid string: input.prompt"),
        ({"messages": "你好"}, "Input should be a valid list: input.messages"),
        (
            {"messages": ["你好"]},
            "Input should be a valid dictionary or instance of GPT3Message: input.messages.0",
        ),
        (
            {"messages": [{"role": 5, "content": {}}]},
            (
                "Input should be a valid string: input.messages.0.role & "
                "Input should be a valid string: input.messages.0.content"
            ),
        ),
        (
            {"messages": [{**USER, "tool_calls": [5, {"id": 5, "function": {"arguments": {}}}]}]},
            (
                "Input should be a valid dictionary: input.messages.0.tool_calls.0 & "
                "Input should be a valid string: input.messages.0.tool_calls.1.id & "
                "Input should be a valid string: input.messages.0.tool_calls.1.function.arguments"
            ),
        ),
        ({"prompt": "a", "history": 5}, "Input should be a valid list: input.history"),
        (
            {"prompt": "a", "history": [5, {"user": 5}]},
            (
                "Input should be a valid dictionary: input.history.0 & "
                "Input should be a valid string: input.history.1.user"
            ),
        ),
    ],
)
def test_the_native_validator_looks_into_the_input(given: Any, text: str) -> None:
    assert native_text({}, given) == text


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("temperature", "0.5", "'temperature' must be Float"),
        ("top_p", True, "'top_p' must be Float"),
        ("seed", "1", "'seed' must be Integer"),
        ("seed", 1.5, "'seed' must be Integer"),
        ("max_tokens", False, "'max_tokens' must be Integer"),
        ("stream", "yes", "'stream' must be Boolean"),
        ("enable_thinking", 1, "'enable_thinking' must be Boolean"),
        ("stream_options", [], "'stream_options' must be Object"),
        ("messages", "你好", "'messages' must be Array"),
        ("messages", ["你好"], "'messages.0' must be Object"),
        ("messages", [{"role": "user", "content": 5}], "'messages.0.content' must be String"),
        ("model", 5, "'model' must be String"),
        ("tools", {}, "'tools' must be Array"),
        ("tools", [{"function": {}}], "'name' is a required property"),
        ("tool_choice", {"type": "function"}, "'function' is a required property"),
        ("response_format", {"type": "json_schema"}, "'json_schema' is a required property"),
    ],
)
def test_the_compatible_schema_layer_takes_types_literally(field: str, value: Any, text: str) -> None:
    assert compatible_error(**{field: value}) == (text, "invalid_value")


def test_a_compatible_tool_has_a_function() -> None:
    expected = "'function' is a required property, expected an object - 'tools.1'"
    assert compatible_error(tools=[TOOL, {"type": "function"}]) == (expected, "invalid_parameter_error")


@pytest.mark.parametrize(
    ("given", "expected"),
    [("0.5", 0.5), (" 2 ", 2.0), (True, 1.0), (3, 3.0)],
)
def test_text_reads_as_a_number(given: Any, expected: float) -> None:
    assert number(given) == expected


@pytest.mark.parametrize(("given", "expected"), [("7", 7), ("7.0", 7), (7.0, 7), (True, 1), ("-7", -7)])
def test_text_reads_as_an_integer(given: Any, expected: int) -> None:
    assert (integer(given), type(integer(given))) == (expected, int)


@pytest.mark.parametrize(("given", "expected"), [("yes", True), ("OFF", False), (1, True), (0.0, False), ("t", True)])
def test_words_read_as_booleans(given: Any, *, expected: bool) -> None:
    assert boolean(given) is expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(name=st.sampled_from(sorted(NATIVE)), value=JSON)
def test_a_mismatch_is_something_that_the_catalogue_can_say(name: str, value: Any) -> None:
    for read in (read_native, read_compatible):
        with suppress(ApiError):
            read({name: value})


LIMITS = st.sampled_from([-2.1, -2, -1, 0, 0.5, 1, 1.0, 2, 2.5, 4, 5, 6, 100.0, 2**63 - 1, 2**63, 1e20])
VALUES = LIMITS | st.sampled_from(["text", "message", "auto", "required", "a", [], ["a"], [1.0], [[1]], True])
FORMATS = st.sampled_from([{"type": "text"}, {"type": "json_object", "json_schema": None}, {}, {"type": None}])
WRAPPERS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"schema": st.just({}) | st.none(), "strict": st.none()}
)
SCHEMAS = st.builds(lambda wrapper: {"type": "json_schema", "json_schema": wrapper}, WRAPPERS | st.none())
TOOLS = st.lists(
    st.builds(
        lambda fields: {"function": {"name": "a", **fields}},
        st.fixed_dictionaries({}, optional={"description": st.none() | st.just("b"), "parameters": JSON}),
    ),
    max_size=2,
)
CHOICES = st.just({"function": {"name": "a"}}) | st.just({"type": "function"})
NEAR = VALUES | FORMATS | SCHEMAS | TOOLS | CHOICES | st.none()


@given(name=st.sampled_from(sorted(NATIVE)), value=NEAR)
def test_what_the_schema_accepts_the_readers_accept(name: str, value: Any) -> None:
    bodies = {
        "native/generation-request": {
            "model": "qwen-plus",
            "input": {"messages": [USER]},
            "parameters": {name: value},
        },
        "compatible/chat-request": {"model": "qwen-plus", "messages": [USER], name: value},
    }
    given = {name: value} if value is not None else {}
    for schema, read in (
        ("native/generation-request", read_native),
        ("compatible/chat-request", read_compatible),
    ):
        if schemas.accepts(schema, bodies[schema]):
            read(whole_numbers(given))
