"""The native answer, in one piece and as a stream."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.dialects import native
from mockserver.dialects.meta import Meta
from mockserver.engine import limits, tokenizer
from mockserver.errors import ApiError
from mockserver.generation import Choice, Completion, GenerationRequest, Message, Reply, Tool, ToolCall
from mockserver.models import models
from mockserver.profiles import PROFILES

NOW = Meta("5b441aa7-0b9c-9fbc-ae0a-e2b212b71eac", 1770764906, PROFILES["2026"])
THEN = replace(NOW, profile=PROFILES["2024"])
WEATHER = Tool("weather", "", {})
CALL = ToolCall("call_1", "weather", '{"location": "杭州"}')


def asked(model: str = "qwen-max", *, stream: bool = True, **fields: Any) -> GenerationRequest:
    given = {"incremental": True, **fields}
    return GenerationRequest("native", models("2026")[model], (Message("user", "?"),), stream=stream, **given)


def completed(request: GenerationRequest, *replies: Reply, logprobs: bool = False) -> Completion:
    completion = limits.complete(request, replies, tokenizer.load(), limit=4000, input_tokens=16)
    if not logprobs:
        return completion
    return replace(completion, choices=tuple(map(with_logprobs, completion.choices)))


def with_logprobs(choice: Choice) -> Choice:
    return replace(choice, logprobs=tuple({"token": str(place)} for place in range(len(choice.text.ends))))


def events(request: GenerationRequest, *replies: Reply, meta: Meta = NOW, logprobs: bool = False) -> list[Any]:
    """The data of every event of the stream; the frame around it is checked on the way."""
    found = []
    completion = completed(request, *replies, logprobs=logprobs)
    for number, frame in enumerate(native.write_stream(completion, request, meta), start=1):
        head = f"id:{number}\nevent:result\n:HTTP_STATUS/200\ndata:".encode()
        assert frame.startswith(head)
        assert frame.endswith(b"\n\n")
        data = frame[len(head) : -2]
        assert b"\n" not in data
        assert b"\r" not in data
        found.append(orjson.loads(data))
    return found


def one_piece(request: GenerationRequest, *replies: Reply, meta: Meta = NOW, logprobs: bool = False) -> Any:
    request = replace(request, stream=False)
    return orjson.loads(native.write(completed(request, *replies, logprobs=logprobs), request, meta))


def choices(found: Sequence[Any], index: int = 0) -> list[Any]:
    """The states of one choice."""
    return [choice for event in found for choice in event["output"]["choices"] if choice.get("index", 0) == index]


def messages(found: Sequence[Any], index: int = 0) -> list[Any]:
    return [choice["message"] for choice in choices(found, index)]


def joined_calls(deltas: Sequence[Any]) -> list[tuple[str, str, str]]:
    """Id, name and arguments of the calls that incremental deltas add up to."""
    calls: dict[int, list[str]] = {}
    for message in deltas:
        for call in message.get("tool_calls", ()):
            known = calls.setdefault(call["index"], ["", "", ""])
            known[0] += call["id"]
            known[1] += call["function"].get("name", "")
            known[2] += call["function"]["arguments"]
    return [(id_, name, arguments) for id_, name, arguments in calls.values()]


# Keys in order


def test_a_message_in_one_piece_has_its_keys_in_order() -> None:
    request = asked(stream=False, tools=(WEATHER,))
    found = one_piece(request, Reply(tool_calls=(CALL,)))
    assert list(found) == ["output", "usage", "request_id"]
    (choice,) = found["output"]["choices"]
    assert list(choice) == ["finish_reason", "message"]
    assert list(choice["message"]) == ["role", "tool_calls", "content"]
    assert list(choice["message"]["tool_calls"][0]) == ["function", "index", "id", "type"]
    assert choice["message"]["content"] == ""


def test_usage_says_what_the_era_says() -> None:
    request = asked(stream=False, thinking=True)
    reply = Reply("答", "想")
    assert one_piece(request, reply)["usage"] == {
        "total_tokens": 23,
        "output_tokens": 7,
        "input_tokens": 16,
        "output_tokens_details": {"reasoning_tokens": 1},
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    assert list(one_piece(request, reply, meta=THEN)["usage"]) == ["total_tokens", "output_tokens", "input_tokens"]
    streamed = events(replace(request, stream=True), reply, meta=THEN)
    assert list(streamed[0]["usage"]) == ["total_tokens", "input_tokens", "output_tokens"]


def test_a_search_is_billed_with_the_plugins() -> None:
    usage = one_piece(asked(stream=False, search=True), Reply("答"))["usage"]
    assert list(usage) == ["total_tokens", "output_tokens", "input_tokens", "plugins", "prompt_tokens_details"]
    assert usage["plugins"] == {"search": {"count": 1, "strategy": "turbo"}}


def test_thinking_keeps_both_texts_in_every_event() -> None:
    found = events(asked(thinking=True), Reply("好的", "嗯"))
    assert [list(message) for message in messages(found)] == [["content", "reasoning_content", "role"]] * len(found)
    assert [message["reasoning_content"] for message in messages(found)] == ["嗯", "", ""]
    assert [message["content"] for message in messages(found)] == ["", "好的", ""]
    assert [choice["finish_reason"] for choice in choices(found)] == ["null", "null", "stop"]
    assert [event["usage"]["output_tokens"] for event in found] == [3, 7, 7]


def test_an_index_comes_with_several_answers_and_since_2025_with_tools() -> None:
    keys = ["message", "finish_reason"]
    several = events(asked(n=2), Reply("好"), Reply("是"))
    assert [choice["index"] for event in several for choice in event["output"]["choices"]] == [0, 1, 0, 1]
    assert list(choices(events(asked(tools=(WEATHER,)), Reply("好")))[0]) == [keys[0], "index", keys[1]]
    assert list(choices(events(asked(tools=(WEATHER,)), Reply("好"), meta=THEN))[0]) == keys
    assert list(choices(events(asked(), Reply("好")))[0]) == keys


@pytest.mark.parametrize(
    ("choice", "expected"), [("auto", "tool_calls"), ("required", "tool_calls"), ("weather", "stop")]
)
def test_a_forced_call_ends_with_stop(choice: str, expected: str) -> None:
    request = asked(tools=(WEATHER,), tool_choice=choice)
    found = events(request, Reply(tool_calls=(CALL,)))
    assert [state["finish_reason"] for state in choices(found)] == ["null"] * (len(found) - 1) + [expected]
    assert one_piece(request, Reply(tool_calls=(CALL,)))["output"]["choices"][0]["finish_reason"] == expected


def test_a_call_without_arguments_is_one_event() -> None:
    call = ToolCall("call_1", "weather", "")
    (found,) = events(asked(tools=(WEATHER,)), Reply(tool_calls=(call,)))
    assert found["output"]["choices"][0]["message"]["tool_calls"] == [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    ]


def test_an_empty_answer_is_one_event() -> None:
    (found,) = events(asked(result_format="text"), Reply(""))
    assert found["output"] == {"finish_reason": "stop", "text": ""}


def test_a_finish_reason_of_a_test_s_own_is_written_as_json() -> None:
    found = events(asked(), Reply("好", finish_reason='"%b\n'))
    assert choices(found)[-1]["finish_reason"] == '"%b\n'


@pytest.mark.parametrize(
    ("model", "profile", "expected"),
    [
        ("qwen-max", "2026", [2, 3, 4, 6, 10, 14]),
        ("qwen-plus", "2026", [1, 2, 3, 4, 8, 12]),
        ("qwen3.6-plus", "2026", [10, 20, 30, 40, 50, 60]),
        ("qwen-max", "2024", [1, 2, 3, 8, 16, 24]),
        ("qwen-long", "2024", [1, 2, 3, 8, 16, 24]),
    ],
)
def test_a_stream_is_sliced_as_the_model_does_it(model: str, profile: str, expected: list[int]) -> None:
    found = events(asked(model), Reply("你" * 200), meta=replace(NOW, profile=PROFILES[profile]))
    assert [event["usage"]["output_tokens"] for event in found][:6] == expected


def test_logprobs_stand_beside_the_tokens_they_belong_to() -> None:
    found = events(asked("qwen-plus", thinking=True), Reply("一二三四五六", "嗯"), logprobs=True)
    shown = [len(state.get("logprobs", {}).get("content", ())) for state in choices(found)]
    billed = [event["usage"]["output_tokens"] for event in found]
    assert shown == [0, 1, *(after - before for before, after in pairwise(billed[1:]))]
    assert sum(shown) == len(tokenizer.load().encode("一二三四五六"))


# The four modes say the same

TEXTS = st.text(max_size=60) | st.sampled_from(['"\\/\n\r\t\0', "\u2028\u2029\x7f\x85", "👩‍👩‍👧‍👦 🜚", "%b%d", "é"])
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
CALLS = st.lists(st.builds(ToolCall, WORDS, WORDS, TEXTS), max_size=3).map(tuple)
REPLIES = st.builds(Reply, TEXTS, TEXTS, CALLS)
MODELS = st.sampled_from(["qwen-max", "qwen-plus", "qwen3.6-plus"])
METAS = st.sampled_from([NOW, THEN])


@given(
    replies=st.lists(REPLIES, min_size=1, max_size=3),
    model=MODELS,
    meta=METAS,
    thinking=st.booleans(),
    logprobs=st.booleans(),
)
def test_deltas_full_texts_and_one_piece_agree(
    replies: list[Reply], model: str, meta: Meta, *, thinking: bool, logprobs: bool
) -> None:
    replies = replies if thinking else [replace(reply, reasoning="") for reply in replies]
    request = asked(model, n=len(replies), thinking=thinking, tools=(WEATHER,))
    deltas = events(request, *replies, meta=meta, logprobs=logprobs)
    full = events(replace(request, incremental=False), *replies, meta=meta, logprobs=logprobs)
    whole = one_piece(request, *replies, meta=meta, logprobs=logprobs)
    for index, choice in enumerate(whole["output"]["choices"]):
        message = choice["message"]
        parts, last = messages(deltas, index), messages(full, index)[-1]
        for key in ("content", "reasoning_content") if thinking else ("content",):
            assert "".join(part[key] for part in parts) == last[key] == message[key]
        calls = [
            (call["id"], call["function"]["name"], call["function"]["arguments"])
            for call in message.get("tool_calls", ())
        ]
        assert joined_calls(parts) == joined_calls([last]) == calls
        assert choices(deltas, index)[-1]["finish_reason"] == choice["finish_reason"]
        shown = [each for state in choices(deltas, index) for each in state.get("logprobs", {}).get("content", ())]
        assert shown == choice.get("logprobs", {}).get("content", [])
    assert deltas[-1]["usage"]["output_tokens"] == whole["usage"]["output_tokens"]
    assert [event["usage"] for event in deltas] == [event["usage"] for event in full]


@given(reply=TEXTS.map(Reply), meta=METAS)
def test_the_text_format_agrees_with_itself(reply: Reply, meta: Meta) -> None:
    request = asked(result_format="text")
    deltas = events(request, reply, meta=meta)
    full = events(replace(request, incremental=False), reply, meta=meta)
    whole = one_piece(request, reply, meta=meta)["output"]["text"]
    assert "".join(event["output"]["text"] for event in deltas) == full[-1]["output"]["text"] == whole
    grown = [event["output"]["text"] for event in full]
    assert all(after.startswith(before) for before, after in pairwise(grown))


def test_a_full_stream_escapes_every_character_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events repeat the text so far; to escape it anew in each would take as long as the square of its length."""
    escaped: list[str] = []

    def dumps(value: object) -> bytes:
        escaped.extend([value] if isinstance(value, str) else ())
        return orjson.dumps(value)

    monkeypatch.setattr("mockserver.dialects.native_stream.orjson", SimpleNamespace(dumps=dumps))
    text = '"\n"' * 500
    for result_format in ("text", "message"):
        escaped.clear()
        found = events(asked(result_format=result_format, incremental=False), Reply(text))
        assert len(found) > 50
        assert "".join(part for part in escaped if part != "stop") == text


# Refusals


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        ("InvalidApiKey", 401, '{"code":"InvalidApiKey","message":"Invalid API-key provided.","request_id":"%s"}'),
        (
            "Arrearage",
            400,
            (
                '{"request_id":"%s","code":"Arrearage","type":"Arrearage","message":"Access denied, please make '
                "sure your account is in good standing. For details, see: "
                'https://help.aliyun.com/zh/model-studio/error-code#overdue-payment"}'
            ),
        ),
        (
            "InvalidParameter/url-error",
            400,
            (
                '{"request_id":"%s","code":"InvalidParameter","message":"url error, please check url！ For details, '
                'see: https://help.aliyun.com/zh/model-studio/error-code#error-url"}'
            ),
        ),
    ],
)
def test_the_layer_that_refuses_orders_the_keys(error: str, status: int, body: str) -> None:
    said = native.write_error(ApiError(error), NOW, stream=False)
    assert (said.status, said.content_type) == (status, b"application/json")
    assert said.body.decode() == body % NOW.request_id


@pytest.mark.parametrize(
    ("error", "status", "content_type", "head"),
    [
        ("InvalidApiKey", 401, native.JSON, ""),
        ("InvalidParameter/n-range", 200, native.SSE, "id:1\nevent:error\n:HTTP_STATUS/400\ndata:"),
        ("InvalidParameter/model-not-exist", 200, native.SSE, "id:1\nevent:error\n:HTTP_STATUS/400\ndata:"),
        ("Arrearage", 400, native.SSE, "id:1\nevent:error\n:HTTP_STATUS/400\ndata:"),
        ("Model.AccessDenied", 403, native.SSE, "id:1\nevent:error\n:HTTP_STATUS/403\ndata:"),
        ("Throttling.RateQuota", 429, native.SSE, "id:1\nevent:error\n:HTTP_STATUS/429\ndata:"),
        ("Throttling.AllocationQuota", 429, native.SSE, "id:1\nevent:error\n:HTTP_STATUS/429\ndata:"),
    ],
)
def test_a_refused_stream_is_framed_by_what_refuses(error: str, status: int, content_type: bytes, head: str) -> None:
    said = native.write_error(ApiError(error), NOW, stream=True)
    assert (said.status, said.content_type) == (status, content_type)
    assert said.body.decode().startswith(head + "{")
    assert said.body.endswith(b"\n\n") == bool(head)


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ({}, "BadRequest.EmptyModel", 'Required parameter "model" missing from request.'),
        ({"model": ""}, "BadRequest.EmptyModel", 'Required parameter "model" missing from request.'),
        ({"model": "qwen-max"}, "BadRequest.EmptyInput", "Required input parameter missing from request."),
        (
            {"model": "qwen-max", "input": "好"},
            "BadRequest.IllegalInput",
            "The input parameter requires json format.",
        ),
        ({"model": "Qwen-Max", "input": {}}, "InvalidParameter", "Model not exist."),
        (
            {"model": "qwen-vl-max", "input": {}},
            "InvalidParameter",
            (
                "url error, please check url！ For details, see: "
                "https://help.aliyun.com/zh/model-studio/error-code#error-url"
            ),
        ),
    ],
)
def test_an_envelope_is_refused_piece_by_piece(body: dict[str, Any], code: str, text: str) -> None:
    with pytest.raises(ApiError) as caught:
        native.read(body, stream=False, profile=NOW.profile)
    said = orjson.loads(native.write_error(caught.value, NOW, stream=False).body)
    assert (said["code"], said["message"]) == (code, text)
