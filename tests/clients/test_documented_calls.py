"""The calls of the service's own documents, as curl sends them, and what the pages say of the answers.

Texts are ours, so what is compared is the shape: key by key, frame by frame.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from clients.raw import CHAT, FILES, FORM, GENERATION, RawAnswer, RawClient, form
from clients.samples import DOCUMENT, about
from mockserver import resources

NATIVE_FRAME = re.compile(r"id:(\d+)\nevent:result\n:HTTP_STATUS/200\ndata:(\{.*\})\n\n")
PROMPT = {"model": "qwen-max", "input": {"prompt": "请问 1+1 是多少？"}}
HELLO = {"model": "qwen-plus", "messages": [{"role": "user", "content": "你是谁？"}]}


def documented(name: str) -> dict[str, Any]:
    """A pair that a page of the service prints."""
    return dict(resources.load("fixtures", "documented", f"{name}.json"))


def shape(value: Any) -> Any:
    """The keys of an object in their order, and of what is in it; lists by their first item."""
    if isinstance(value, Mapping):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def ordered(value: Any) -> str:
    """`shape`, such that the order of keys counts."""
    return json.dumps(shape(value))


def play(raw: RawClient, name: str) -> tuple[RawAnswer, dict[str, Any]]:
    """Send a documented request in its own era; the answer and the documented one."""
    pair = documented(name)
    chosen = json.dumps({"profile": pair["profile"]}).encode()
    assert raw.send("PUT", f"/__mock__/sessions/{raw.key}", chosen, {}).status == 200
    headers = {header.replace("-", "_"): value for header, value in pair["request"]["headers"].items()}
    return raw.post(pair["request"]["path"], pair["request"]["body"], **headers), pair["response"]


def native_events(answer: RawAnswer) -> Iterator[Any]:
    """The events of a native stream, whose bytes are nothing but well-formed frames."""
    frames = list(NATIVE_FRAME.finditer(answer.text))
    assert "".join(frame[0] for frame in frames) == answer.text
    assert [int(frame[1]) for frame in frames] == list(range(1, len(frames) + 1))
    yield from (json.loads(frame[2]) for frame in frames)


@pytest.mark.parametrize("name", ["native-message-json", "native-text-embedding", "native-tokenizer"])
def test_a_documented_answer_has_the_keys_of_the_document(raw: RawClient, name: str) -> None:
    answer, printed = play(raw, name)
    given = {key: answer.json[key] for key in printed["body"]}
    assert answer.status == printed["status"]
    assert shape(given) == shape(printed["body"])


def test_a_documented_count_is_counted(raw: RawClient) -> None:
    answer, printed = play(raw, "native-recipe-qwen1.5-72b-chat")
    assert answer.json["usage"]["input_tokens"] == printed["body"]["usage"]["input_tokens"] == 31


def test_a_documented_token_answer_is_the_same(raw: RawClient) -> None:
    answer, printed = play(raw, "native-tokenizer")
    assert {key: answer.json[key] for key in printed["body"]} == printed["body"]


def test_the_documented_native_stream_is_full(raw: RawClient) -> None:
    answer = raw.post(GENERATION, PROMPT, X_DashScope_SSE="enable")
    texts = [event["output"]["text"] for event in native_events(answer)]
    assert answer.headers["content-type"] == "text/event-stream;charset=UTF-8"
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))
    assert texts[-1] == raw.post(GENERATION, PROMPT).json["output"]["text"]


def test_the_documented_native_stream_can_be_incremental(raw: RawClient) -> None:
    answer, printed = play(raw, "native-message-sse-incremental")
    events = list(native_events(answer))
    first = json.loads(next(NATIVE_FRAME.finditer(printed["stream"][0]))[2])
    assert shape(events[0]["output"]) == shape(first["output"])
    assert {event["output"]["choices"][0]["finish_reason"] for event in events[:-1]} == {"null"}
    assert events[-1]["output"]["choices"][0]["finish_reason"] == "stop"
    assert len({event["request_id"] for event in events}) == 1


def test_the_event_stream_can_be_asked_for_by_either_header(raw: RawClient) -> None:
    assert raw.post(GENERATION, PROMPT, Accept="text/event-stream").is_stream
    assert raw.post(GENERATION, PROMPT, X_DashScope_SSE="enable").is_stream
    assert not raw.post(GENERATION, PROMPT, Accept="*/*").is_stream


def test_a_chat_with_curl(raw: RawClient) -> None:
    answer = raw.post(CHAT, HELLO)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["id"] == f"chatcmpl-{answer.headers['x-request-id']}"
    assert list(answer.json) == [
        "choices",
        "object",
        "usage",
        "created",
        "system_fingerprint",
        "model",
        "id",
    ]


def test_a_chat_stream_with_curl(raw: RawClient) -> None:
    answer = raw.post(CHAT, HELLO | {"stream": True, "stream_options": {"include_usage": True}})
    frames = answer.text.split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    assert all(frame.startswith("data: ") and "\n" not in frame for frame in frames[:-1])
    chunks = list(answer.data())
    assert chunks[0]["choices"][0]["delta"] == {"content": "", "role": "assistant"}
    assert chunks[-1]["choices"] == []
    assert {ordered(chunk | {"choices": []}) for chunk in chunks[:-1]} == {ordered(chunks[0] | {"choices": []})}
    whole = raw.post(CHAT, HELLO).json
    assert chunks[-1]["usage"] == whole["usage"]
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks[:-1])
    assert text == whole["choices"][0]["message"]["content"]


def test_a_document_goes_up_with_curl_and_is_asked_about(raw: RawClient) -> None:
    uploaded = raw.post(FILES, form(DOCUMENT), Content_Type=FORM)
    printed = documented("compatible-file-upload")["response"]["body"]
    assert uploaded.status == 200
    assert set(uploaded.json) == set(printed) - {"status_details"}
    asked = {"model": "qwen-long", "messages": about(uploaded.json["id"])}
    assert "5000 mAh" in raw.post(CHAT, asked).json["choices"][0]["message"]["content"]
    streamed = raw.post(CHAT, asked | {"stream": True})
    assert "5000 mAh" in "".join(chunk["choices"][0]["delta"]["content"] for chunk in streamed.data())


def test_a_document_chat_of_2024_has_the_documented_frames(raw: RawClient) -> None:
    raw.send("PUT", f"/__mock__/sessions/{raw.key}", b'{"profile": "2024"}', {})
    uploaded = raw.post(FILES, form(DOCUMENT), Content_Type=FORM).json
    pair = documented("compatible-qwen-long-stream")
    answer = raw.post(CHAT, pair["request"]["body"] | {"messages": about(uploaded["id"])})
    frames = [frame + "\n\n" for frame in answer.text.split("\n\n") if frame.startswith("data:{")]
    for given, printed in (
        (frames[0], pair["response"]["stream"][0]),
        (frames[-1], pair["response"]["stream"][1]),
    ):
        assert ordered(json.loads(given.removeprefix("data:"))) == ordered(json.loads(printed.removeprefix("data:")))


def test_the_documented_refusals(raw: RawClient) -> None:
    wrong = {"Authorization": "Bearer wrong", "Content-Type": "application/json"}
    native = raw.send("POST", GENERATION, b"{}", wrong)
    printed = documented("native-401-invalid-key")["response"]["body"]
    assert native.status == 401
    assert ordered(native.json) == ordered(printed)
    assert native.json["message"] == printed["message"]
    assert native.json["request_id"] == native.headers["x-request-id"]
    compatible = raw.send("POST", CHAT, b"{}", wrong)
    printed = documented("compatible-401-invalid-key")["response"]["body"]
    assert compatible.status == 401
    assert ordered(compatible.json["error"]) == ordered(printed["error"])
