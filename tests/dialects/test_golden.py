"""Replays of what the service said: the recorded bytes, and the samples that its documents print.

A request is read, judged and completed as the server does it; only what the model said comes from the sample. Where
the service cut its chunks by a rule nobody knows, or counted tokens by another template, the frames are compared after
`shape` has blanked texts and counts; the comment at the test says why.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from mockserver import resources
from mockserver.dialects import compatible, native
from mockserver.dialects.draft import Draft
from mockserver.dialects.meta import Meta, Refusal
from mockserver.engine import limits, tokenizer
from mockserver.errors import ApiError
from mockserver.generation import Completion, GenerationRequest, Reply, ToolCall
from mockserver.profiles import PROFILES
from mockserver.rules import judge

ARGUMENTS = '{"location": "浙江省杭州市"}'


def sample(name: str) -> dict[str, Any]:
    """A pair of `fixtures/`, by folder and name."""
    return {**resources.load("fixtures", f"{name}.json")}


def printed(pair: dict[str, Any]) -> str:
    """The answer of a pair as bytes on the wire; a printed body keeps the order of its keys."""
    response = pair["response"]
    if "raw" in response:
        return str(response["raw"])
    return "".join(response["stream"]) if "stream" in response else compact(response["body"])


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def meta_of(pair: dict[str, Any], profile: str = "") -> Meta:
    """The ids and the time that the answer of a pair shows."""
    text = printed(pair)
    request_id = re.search(r'"(?:request_id":"|id":"chatcmpl-)([^"]+)"', text)
    created = re.search(r'"created":(\d+)', text)
    found = request_id[1] if request_id else "<uuid>"
    return Meta(found, int(created[1]) if created else 0, PROFILES[profile or pair["profile"]])


def requested(pair: dict[str, Any], meta: Meta) -> GenerationRequest:
    """The request of a pair, read and judged."""
    draft = read(pair["request"], meta)
    judge(draft)
    return draft.request()


def read(request: dict[str, Any], meta: Meta) -> Draft:
    parsed = orjson.loads(orjson.dumps(request["body"]))
    if request["path"].startswith("/api/v1/"):
        stream = request["headers"].get("X-DashScope-SSE") == "enable"
        return native.read(parsed, stream=stream, profile=meta.profile)
    return compatible.read(parsed, profile=meta.profile)


def answer(pair: dict[str, Any], reply: Reply, *, profile: str = "", input_tokens: int | None = None) -> str:
    """What the dialect writes when the model says `reply` to the request of a pair."""
    meta = meta_of(pair, profile)
    request = requested(pair, meta)
    completion = limits.complete(request, [reply], tokenizer.load(), limit=2000, input_tokens=input_tokens)
    return written(completion, request, meta)


def written(completion: Completion, request: GenerationRequest, meta: Meta) -> str:
    is_native = request.dialect == "native"
    if request.stream:
        write_stream = native.write_stream if is_native else compatible.write_stream
        return b"".join(write_stream(completion, request, meta)).decode()
    write = native.write if is_native else compatible.write
    return write(completion, request, meta).decode()


def chat(model: str, **parameters: object) -> dict[str, Any]:
    """A compatible call, for samples whose request was not kept."""
    messages = [{"role": "user", "content": "hi"}]
    return {
        "path": "/compatible-mode/v1/chat/completions",
        "headers": {},
        "body": {"model": model, "messages": messages, **parameters},
    }


def frames(text: str) -> list[str]:
    return re.findall(r".+?\n\n", text, re.DOTALL)


def shape(text: str) -> str:
    """The text with event numbers, texts and counts blanked: keys, their order and all else stay."""
    text = re.sub(r"^id:\d+$", "id:0", text, flags=re.MULTILINE)
    text = re.sub(r'"(content|text|arguments)":"(?:[^"\\]|\\.)+"', r'"\1":"…"', text)
    return re.sub(r'_tokens":\d+', '_tokens":0', text)


def counts(frame: str) -> list[int]:
    """The tokens of a frame's usage, in its order."""
    return [int(found) for found in re.findall(r'_tokens":(\d+)', frame)]


def texts(events: Sequence[str], key: str) -> str:
    """The deltas of a stream put together."""
    found = (re.search(rf'"{key}":"((?:[^"\\]|\\.)*)"', event) for event in events)
    return "".join(orjson.loads(f'"{match[1]}"') for match in found if match)


# Answers that come out byte for byte


@pytest.mark.parametrize(
    ("name", "reply", "input_tokens"),
    [
        ("recorded/native-text-json", Reply("1+1等于2。这是最基本的数学加法运算之一。"), None),
        ("recorded/native-message-json", Reply("2"), None),
        # Counted without a template in early 2024: 14 tokens here, 24 by the rule since 2024-11.
        (
            "documented/native-message-json",
            Reply("您好！我可以帮您查询最近的公园，请问您现在所在的位置是哪里呢？"),
            14,
        ),
    ],
)
def test_an_answer_in_one_piece_is_the_recorded_bytes(name: str, reply: Reply, input_tokens: int | None) -> None:
    pair = sample(name)
    assert answer(pair, reply, input_tokens=input_tokens) == printed(pair)


def test_the_native_text_stream_is_the_recorded_bytes() -> None:
    # Recorded in 2024-11, when qwen-max already sliced as it does in profile 2026.
    pair = sample("recorded/native-text-sse-incremental")
    assert answer(pair, Reply("1+1等于2。"), profile="2026") == printed(pair)


def test_the_documented_qwen_long_stream_begins_and_ends_as_printed() -> None:
    pair = sample("documented/compatible-qwen-long-stream")
    first, last = pair["response"]["stream"]
    events = frames(answer(pair, Reply("文章讲了一个离线的替身。")))
    assert (events[0], events[-2], events[-1]) == (first, last, "data:[DONE]\n\n")


def test_the_compatible_stream_has_the_recorded_frames() -> None:
    # Six of 174 frames were kept; the text after " The Festival" was not, so its count is not known.
    pair = sample("recorded/compatible-chat-stream")
    pair["request"] = chat("qwen3-max", stream=True, stream_options={"include_usage": True})
    opening, second, running, last, usage, done = frames(printed(pair))
    events = frames(answer(pair, Reply("## The Festival of Lights and other days."), input_tokens=18))
    assert events[:3] == [opening, second, running]
    assert [shape(event) for event in events[3:-3]] == [shape(running)] * len(events[3:-3])
    assert (events[-3], shape(events[-2]), events[-1]) == (last, shape(usage), done)
    assert counts(events[-2])[0] == counts(usage)[0]


# Answers whose keys, order and fixed words come out


def test_the_first_native_stream_has_the_recorded_shape() -> None:
    # Recorded in 2024-02: the counts are cut points of the model that do not belong to the texts, the prompt is
    # counted without a template, and one empty event more comes before the last.
    pair = sample("recorded/native-message-sse-incremental")
    recorded, text = frames(printed(pair)), texts(frames(printed(pair)), "content")
    events = frames(answer(pair, Reply(text)))
    assert texts(events, "content") == text
    assert {shape(event) for event in events[:-1]} == {shape(event) for event in recorded[:-2]}
    assert shape(events[-1]) == shape(recorded[-1])


def test_parallel_calls_have_the_recorded_frames() -> None:
    # The first event is exact. The service cut the second call after three tokens and the first after four, and
    # its second event counts tokens of the next call's frame: both are beyond a schedule.
    pair = sample("recorded/native-tools-parallel-sse")
    recorded = frames(printed(pair))
    ids = re.findall(r'"id":"(call_\w+)"', printed(pair))
    calls = zip(ids, (ARGUMENTS, '{"location": "上海市"}'), strict=True)
    reply = Reply(tool_calls=tuple(ToolCall(id_, "get_current_weather", text) for id_, text in calls))
    events = frames(answer(pair, reply, input_tokens=250))
    assert events[0] == recorded[0]
    assert [shape(event) for event in events] == [shape(event) for event in recorded]
    assert texts(events, "arguments") == texts(recorded, "arguments")
    assert counts(events[-1]) == counts(recorded[-1])


def test_a_forced_call_has_the_recorded_shape() -> None:
    # The recording bills the arguments alone (8 tokens), and its prompt by a template that is not public.
    pair = sample("recorded/native-tools-forced-json")
    reply = Reply(tool_calls=(ToolCall("call_cec4c19d27624537b583af", "get_current_weather", ARGUMENTS),))
    assert shape(answer(pair, reply)) == shape(printed(pair))


def test_the_documented_native_stream_has_the_printed_shape() -> None:
    # The print counts one token for "I am" and 26 for the prompt, and cuts after 1, 4, 7, ...
    pair = sample("documented/native-message-sse-incremental")
    shown = pair["response"]["stream"]
    events = frames(answer(pair, Reply("I am Qwen, an Alibaba model. Feel free to ask me!")))
    assert {shape(event) for event in events[:-1]} == {shape(event) for event in shown[:-1]}
    assert shape(events[-1]) == shape(shown[-1])


def test_the_documented_full_stream_has_the_printed_shape() -> None:
    # Printed for farui-plus, which counts by a template of its own and slices after 3, 13, ...
    pair = sample("documented/native-message-sse-full")
    pair["request"] = {**pair["request"], "body": {**pair["request"]["body"], "model": "qwen-turbo"}}
    shown = pair["response"]["stream"]
    text = "【民事起诉状】\n\n原告：XXX，男/女，"
    events = frames(answer(pair, Reply(text)))
    assert {shape(event) for event in events[:-1]} == {shape(event) for event in shown}
    assert orjson.loads(events[-1].split("data:")[1])["output"]["choices"][0]["message"]["content"] == text


def test_the_full_text_stream_of_2023_has_the_printed_output() -> None:
    # The print leaves out the status line that the wire has, and is older than total_tokens; qwen-v1 is gone.
    pair = sample("documented/native-text-sse-full")
    pair["request"] = {**pair["request"], "body": {**pair["request"]["body"], "model": "qwen-turbo"}}
    shown = pair["response"]["stream"]
    text = orjson.loads(shown[-1].split("data:")[1])["output"]["text"]
    events = frames(answer(pair, Reply(text)))
    known = [
        event.replace(":HTTP_STATUS/200\n", "").replace('"total_tokens":0,', "")
        for event in map(shape, (events[0], events[1], events[-1]))
    ]
    swapped = [
        event.replace('"input_tokens":0,"output_tokens":0', '"output_tokens":0,"input_tokens":0') for event in known
    ]
    assert swapped == [shape(event) for event in shown]
    assert orjson.loads(events[-1].split("data:")[1])["output"]["text"] == text


def test_a_compatible_call_has_the_recorded_message() -> None:
    pair = sample("recorded/compatible-tool-call-json")
    pair["request"] = chat("qwen3-max")
    call = ToolCall("call_962bfd2ab8f54b89a1161356", "weather", '{"location": "San Francisco"}')
    (choice,) = json.loads(answer(pair, Reply(tool_calls=(call,))))["choices"]
    (recorded,) = pair["response"]["body"]["choices"]
    assert compact({key: choice[key] for key in recorded}) == compact(recorded)


def test_the_compatible_answer_of_2024_has_the_recorded_keys() -> None:
    # Recorded in 2024-07; two months earlier, as in this profile, the fingerprint was "" and the id had no dashes.
    pair = sample("recorded/compatible-chat-json-2024")
    pair["request"] = chat("qwen-plus")
    ours = shape(answer(pair, Reply("你好")))
    assert ours.replace('fingerprint":""', 'fingerprint":null').replace(
        "6b7e166cdbb692fc91e5003a5d6a3b77", "6b7e166c-dbb6-92fc-91e5-003a5d6a3b77"
    ) == shape(printed(pair))


def test_the_documented_qwen_long_answer_has_the_printed_fields() -> None:
    pair = sample("documented/compatible-qwen-long-json")
    ours = json.loads(answer(pair, Reply("文章")))
    shown = pair["response"]["body"]
    assert compact({key: ours[key] for key in shown if key != "usage"}) == compact(
        {key: shown[key] for key in shown if key != "usage"}
    )
    assert list(ours["usage"]) == list(shown["usage"])
    assert re.fullmatch("chatcmpl-<uuid>", ours["id"])


def test_the_recipe_question_is_thirty_one_tokens() -> None:
    pair = sample("documented/native-recipe-qwen1.5-72b-chat")
    usage = json.loads(answer(pair, Reply("萝卜")))["usage"]
    assert usage["input_tokens"] == pair["response"]["body"]["usage"]["input_tokens"]


# Refusals


def refusal(error: ApiError, pair: dict[str, Any], *, stream: bool = False) -> Refusal:
    is_native = pair["request"]["path"].startswith("/api/v1/")
    write_error = native.write_error if is_native else compatible.write_error
    return write_error(error, meta_of(pair), stream=stream)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("recorded/compatible-401-invalid-key", "InvalidApiKey"),
        ("documented/compatible-401-invalid-key", "InvalidApiKey"),
        ("recorded/native-401-invalid-key", "InvalidApiKey"),
        ("documented/native-401-invalid-key", "InvalidApiKey"),
        ("recorded/compatible-429-quota", "Throttling.AllocationQuota"),
        ("recorded/compatible-429-rate", "Throttling.RateQuota"),
        ("recorded/compatible-file-bad-purpose", "InvalidParameter/file-purpose"),
        ("recorded/compatible-error-not-json", "InvalidParameter/body-invalid"),
    ],
)
def test_a_refusal_is_the_recorded_bytes(name: str, error: str) -> None:
    pair = sample(name)
    said = refusal(ApiError(error), pair)
    assert (said.status, said.body.decode()) == (pair["response"]["status"], printed(pair))


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("recorded/native-error-sse-400", None),
        ("recorded/compatible-404-model", chat("NAME")),
        ("recorded/compatible-stream-error-400", chat("qwen-plus", stream=True, top_logprobs=6)),
    ],
)
def test_a_refused_request_gets_the_recorded_bytes(name: str, request_: dict[str, Any] | None) -> None:
    pair = sample(name)
    pair = {**pair, "request": request_ or pair["request"]}
    with pytest.raises(ApiError) as caught:
        requested(pair, meta_of(pair))
    said = refusal(caught.value, pair, stream="404" not in name)
    assert (said.status, said.body.decode()) == (pair["response"]["status"], printed(pair))
