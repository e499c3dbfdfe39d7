"""Requests as other clients send them, imitated byte for byte where it matters.

Each was seen on the wire, or reported by users of the client. Each has to work, or to be refused as it is
by the service.
"""

from typing import Any

import pytest

from clients.raw import CHAT, FILES, FORM, GENERATION, RawClient, form
from clients.samples import DOCUMENT, MESSAGES, TOOLS, WEATHER_TOOL

MESSAGE = {"result_format": "message"}


def native(**parameters: Any) -> dict[str, Any]:
    """A native request for a message."""
    return {"model": "qwen-plus", "input": {"messages": MESSAGES}, "parameters": MESSAGE | parameters}


def chat(**fields: Any) -> dict[str, Any]:
    """A compatible request."""
    return {"model": "qwen-plus", "messages": MESSAGES} | fields


@pytest.fixture
def reply(raw: RawClient) -> str:
    """What the model says to a plain request."""
    return str(raw.post(GENERATION, native()).json["output"]["choices"][0]["message"]["content"])


# Native


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"tools": None}, id="llama-index, asynchronous"),
        pytest.param({"kwargs": {}}, id="llama-index, stream_complete"),
        pytest.param({"stream": False, "enable_search": False}, id="LangChain.js"),
        pytest.param({"incremental_output": False}, id="agentscope 1"),
        pytest.param({"top_p": 0.8}, id="ChatTongyi"),
        pytest.param({"workspace": "ws-1"}, id="dashscope 1.14"),
        pytest.param({"output_in_full": True}, id="a sample of the documents"),
        pytest.param({"stream": True}, id="a parameter that only looks like a switch"),
    ],
)
def test_parameters_nobody_needs_change_nothing(raw: RawClient, reply: str, parameters: Any) -> None:
    answer = raw.post(GENERATION, native(**parameters))
    assert not answer.is_stream
    assert answer.json["output"]["choices"][0]["message"]["content"] == reply


def test_langchain_js_gets_messages_answered_as_text(raw: RawClient, reply: str) -> None:
    answer = raw.post(GENERATION, native(result_format="text", stream=False))
    assert answer.json["output"]["text"] == reply


def test_llama_index_streams_with_no_tools(raw: RawClient, reply: str) -> None:
    body = native(tools=None, incremental_output=True)
    events = list(raw.post(GENERATION, body, Accept="text/event-stream", X_DashScope_SSE="enable").data())
    assert "".join(event["output"]["choices"][0]["message"]["content"] for event in events) == reply


def test_dashscope4j_says_disable_and_gets_json(raw: RawClient) -> None:
    assert not raw.post(GENERATION, native(), X_DashScope_SSE="disable").is_stream


@pytest.mark.parametrize("header", [False, True], ids=["without the header", "with the header"])
def test_dashscope_node_says_stream_in_the_body_but_only_the_header_counts(raw: RawClient, header: bool) -> None:
    headers = {"X_DashScope_SSE": "enable"} if header else {}
    assert raw.post(GENERATION, native() | {"stream": True}, Accept="*/*", **headers).is_stream is header


def test_the_java_sdk_leaves_empty_parameters_out(raw: RawClient) -> None:
    headers = {"Accept": "application/json", "Content_Type": "application/json; charset=utf-8"}
    answer = raw.post(GENERATION, {"model": "qwen-max", "input": {"messages": MESSAGES}}, **headers)
    assert answer.json["output"]["text"]


def test_the_java_sdk_streams_with_cache_control(raw: RawClient) -> None:
    headers = {"Cache_Control": "no-cache", "Accept": "text/event-stream", "X_Accel_Buffering": "no"}
    assert raw.post(GENERATION, native(), X_DashScope_SSE="enable", **headers).is_stream


def test_dashscope_up_to_1_24_escapes_its_json(raw: RawClient) -> None:
    """Raw and escaped UTF-8 are the same question."""
    raw_text = '{"model":"qwen-max","parameters":{},"input":{"prompt":"请问 1+1 是多少？"}}'
    escaped = raw_text.encode("ascii", "backslashreplace")
    answers = [raw.post(GENERATION, body).json for body in (raw_text.encode(), escaped)]
    assert answers[0]["output"] == answers[1]["output"]
    assert answers[1]["usage"]["input_tokens"] == 16


@pytest.mark.parametrize("said", [{"content": ""}, {}], ids=["empty", "left out"])
def test_an_assistant_that_called_tools_may_have_no_content(raw: RawClient, said: dict[str, str]) -> None:
    asked = raw.post(GENERATION, native(tools=TOOLS)).json["output"]["choices"][0]["message"]
    called = {"role": "assistant", "tool_calls": asked["tool_calls"]} | said
    result = {"role": "tool", "content": "sunny", "tool_call_id": asked["tool_calls"][0]["id"]}
    body = native(tools=TOOLS) | {"input": {"messages": [*MESSAGES, called, result]}}
    choice = raw.post(GENERATION, body).json["output"]["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"]


def test_qwen_agent_names_no_tool_call_id(raw: RawClient) -> None:
    call = {"name": "get_weather", "arguments": '{"city": "Hangzhou"}'}
    called = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "1", "type": "function", "function": call}],
    }
    result = {
        "role": "tool",
        "content": "sunny",
        "name": "get_weather",
        "id": "1",
        "extra": {"function_id": "1"},
    }
    parameters = {"tools": [WEATHER_TOOL], "incremental_output": True, "seed": 1234567}
    body = native(**parameters) | {"input": {"messages": [*MESSAGES, called, result]}}
    answer = raw.post(GENERATION, body, X_DashScope_SSE="enable")
    assert list(answer.data())[-1]["output"]["choices"][0]["finish_reason"] == "stop"


def test_a_tool_call_comes_with_empty_content_and_not_null(raw: RawClient) -> None:
    """llama-index and ChatTongyi break on null."""
    headers = {"X_DashScope_SSE": "enable"}
    events = list(raw.post(GENERATION, native(tools=TOOLS, incremental_output=True), **headers).data())
    messages = [event["output"]["choices"][0]["message"] for event in events]
    assert {message["content"] for message in messages} == {""}


def test_headers_of_the_sdks_are_accepted(raw: RawClient) -> None:
    headers = {
        "X_DashScope_WorkSpace": "ws-1",
        "X_DashScope_DataInspection": '{"input":"cip","output":"cip"}',
        "X_DashScope_Plugin": "{}",
        "x_dashscope_sdk_client": "python-sdk/2.0.2/aigc",
        "x_dashscope_sdk_session_id": "0123",
        "User_Agent": "dashscope/1.27.8; python/3.11.7; platform/x; processor/; incremental_to_full/0",
    }
    assert raw.post(GENERATION, native(), **headers).status == 200


# Compatible


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"stream": False}, id="several: stream said to be off"),
        pytest.param({"enable_thinking": False}, id="agentscope 2"),
        pytest.param({"extra_body": {"enable_thinking": False}}, id="qwen-ai-provider-v5, extra_body on the wire"),
        pytest.param({"parallel_tool_calls": True}, id="langchain-qwq"),
    ],
)
def test_fields_nobody_needs_change_nothing(raw: RawClient, reply: str, fields: Any) -> None:
    assert raw.post(CHAT, chat(**fields)).json["choices"][0]["message"]["content"] == reply


def test_qwen_ai_provider_sends_temperature_zero(raw: RawClient) -> None:
    assert raw.post(CHAT, chat(temperature=0)).status == 200


def test_agentscope_sends_text_as_parts(raw: RawClient, reply: str) -> None:
    parts = [{"role": "user", "content": [{"type": "text", "text": MESSAGES[0]["content"]}]}]
    options = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = list(raw.post(CHAT, chat(messages=parts, **options)).data())
    assert "".join(choice["delta"]["content"] for chunk in chunks for choice in chunk["choices"]) == reply
    assert chunks[-1]["usage"]["prompt_tokens"] == 16


@pytest.mark.parametrize("said", [{"content": None}, {"content": ""}, {}], ids=["null", "empty", "left out"])
def test_langchain_and_the_ai_sdk_repeat_tool_calls_without_content(raw: RawClient, said: Any) -> None:
    called = raw.post(CHAT, chat(tools=TOOLS)).json["choices"][0]["message"]["tool_calls"]
    result = {"role": "tool", "content": "sunny", "tool_call_id": called[0]["id"]}
    messages = [*MESSAGES, {"role": "assistant", "tool_calls": called} | said, result]
    choice = raw.post(CHAT, chat(messages=messages, tools=TOOLS)).json["choices"][0]
    assert (choice["finish_reason"], bool(choice["message"]["content"])) == ("stop", True)


def test_pydantic_ai_requires_a_strict_tool(raw: RawClient) -> None:
    strict = WEATHER_TOOL | {"function": WEATHER_TOOL["function"] | {"strict": True}}
    answer = raw.post(CHAT, chat(tools=[strict], tool_choice="required"))
    [call] = answer.json["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"arguments": '{"city": "Hangzhou"}', "name": "get_weather"}


def test_openai_js_4_ends_its_form_with_an_extra_line(raw: RawClient) -> None:
    answer = raw.post(FILES, form(DOCUMENT, tail="\r\n"), Content_Type=FORM)
    assert answer.status == 200
    assert answer.json["bytes"] == len(DOCUMENT)


def test_a_file_name_may_be_chinese(raw: RawClient) -> None:
    answer = raw.post(FILES, form(DOCUMENT, filename="说明书.txt"), Content_Type=FORM)
    assert answer.json["filename"] == "说明书.txt"


def test_json_is_gzipped_for_those_who_ask(raw: RawClient, reply: str) -> None:
    answer = raw.post(CHAT, chat(), Accept_Encoding="gzip, deflate, br")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json["choices"][0]["message"]["content"] == reply


def test_an_event_stream_is_not_gzipped(raw: RawClient) -> None:
    answer = raw.post(CHAT, chat(stream=True), Accept_Encoding="gzip, deflate, br")
    assert "content-encoding" not in answer.headers


# Both


@pytest.mark.parametrize("path", [GENERATION, CHAT], ids=["native", "compatible"])
@pytest.mark.parametrize(
    "authorization",
    ["Bearer EMPTY", "Bearer ", "Bearer", "", None, "sk-without-bearer"],
    ids=["EMPTY", "trailing blank", "alone", "empty", "none", "no scheme"],
)
def test_a_key_that_is_none_is_refused(raw: RawClient, path: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = raw.send("POST", path, b"{}", headers)
    assert answer.status == 401
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    message = answer.json["message"] if path == GENERATION else answer.json["error"]["message"]
    assert "key" in message.lower()


def test_a_blank_after_the_key_is_not_part_of_it(raw: RawClient) -> None:
    headers = {"Authorization": f"Bearer {raw.key} ", "Content-Type": "application/json"}
    assert raw.send("GET", "/compatible-mode/v1/models", None, headers).status == 200


def test_both_dialects_say_the_same(raw: RawClient, reply: str) -> None:
    assert raw.post(CHAT, chat()).json["choices"][0]["message"]["content"] == reply
