"""From a body to the request of the domain, whatever the body is."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from orjson import loads as parse

from mockserver.dialects import compatible, native
from mockserver.dialects.draft import Draft, stops
from mockserver.errors import ApiError
from mockserver.generation import Message, ResponseFormat, Tool, ToolCall
from mockserver.profiles import PROFILES
from mockserver.rules import judge

NOW = PROFILES["2026"]
USER = {"role": "user", "content": "你好"}


def native_draft(given: Any = None, *, stream: bool = False, model: str = "qwen-max", **parameters: Any) -> Draft:
    body = {"model": model, "input": given or {"messages": [USER]}, "parameters": parameters}
    draft = native.read(body, stream=stream, profile=NOW)
    judge(draft)
    return draft


def compatible_draft(**fields: Any) -> Draft:
    draft = compatible.read({"model": "qwen-plus", "messages": [USER], **fields}, profile=NOW)
    judge(draft)
    return draft


def test_a_prompt_is_one_message_and_history_comes_before_it() -> None:
    request = native_draft({"prompt": "近吗", "history": [{"user": "公园", "bot": "在东"}]}).request()
    assert request.messages == (Message("user", "公园"), Message("assistant", "在东"), Message("user", "近吗"))
    assert request.from_prompt
    assert not native_draft().request().from_prompt


def test_formats_are_the_model_s_unless_asked_for() -> None:
    assert native_draft().request().result_format == "text"
    assert native_draft(result_format="message").request().result_format == "message"
    assert native_draft(model="qwen3-max").request().result_format == "message"
    assert native_draft(model="qwen3-max", result_format="text").request().result_format == "text"
    tools = [{"type": "function", "function": {"name": "weather"}}]
    assert native_draft(tools=tools).request().result_format == "message"
    assert compatible_draft().request().result_format == "message"


def test_a_native_stream_is_full_unless_the_model_or_thinking_says_otherwise() -> None:
    assert not native_draft(stream=True).request().incremental
    assert native_draft(stream=True, incremental_output=True).request().incremental
    assert native_draft(stream=True, model="qwen3-max").request().incremental
    assert native_draft(stream=True, model="qwen-plus", enable_thinking=True).request().incremental
    assert compatible_draft(stream=True).request().incremental


def test_parameters_arrive_as_they_were_given() -> None:
    request = compatible_draft(
        seed=7,
        max_tokens=5.0,
        n=2,
        stop=["。"],
        logprobs=True,
        top_logprobs=2,
        stream=True,
        stream_options={"include_usage": True},
        parallel_tool_calls=True,
        enable_search=True,
        response_format={"type": "json_schema", "json_schema": {"schema": {"type": "object"}}},
    ).request()
    assert (request.seed, request.max_tokens, type(request.max_tokens), request.n) == (7, 5, int, 2)
    assert (request.stop, request.top_logprobs, request.include_usage) == (("。",), 2, True)
    assert (request.parallel_tool_calls, request.search, request.stream) == (True, True, True)
    assert request.response_format == ResponseFormat("json_schema", {"type": "object"})


def test_text_that_reads_as_a_number_arrives_as_one() -> None:
    request = native_draft(max_tokens="12", seed="7.0", incremental_output="yes", stream=True).request()
    assert (request.max_tokens, request.seed, request.incremental) == (12, 7, True)


def test_tools_make_n_one_and_need_no_schema() -> None:
    function = {"name": "weather", "description": None, "parameters": "not a schema"}
    request = compatible_draft(n=3, tools=[{"type": "function", "function": function}]).request()
    assert (request.n, request.tools) == (1, (Tool("weather", "", {}),))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, "auto"),
        ("none", "none"),
        ("required", "required"),
        ({"type": "function", "function": {"name": "weather"}}, "weather"),
    ],
)
def test_a_tool_choice_is_a_word_or_a_name(choice: Any, expected: str) -> None:
    assert compatible_draft(tool_choice=choice).request().tool_choice == expected


def test_calls_and_answers_arrive() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "晴", "tool_call_id": "call_1", "name": "weather"},
    ]
    request = compatible_draft(messages=messages).request()
    assert request.messages[1].tool_calls == (ToolCall("call_1", "weather", "{}"),)
    assert request.messages[2] == Message("tool", "晴", tool_call_id="call_1", name="weather")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ()),
        ("", ()),
        ("。", ("。",)),
        (["a", ""], ("a",)),
        ([108386, 104307.0], ((108386,), (104307,))),
        ([[37763, 367], []], ((37763, 367),)),
    ],
)
def test_stops_are_texts_or_tokens(given: Any, expected: tuple[Any, ...]) -> None:
    assert repr(stops(given)) == repr(expected)


# Whatever the body is

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["user", "assistant", "tool", "system", "text", "message", "json_object", "json_schema"])
)
KEYS = st.sampled_from(
    [
        *("role", "content", "type", "function", "name", "arguments", "id", "tool_calls", "tool_call_id"),
        *("partial", "text", "image", "image_url", "schema", "json_schema", "user", "bot", "parameters"),
        *("include_usage", "description"),
    ]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
PARAMETERS = [
    *("temperature", "top_p", "top_k", "seed", "max_tokens", "max_completion_tokens", "max_input_tokens", "n"),
    *("repetition_penalty", "presence_penalty", "stop", "logprobs", "top_logprobs", "enable_thinking"),
    *("thinking_budget", "tools", "tool_choice", "parallel_tool_calls", "response_format", "enable_search"),
    *("search_options", "enable_code_interpreter", "result_format", "incremental_output", "stream"),
    *("stream_options", "modalities", "audio", "translation_options", "logit_bias", "user"),
]
STRANGE = st.dictionaries(st.sampled_from(PARAMETERS), JSON, max_size=4)
CALLS = st.lists(st.fixed_dictionaries({}, optional={"id": JSON, "type": JSON, "function": JSON}) | JSON, max_size=2)
TURNS = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "system"]) | JSON, "content": st.text(max_size=4) | JSON},
    optional={"tool_calls": CALLS | JSON, "tool_call_id": JSON, "name": JSON, "partial": JSON},
)
MESSAGES = st.lists(TURNS | JSON, max_size=4) | st.lists(TURNS, max_size=3).map(lambda turns: [*turns, USER]) | JSON
HISTORY = st.lists(st.fixed_dictionaries({}, optional={"user": JSON, "bot": JSON}), max_size=2) | JSON
INPUTS = (
    st.fixed_dictionaries({}, optional={"prompt": st.text() | JSON, "messages": MESSAGES, "history": HISTORY}) | JSON
)
MODELS = st.sampled_from(["qwen-max", "qwen-plus", "qwen3-32b", "qwq-plus", "qwen-long", "qwen3-coder-plus"]) | JSON
ERAS = st.sampled_from(sorted(PROFILES))


def through(body: Any, *, dialect: str, profile: str, stream: bool) -> None:
    """The way of a body to a request; only `ApiError` may end it early."""
    era = PROFILES[profile]
    try:
        parsed = parse(orjson.dumps(body))
        if dialect == "native":
            draft = native.read(parsed, stream=stream, profile=era)
        else:
            draft = compatible.read(parsed, profile=era)
        judge(draft)
    except ApiError:
        return
    request = draft.request()
    assert all(isinstance(message.content, str) for message in request.messages)
    assert isinstance(request.n, int)
    assert request.result_format in ("text", "message")


@given(
    body=st.fixed_dictionaries({}, optional={"model": MODELS, "input": INPUTS, "parameters": STRANGE | JSON}),
    profile=ERAS,
    stream=st.booleans(),
)
def test_no_native_body_is_more_than_refused(body: Any, profile: str, *, stream: bool) -> None:
    through(body, dialect="native", profile=profile, stream=stream)


@given(
    envelope=st.fixed_dictionaries({}, optional={"model": MODELS, "messages": MESSAGES}),
    parameters=STRANGE,
    profile=ERAS,
)
def test_no_compatible_body_is_more_than_refused(envelope: Any, parameters: Any, profile: str) -> None:
    through({**envelope, **parameters}, dialect="compatible", profile=profile, stream=False)


@given(parameters=STRANGE, stream=st.booleans(), profile=ERAS)
def test_no_parameters_beside_a_good_question_are_more_than_refused(
    parameters: Any, profile: str, *, stream: bool
) -> None:
    body = {"model": "qwen-plus", "input": {"messages": [USER]}, "parameters": parameters}
    through(body, dialect="native", profile=profile, stream=stream)
    chat = {"model": "qwen-plus", "messages": [USER], **parameters}
    through(chat, dialect="compatible", profile=profile, stream=False)


@given(turns=st.lists(TURNS, max_size=4), profile=ERAS)
def test_no_turns_around_a_good_question_are_more_than_refused(turns: Any, profile: str) -> None:
    messages = [*turns, USER]
    native_body = {"model": "qwen-plus", "input": {"messages": messages}}
    through(native_body, dialect="native", profile=profile, stream=False)
    through({"model": "qwen-plus", "messages": messages}, dialect="compatible", profile=profile, stream=False)
