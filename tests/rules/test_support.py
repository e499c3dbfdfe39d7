"""What models support, and what does not go together, in the words of the service."""

from dataclasses import replace
from typing import Any

import pytest
from refusals import ENGINE, TOOL, USER, Dialect, body_of, compatible_body, drafted, native_body, said

from mockserver.errors import ApiError
from mockserver.rules import judge

BOTH = pytest.mark.parametrize("dialect", ["native", "compatible"])
JSON = {"type": "json_object"}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "city", "schema": {"type": "object"}}}
JSON_WORD = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
UNKNOWN_FORMAT = (
    "Unknown format of response_format, response_format should be a dict, includes 'type' and an optional key "
    "'json_schema'. The response_format type from user is "
)
FORCED = {"type": "function", "function": {"name": "weather"}}


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


# model, parameters, text
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("qwen-long", {"enable_search": True}, "This model does not support enable_search."),
    ("qwen-long", {"tools": [TOOL], "result_format": "message"}, "The tool call is not supported."),
    (
        "qwen-max",
        {"enable_code_interpreter": True},
        "The current model does not support the code_interpreter tool.",
    ),
    ("qwen-long", {"response_format": SCHEMA}, "This response_format type is unavailable now"),
    ("qwen-plus", {"response_format": JSON}, JSON_WORD),
    ("qwen-plus", {"response_format": "json_object"}, UNKNOWN_FORMAT + "<class 'str'>."),
    ("qwen-plus", {"response_format": ["json_object"]}, UNKNOWN_FORMAT + "<class 'list'>."),
    ("qwen-plus", {"response_format": {}}, UNKNOWN_FORMAT + "<class 'dict'>."),
    (
        "qwen-plus",
        {"response_format": {"type": "yaml"}},
        "'response_format.type' Invalid value: 'yaml'. Supported values are: 'json_object' and 'text'.",
    ),
    (
        "qwen-plus",
        {"response_format": {**SCHEMA, "type": "json_object"}},
        (
            "Unknown parameter: 'response_format.json_schema'. 'response_format.json_schema' cannot be provided when "
            "'response_format.type' is 'json_object'."
        ),
    ),
    (
        "qwen-plus",
        {"tools": [TOOL], "tool_choice": "any"},
        'tool_choice is one of the strings that should be ["none", "auto"]',
    ),
    ("qwen-plus", {"tools": [named("search")]}, "Tool names are not allowed to be [search]"),
]


@BOTH
@pytest.mark.parametrize(("model", "parameters", "text"), REFUSED)
def test_what_a_model_does_not_do_is_refused(
    dialect: Dialect, model: str, parameters: dict[str, Any], text: str
) -> None:
    body = body_of(dialect, model, **parameters)
    assert said(dialect, body) == ENGINE + text
    assert said(dialect, body, profile="2024") == text


@BOTH
@pytest.mark.parametrize(
    ("model", "parameters", "text"),
    [
        (
            "qwen-plus",
            {"response_format": JSON},
            "Json mode response is not supported when enable_thinking is true",
        ),
        (
            "qwen-plus",
            {"tools": [TOOL], "tool_choice": FORCED},
            "The tool_choice parameter does not support being set to required or object in thinking mode",
        ),
        (
            "qwen-plus",
            {"tools": [TOOL], "tool_choice": "required"},
            "The tool_choice parameter does not support being set to required or object in thinking mode",
        ),
    ],
)
def test_what_thinking_does_not_go_with_is_refused(
    dialect: Dialect, model: str, parameters: dict[str, Any], text: str
) -> None:
    body = body_of(dialect, model, enable_thinking=True, **parameters)
    if dialect == "native":
        assert said("native", body, stream=True) == ENGINE + text
    else:
        assert said("compatible", {**body, "stream": True}) == text


@BOTH
def test_thinking_does_not_continue_a_text(dialect: Dialect) -> None:
    messages = [USER, {"role": "assistant", "content": "春天", "partial": True}]
    assert said(dialect, body_of(dialect, "qwen-plus", messages)) is None
    found = said(dialect, body_of(dialect, "deepseek-v3.2", messages, enable_thinking=True))
    assert found == ENGINE + "Partial mode is not supported when enable_thinking is true"


@BOTH
def test_thinking_searches_only_in_a_stream(dialect: Dialect) -> None:
    draft = drafted(dialect, body_of(dialect, "deepseek-r1"))
    searching = replace(
        draft, model=replace(draft.model, search=True), parameters={"enable_search": True}, stream=False
    )
    with pytest.raises(ApiError, match="InvalidParameter/search-thinking-needs-stream"):
        judge(searching)
    judge(replace(searching, stream=True))


@BOTH
def test_logprobs_are_refused_by_a_model_without_them(dialect: Dialect) -> None:
    draft = drafted(dialect, body_of(dialect, logprobs=True))
    with pytest.raises(ApiError, match="InvalidParameter/logprobs-unsupported"):
        judge(replace(draft, model=replace(draft.model, logprobs=False)))


def test_required_tools_are_known_since_2025() -> None:
    body = native_body("qwen-max", tools=[TOOL], tool_choice="required", result_format="message")
    assert drafted("native", body).request().tool_choice == "required"
    found = said("native", body, profile="2024")
    assert found == 'tool_choice is one of the strings that should be ["none", "auto"]'


def test_native_tools_need_messages() -> None:
    body = native_body(tools=[TOOL], result_format="text")
    assert said("native", body) == "When 'tools' are provided, 'result_format' must be 'message'."
    assert said("native", native_body(tools=[TOOL])) is None


def test_audio_needs_a_stream() -> None:
    body = compatible_body("qwen-plus", modalities=["text", "audio"])
    assert said("compatible", body) == ENGINE + "'audio' output only support with stream=true"
    assert said("compatible", {**body, "stream": True}) is None


@BOTH
@pytest.mark.parametrize(
    ("messages", "parameters"),
    [
        ([{"role": "user", "content": "As JSON, please."}], {"response_format": JSON}),
        ([{"role": "system", "content": "json"}, USER], {"response_format": JSON}),
        ([USER], {"response_format": SCHEMA}),
        ([USER], {"response_format": {"type": "text"}}),
        ([USER], {"tools": [TOOL], "tool_choice": FORCED}),
        ([USER], {"tools": [TOOL], "tool_choice": "none"}),
        ([USER], {"tools": []}),
        ([USER], {"enable_search": True, "search_options": {"forced_search": True}}),
    ],
)
def test_what_goes_together_is_accepted(dialect: Dialect, messages: list[Any], parameters: dict[str, Any]) -> None:
    assert said(dialect, body_of(dialect, "qwen-plus", messages, **parameters)) is None
