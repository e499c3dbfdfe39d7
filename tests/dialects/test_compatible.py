"""The compatible answer, in one piece and as a stream."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.dialects import compatible
from mockserver.dialects.meta import Meta
from mockserver.engine import limits, tokenizer
from mockserver.errors import ApiError
from mockserver.generation import Choice, Completion, GenerationRequest, Message, Reply, ToolCall
from mockserver.models import models
from mockserver.profiles import PROFILES

NOW = Meta("d2d6aab7-cbca-970f-8aa6-7d58c9724733", 1770764906, PROFILES["2026"])
THEN = replace(NOW, profile=PROFILES["2024"])
CALL = ToolCall("call_1", "weather", '{"location": "San Francisco"}')
LINK = "For details, see: https://help.aliyun.com/zh/model-studio/error-code"


def asked(model: str = "qwen3-max", *, stream: bool = True, **fields: Any) -> GenerationRequest:
    return GenerationRequest("compatible", models("2026")[model], (Message("user", "?"),), stream=stream, **fields)


def completed(request: GenerationRequest, *replies: Reply, logprobs: bool = False) -> Completion:
    completion = limits.complete(request, replies, tokenizer.load(), limit=4000, input_tokens=18)
    if not logprobs:
        return completion
    return replace(completion, choices=tuple(map(with_logprobs, completion.choices)))


def with_logprobs(choice: Choice) -> Choice:
    return replace(choice, logprobs=tuple({"token": str(place)} for place in range(len(choice.text.ends))))


def chunks(request: GenerationRequest, *replies: Reply, meta: Meta = NOW, logprobs: bool = False) -> list[Any]:
    """The data of every chunk; framing, the end marker and what is the same in all are checked on the way."""
    prefix = meta.profile.compatible_data_prefix
    *frames, done = compatible.write_stream(completed(request, *replies, logprobs=logprobs), request, meta)
    assert done == prefix + b"[DONE]\n\n"
    found = []
    for frame in frames:
        assert frame.startswith(prefix + b"{")
        assert frame.endswith(b"}\n\n")
        data = frame[len(prefix) : -2]
        assert b"\n" not in data
        assert b"\r" not in data
        chunk = orjson.loads(data)
        assert list(chunk) == ["choices", "object", "usage", "created", "system_fingerprint", "model", "id"]
        found.append(chunk)
    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in found}) == 1
    return found


def one_piece(request: GenerationRequest, *replies: Reply, meta: Meta = NOW, logprobs: bool = False) -> Any:
    request = replace(request, stream=False)
    return orjson.loads(compatible.write(completed(request, *replies, logprobs=logprobs), request, meta))


def choices(found: Sequence[Any], index: int = 0) -> list[Any]:
    return [choice for chunk in found for choice in chunk["choices"] if choice["index"] == index]


def deltas(found: Sequence[Any], index: int = 0) -> list[Any]:
    return [choice["delta"] for choice in choices(found, index)]


def joined_calls(parts: Sequence[Any]) -> list[tuple[str, str, str]]:
    """Id, name and arguments of the calls that deltas add up to."""
    calls: dict[int, list[str]] = {}
    for part in parts:
        for call in part.get("tool_calls", ()):
            known = calls.setdefault(call["index"], ["", "", ""])
            known[0] += call["id"]
            known[1] += call["function"].get("name", "")
            known[2] += call["function"]["arguments"]
    return [(id_, name, arguments) for id_, name, arguments in calls.values()]


# Keys in order


def test_an_answer_in_one_piece_has_its_keys_in_order() -> None:
    found = one_piece(asked(thinking=True), Reply("答", "想", (CALL,)))
    assert list(found) == ["choices", "object", "usage", "created", "system_fingerprint", "model", "id"]
    (choice,) = found["choices"]
    assert list(choice) == ["message", "finish_reason", "index", "logprobs"]
    assert list(choice["message"]) == ["content", "reasoning_content", "role", "tool_calls"]
    assert list(choice["message"]["tool_calls"][0]) == ["function", "id", "index", "type"]
    assert list(choice["message"]["tool_calls"][0]["function"]) == ["arguments", "name"]
    assert list(found["usage"]) == [
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "completion_tokens_details",
        "prompt_tokens_details",
    ]
    assert found["id"] == f"chatcmpl-{NOW.request_id}"
    assert found["system_fingerprint"] is None


def test_an_answer_of_2024_knows_no_details() -> None:
    found = one_piece(asked(), Reply("答"), meta=THEN)
    assert list(found["choices"][0]["message"]) == ["role", "content"]
    assert list(found["usage"]) == ["prompt_tokens", "completion_tokens", "total_tokens"]
    assert (found["system_fingerprint"], found["id"]) == ("", "chatcmpl-d2d6aab7cbca970f8aa67d58c9724733")


def test_the_order_inside_a_choice_goes_by_its_place() -> None:
    found = choices(chunks(asked(), Reply("## The Festival of")))
    assert [list(choice) for choice in (*found[:3], found[-1])] == [
        ["delta", "index", "logprobs", "finish_reason"],
        ["finish_reason", "logprobs", "delta", "index"],
        ["delta", "finish_reason", "index", "logprobs"],
        ["finish_reason", "delta", "index", "logprobs"],
    ]
    assert [choice["delta"]["content"] for choice in found] == ["", "##", " The Festival", " of", ""]


def test_a_thinking_stream_has_both_texts_in_every_delta() -> None:
    found = deltas(chunks(asked(thinking=True), Reply("Hello", "We")))
    assert found == [
        {"content": None, "role": "assistant", "reasoning_content": ""},
        {"content": None, "reasoning_content": "We"},
        {"content": "Hello", "reasoning_content": None},
        {"content": "", "reasoning_content": None},
    ]


def test_a_call_comes_with_the_role_and_ends_twice() -> None:
    head = b'{"choices":[{"delta":{"content":null,"tool_calls":[{"index":0,"id":'
    request = asked()
    first, second, third, closing, last, done = compatible.write_stream(
        completed(request, Reply(tool_calls=(CALL,))), request, NOW
    )
    assert first.startswith(
        b"data: " + head + b'"call_1","type":"function","function":{"name":"weather","arguments":""}}],'
        b'"role":"assistant"},"finish_reason":null,"index":0,"logprobs":null}],'
    )
    assert second.startswith(
        b"data: " + head + b'"","type":"function","function":{"arguments":"{\\"location\\": \\"San Francisco"}}]},'
        b'"finish_reason":null,"index":0,"logprobs":null}],'
    )
    assert b'"function":{"arguments":"\\"}"}' in third
    assert closing.startswith(
        b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":""},"index":0,"id":"",'
        b'"type":"function"}]},"index":0}],'
    )
    assert last.startswith(b'data: {"choices":[{"finish_reason":"tool_calls","delta":{},"index":0,"logprobs":null}],')
    assert done == b"data: [DONE]\n\n"


def test_a_text_before_a_call_opens_the_stream_as_any_text() -> None:
    found = deltas(chunks(asked(), Reply("好", tool_calls=(CALL,))))
    assert found[0] == {"content": "", "role": "assistant"}
    assert [delta for delta in found if "role" in delta] == found[:1]
    assert found[-1] == {}


def test_usage_is_a_chunk_of_its_own_and_only_if_asked_for() -> None:
    reply = Reply("答")
    assert [chunk["usage"] for chunk in chunks(asked(), reply)] == [None] * 3
    *others, last = chunks(asked(include_usage=True), reply)
    assert [chunk["usage"] for chunk in others] == [None] * 3
    assert last["choices"] == []
    assert last["usage"] == {
        "prompt_tokens": 18,
        "completion_tokens": 1,
        "total_tokens": 19,
        "prompt_tokens_details": {"cached_tokens": 0},
    }


@pytest.mark.parametrize("text", ["文章讲了", ""])
def test_a_stream_of_2024_has_the_role_in_its_first_chunk(text: str) -> None:
    found = choices(chunks(asked(), Reply(text), meta=THEN))
    assert [list(choice) for choice in found] == [["delta", "finish_reason", "index", "logprobs"]] * len(found)
    assert [choice["delta"].get("role") for choice in found] == ["assistant"] + [None] * (len(found) - 1)
    assert [choice["finish_reason"] for choice in found] == ["null"] * (len(found) - 1) + ["stop"]


def test_a_finish_reason_of_a_test_s_own_is_written_as_json() -> None:
    found = chunks(asked(), Reply("好", finish_reason='"%b\n'))
    assert choices(found)[-1]["finish_reason"] == '"%b\n'


def test_logprobs_stand_beside_the_tokens_they_belong_to() -> None:
    text = "一二三四五六七八"
    found = choices(chunks(asked(thinking=True), Reply(text, "嗯"), logprobs=True))
    count = len(tokenizer.load().encode(text))
    shown = [len((state["logprobs"] or {"content": ()})["content"]) for state in found]
    told = [len(tokenizer.load().encode(state["delta"]["content"] or "")) for state in found]
    assert shown == told
    assert sum(shown) == count


# Streamed or not, it is one answer

TEXTS = st.text(max_size=60) | st.sampled_from(['"\\/\n\r\t\0', "\u2028\u2029\x7f\x85", "👩‍👩‍👧‍👦 🜚", "%b%d", "é"])
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
CALLS = st.lists(st.builds(ToolCall, WORDS, WORDS, TEXTS), max_size=3).map(tuple)
REPLIES = st.builds(Reply, TEXTS, TEXTS, CALLS)


@given(
    replies=st.lists(REPLIES, min_size=1, max_size=3),
    meta=st.sampled_from([NOW, THEN]),
    thinking=st.booleans(),
    logprobs=st.booleans(),
)
def test_deltas_and_one_piece_agree(replies: list[Reply], meta: Meta, *, thinking: bool, logprobs: bool) -> None:
    replies = replies if thinking else [replace(reply, reasoning="") for reply in replies]
    request = asked(n=len(replies), thinking=thinking, include_usage=True)
    found = chunks(request, *replies, meta=meta, logprobs=logprobs)
    whole = one_piece(request, *replies, meta=meta, logprobs=logprobs)
    assert found[-1]["usage"] == whole["usage"]
    for choice in whole["choices"]:
        message, parts = choice["message"], deltas(found, choice["index"])
        for key in ("content", "reasoning_content"):
            assert "".join(part.get(key) or "" for part in parts) == message.get(key, "")
        calls = [
            (call["id"], call["function"]["name"], call["function"]["arguments"])
            for call in message.get("tool_calls", ())
        ]
        assert joined_calls(parts) == calls
        assert [part["role"] for part in parts if "role" in part] == ["assistant"]
        assert choices(found, choice["index"])[-1]["finish_reason"] == choice["finish_reason"]
        told = [state.get("logprobs") or {} for state in choices(found, choice["index"])]
        shown = [each for logs in told for each in logs.get("content", ())]
        assert shown == (choice["logprobs"] or {}).get("content", [])


# Refusals

# error, stream, status, content type, body in 2026
REFUSALS = [
    (
        "InvalidApiKey",
        True,
        401,
        compatible.JSON,
        (
            '{"error":{"message":"Incorrect API key provided. %s#apikey-error","type":"invalid_request_error",'
            '"param":null,"code":"invalid_api_key"},"request_id":"ID"}'
        ),
    ),
    (
        "Throttling.RateQuota",
        True,
        429,
        compatible.JSON,
        (
            '{"error":{"message":"You have exceeded your current request limit. %s#rate-limit",'
            '"type":"limit_requests","param":null,"code":"limit_requests"},"request_id":"ID"}'
        ),
    ),
    (
        "Throttling.AllocationQuota",
        True,
        429,
        compatible.JSON,
        (
            '{"error":{"code":"insufficient_quota","message":"You exceeded your current quota, please check your plan '
            'and billing details. %s#token-limit","param":null,"type":"insufficient_quota"},"request_id":"ID"}'
        ),
    ),
    (
        "Arrearage",
        False,
        400,
        compatible.JSON,
        (
            '{"error":{"message":"Access denied, please make sure your account is in good standing. '
            '%s#overdue-payment","type":"Arrearage","param":null,"code":"Arrearage"},"id":"chatcmpl-ID",'
            '"request_id":"ID"}'
        ),
    ),
    (
        "InvalidParameter/n-range",
        False,
        400,
        compatible.JSON,
        (
            '{"error":{"message":"<400> InternalError.Algo.InvalidParameter: Range of n should be [1, 4]",'
            '"type":"invalid_request_error","param":null,"code":"invalid_parameter_error"},"id":"chatcmpl-ID",'
            '"request_id":"ID"}'
        ),
    ),
    (
        "DataInspectionFailed/input-text",
        True,
        400,
        compatible.SSE,
        (
            'data: {"error":{"code":"data_inspection_failed","param":null,"message":"Input text data may contain '
            'inappropriate content.","type":"data_inspection_failed"},"id":"chatcmpl-ID"}\n\n'
        ),
    ),
    (
        "InvalidParameter/body-invalid",
        True,
        400,
        compatible.JSON,
        (
            '{"error":{"message":"Required body invalid, please check the request body format.",'
            '"type":"invalid_request_error"}}'
        ),
    ),
    ("NotFound", False, 404, b"", ""),
]


@pytest.mark.parametrize(("error", "stream", "status", "content_type", "body"), REFUSALS)
def test_every_layer_refuses_in_its_own_shape(
    error: str, status: int, content_type: bytes, body: str, *, stream: bool
) -> None:
    said = compatible.write_error(ApiError(error), NOW, stream=stream)
    expected = body.replace("%s", LINK).replace("ID", NOW.request_id)
    assert (said.status, said.content_type, said.body.decode()) == (status, content_type, expected)


def test_the_engine_refused_in_plain_words_in_2024() -> None:
    said = compatible.write_error(ApiError("InvalidParameter/n-range"), THEN, stream=True)
    assert (said.status, said.content_type) == (400, compatible.JSON)
    assert said.body == (
        b'{"error":{"message":"Range of n should be [1, 4]","type":"invalid_request_error","param":null,'
        b'"code":"invalid_parameter_error"}}'
    )


@pytest.mark.parametrize(
    ("body", "status", "code", "text"),
    [
        ({}, 400, None, "you must provide a model parameter"),
        ({"model": ""}, 400, None, "you must provide a model parameter"),
        (
            {"model": "Qwen-Plus"},
            404,
            "model_not_found",
            "The model `Qwen-Plus` does not exist or you do not have access to it.",
        ),
        (
            {"model": "qwen-audio-turbo"},
            404,
            "model_not_supported",
            "Unsupported model `qwen-audio-turbo` for OpenAI compatibility mode.",
        ),
    ],
)
def test_a_model_is_looked_for_first(body: dict[str, Any], status: int, code: str | None, text: str) -> None:
    with pytest.raises(ApiError) as caught:
        compatible.read(body, profile=NOW.profile)
    said = compatible.write_error(caught.value, NOW, stream=False)
    error = orjson.loads(said.body)["error"]
    assert (said.status, error["code"], error["message"]) == (status, code, text)
