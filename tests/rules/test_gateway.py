"""What must be a stream, and what thinking needs. The gateway's messages have no prefix."""

from typing import Any

import pytest
from refusals import ENGINE, Dialect, body_of, compatible_body, native_body, refusal, said

BOTH = pytest.mark.parametrize("dialect", ["native", "compatible"])
NEEDS_STREAM = "parameter.enable_thinking must be set to false for non-streaming calls"
STREAM_ONLY = "This model only support stream mode, please enable the stream parameter to access the model."
RESTRICTED = "The value of the enable_thinking parameter is restricted to True."


def streamed(dialect: Dialect, model: str, **parameters: Any) -> str | None:
    if dialect == "native":
        return said("native", native_body(model, **parameters), stream=True)
    return said("compatible", compatible_body(model, stream=True, **parameters))


@BOTH
@pytest.mark.parametrize(
    ("model", "parameters", "text"),
    [
        ("qwen-plus", {"enable_thinking": True}, NEEDS_STREAM),
        ("qwen3-32b", {}, NEEDS_STREAM),
        ("qwen-max", {"enable_thinking": True}, "The model qwen-max does not support enable_thinking."),
        ("deepseek-r1", {"enable_thinking": False}, RESTRICTED),
    ],
)
def test_thinking_is_refused_in_one_piece(dialect: Dialect, model: str, parameters: dict[str, Any], text: str) -> None:
    assert said(dialect, body_of(dialect, model, **parameters)) == text


@BOTH
@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("qwen-plus", {}),
        ("qwen-plus", {"enable_thinking": False}),
        ("qwen3-32b", {"enable_thinking": False}),
        ("deepseek-v3.2", {"enable_thinking": True}),
        ("deepseek-r1", {}),
        ("deepseek-r1", {"enable_thinking": True}),
        ("qwen-max", {"enable_thinking": False}),
    ],
)
def test_what_does_not_think_or_may_think_in_one_piece_is_accepted(
    dialect: Dialect, model: str, parameters: dict[str, Any]
) -> None:
    assert said(dialect, body_of(dialect, model, **parameters)) is None


@BOTH
@pytest.mark.parametrize("model", ["qwen-plus", "qwen3-32b", "qwq-plus"])
def test_thinking_is_accepted_in_a_stream(dialect: Dialect, model: str) -> None:
    assert streamed(dialect, model, enable_thinking=True) is None


def test_some_models_only_stream() -> None:
    assert said("native", native_body("qwq-plus")) == f"{ENGINE}{STREAM_ONLY} "
    assert said("native", native_body("qwq-plus"), profile="2024") == f"{STREAM_ONLY} "
    assert said("compatible", compatible_body("qwq-plus")) == STREAM_ONLY


@BOTH
def test_a_thinker_cannot_be_switched_off(dialect: Dialect) -> None:
    assert streamed(dialect, "qwq-plus", enable_thinking=False) == RESTRICTED


@pytest.mark.parametrize(
    ("model", "parameters", "text"),
    [
        (
            "qwen-plus",
            {"enable_thinking": True, "incremental_output": False},
            'The incremental_output parameter must be "true" when enable_thinking is true',
        ),
        (
            "qwq-plus",
            {"incremental_output": False},
            "The incremental_output parameter of this model cannot be set to False.",
        ),
        (
            "qwen-plus",
            {"enable_thinking": True, "result_format": "text"},
            'The result_format parameter must be "message" when enable_thinking is true',
        ),
    ],
)
def test_native_thinking_is_incremental_and_a_message(model: str, parameters: dict[str, Any], text: str) -> None:
    assert streamed("native", model, **parameters) == text
    assert streamed("compatible", model, **parameters) is None


def test_a_model_that_thinks_by_itself_overlooks_the_text_format() -> None:
    assert streamed("native", "qwen3-32b", result_format="text") is None


def test_the_gateway_speaks_before_types_and_hears_words_that_read_as_booleans() -> None:
    both: dict[str, Any] = {"enable_thinking": True, "top_p": "a"}
    assert said("native", native_body(**both)) == NEEDS_STREAM
    assert said("native", native_body(enable_thinking="true")) == NEEDS_STREAM
    assert said("native", native_body("qwen3-32b", enable_thinking="no")) is None
    unreadable = "Input should be a valid boolean, unable to interpret input: parameters.enable_thinking"
    assert said("native", native_body(enable_thinking="maybe")) == ENGINE + unreadable


def test_a_refusal_of_the_gateway_in_a_compatible_answer() -> None:
    refused = refusal("compatible", compatible_body(enable_thinking=True))
    assert refused is not None
    assert (refused.status, refused.content_type) == (400, b"application/json")
    assert refused.body == (
        b'{"error":{"message":"%b","type":"invalid_request_error","param":null,'
        b'"code":"invalid_parameter_error"},"id":"chatcmpl-<uuid>","request_id":"<uuid>"}' % NEEDS_STREAM.encode()
    )
