"""What a test says in five ways, and what the client then gets: planned before the request is judged."""

import json
from itertools import accumulate
from typing import Any

import httpx
import pytest
from planned import CHAT, GENERATION, NOW_MS, Planned, code_of, data_of, message_of, said

from mockserver.api.app import COMPATIBLE, NATIVE
from mockserver.stubs.stub import CallSpec, ErrorSpec, Exactly, Matcher, Outcome, ReplySpec, TextMatch
from mockserver.stubs.view import View
from mockserver.wire.fault import Fault
from mockserver.wire.pacing import Pacing

PLAIN_TOKENS = 9
"""What `hi` costs as a prompt."""
PATHS: list[tuple[str, str, Any]] = [
    ("POST", CHAT, {"model": "qwen-plus", "messages": [{"role": "user", "content": "hi"}]}),
    ("POST", GENERATION, {"model": "qwen-plus", "input": {"prompt": "hi"}}),
    ("POST", f"{COMPATIBLE}/embeddings", {"model": "text-embedding-v3", "input": "hi"}),
    (
        "POST",
        f"{NATIVE}/services/embeddings/text-embedding/text-embedding",
        {"model": "text-embedding-v3", "input": {"texts": ["hi"]}},
    ),
    ("POST", f"{NATIVE}/tokenizer", {"model": "qwen-plus", "input": {"prompt": "hi"}}),
    ("GET", f"{NATIVE}/files", None),
    ("GET", f"{COMPATIBLE}/files", None),
    ("POST", f"{COMPATIBLE}/files", None),
    ("GET", f"{NATIVE}/models", None),
    ("GET", f"{COMPATIBLE}/models", None),
    ("GET", f"{COMPATIBLE}/models/qwen-plus", None),
]


@pytest.fixture
def emulator() -> Planned:
    return Planned()


# --- the header


def test_the_header_says_what_is_answered(emulator: Planned) -> None:
    assert said(emulator.chat(words='text="好的"'))["content"] == "好的"
    assert said(emulator.generate(words="text=fine"))["content"] == "fine"
    assert said(emulator.chat())["content"] not in ("好的", "fine")


def test_the_header_comes_before_every_stub(emulator: Planned) -> None:
    emulator.stub(Outcome(reply=ReplySpec(text="of the stub")), priority=99)
    assert said(emulator.chat(words="text=mine"))["content"] == "mine"
    assert said(emulator.chat())["content"] == "of the stub"


def test_a_header_that_counts_is_counted_over_requests_of_its_session(emulator: Planned) -> None:
    assert [emulator.chat(words="fault=Throttling times=2").status_code for _ in range(3)] == [429, 429, 200]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("words", ["foo=1", "fault=Trottling", "fault=reset aftr=1", "fault=error-frame name=Nope"])
def test_a_word_nobody_knows_is_refused_by_name(emulator: Planned, words: str, stream: bool) -> None:
    response = emulator.chat(words=words, stream=stream)
    assert (response.status_code, code_of(response)) == (400, "Mock.BadWord")
    assert words.rpartition("=")[0].rpartition(" ")[2] in message_of(response) or "Nope" in message_of(response)


def test_the_message_about_a_word_is_a_sentence(emulator: Planned) -> None:
    assert "X-Mock: 'foo' is not known; there are fault, " in message_of(emulator.chat(words="foo"))


# --- directives


def test_a_directive_is_obeyed_and_not_counted(emulator: Planned) -> None:
    response = emulator.chat("hi [[mock text=yes]]")
    assert said(response)["content"] == "yes"
    assert response.json()["usage"]["prompt_tokens"] == PLAIN_TOKENS


def test_a_directive_works_in_native_messages_and_in_a_native_prompt(emulator: Planned) -> None:
    response = emulator.generate("hi [[mock text=yes]]")
    assert (said(response)["content"], response.json()["usage"]["input_tokens"]) == ("yes", PLAIN_TOKENS)
    body = {"model": "qwen-plus", "input": {"prompt": "[[mock text=no]] hi"}}
    answer = emulator.request("POST", GENERATION, json=body).json()
    assert (answer["output"]["text"], answer["usage"]["input_tokens"]) == ("no", PLAIN_TOKENS)


@pytest.mark.parametrize("given", [{"prompt": "[[mock text=yes]]"}, {"messages": "[[mock text=yes]]"}])
def test_a_directive_may_be_all_there_is(emulator: Planned, given: dict[str, str]) -> None:
    if "messages" in given:
        assert said(emulator.generate(given["messages"]))["content"] == "yes"
    else:
        answer = emulator.request("POST", GENERATION, json={"model": "qwen-plus", "input": given})
        assert answer.json()["output"]["text"] == "yes"


def test_directives_are_taken_out_of_every_part_of_the_content(emulator: Planned) -> None:
    parts = [{"type": "text", "text": "h [[mock text=yes]]"}, {"type": "text", "text": "[[mock finish=length]] i"}]
    response = emulator.chat(parts)
    assert said(response)["content"] == "yes"
    assert response.json()["choices"][0]["finish_reason"] == "length"
    plain = emulator.chat([{"type": "text", "text": "h"}, {"type": "text", "text": "i"}])
    assert response.json()["usage"]["prompt_tokens"] == plain.json()["usage"]["prompt_tokens"]


def test_a_directive_of_an_earlier_turn_is_text(emulator: Planned) -> None:
    messages = [
        {"role": "user", "content": "[[mock text=old]]"},
        {"role": "assistant", "content": "old"},
        {"role": "user", "content": "hi"},
    ]
    response = emulator.request("POST", CHAT, json={"model": "qwen-plus", "messages": messages})
    assert said(response)["content"] != "old"


def test_a_directive_is_removed_before_anything_is_matched(emulator: Planned) -> None:
    seen: list[str] = []

    def remember(view: View) -> bool:
        seen.append(view.last_user)
        return False

    emulator.stub(matcher=Matcher(predicate=remember))
    emulator.chat("hi [[mock times=1]]")
    emulator.chat("hi [[mock times=1]]")
    assert seen == ["hi"]


def test_a_directive_that_cannot_be_read_is_refused_by_name(emulator: Planned) -> None:
    response = emulator.generate("hi [[mock foo=1]]", stream=True)
    assert "Mock.BadWord" in response.text
    assert "A directive: 'foo'" in response.text


def test_directives_can_be_switched_off() -> None:
    response = Planned(directives=False).chat("hi [[mock text=yes]]")
    assert said(response)["content"] != "yes"
    assert response.json()["usage"]["prompt_tokens"] > PLAIN_TOKENS


# --- strict mode


def test_strict_mode_refuses_what_no_stub_matches_and_says_why() -> None:
    emulator = Planned(strict=True)
    matcher = Matcher(last_user=TextMatch(contains="天气"))
    emulator.stub(Outcome(reply=ReplySpec(text="晴")), matcher=matcher, name="weather")
    assert said(emulator.chat("今天天气"))["content"] == "晴"
    refused = emulator.chat("你好")
    assert code_of(refused) == "Mock.NoStub"
    assert "weather" in message_of(refused)
    assert "天气" in message_of(refused)


def test_strict_mode_lets_a_header_speak_for_itself() -> None:
    assert Planned(strict=True).chat(words="text=yes").status_code == 200


# --- replies


CHUNKS = ("I wi", "ll ", "tell you a s", "tory: 从前", "有座山。")


def texts(response: httpx.Response, key: str = "content") -> list[str]:
    """The text of each event, without the empty ones at both ends."""
    choices = [choice for data in data_of(response) for choice in data.get("output", data)["choices"]]
    told = [choice.get("delta", choice.get("message", {})).get(key) for choice in choices]
    return [text for text in told if text]


def test_chunks_are_the_events_of_a_compatible_stream(emulator: Planned) -> None:
    emulator.replies(chunks=CHUNKS)
    assert texts(emulator.chat(stream=True)) == list(CHUNKS)
    assert texts(emulator.chat(stream=True, stream_options={"include_usage": True})) == list(CHUNKS)
    assert said(emulator.chat())["content"] == "".join(CHUNKS)


def test_chunks_are_the_events_of_an_incremental_native_stream(emulator: Planned) -> None:
    emulator.replies(chunks=CHUNKS)
    assert texts(emulator.generate(stream=True, incremental_output=True)) == list(CHUNKS)


def test_chunks_pile_up_in_a_full_native_stream(emulator: Planned) -> None:
    emulator.replies(chunks=CHUNKS)
    piled = list(accumulate(CHUNKS))
    assert texts(emulator.generate(stream=True)) == [*piled, piled[-1]]


def test_reasoning_comes_before_the_text_and_has_chunks_of_its_own(emulator: Planned) -> None:
    emulator.replies(reasoning=("hm", "m, yes"), chunks=("1", "2"))
    for response in (emulator.chat(stream=True), emulator.generate(stream=True, incremental_output=True)):
        assert texts(response, "reasoning_content") == ["hm", "m, yes"]
        assert texts(response) == ["1", "2"]
    assert said(emulator.chat())["reasoning_content"] == "hmm, yes"


def test_an_empty_chunk_is_an_event_without_text(emulator: Planned) -> None:
    emulator.replies(chunks=("a", "", "b"))
    deltas = [data["choices"][0]["delta"].get("content") for data in data_of(emulator.chat(stream=True))]
    assert deltas == ["", "a", "", "b", ""]


def test_tool_calls_may_have_broken_arguments(emulator: Planned) -> None:
    calls = (CallSpec("look", {"city": "杭州"}), CallSpec("look", '{"city": "杭', id="call_1"))
    emulator.replies(tool_calls=calls)
    for response in (emulator.chat(), emulator.generate()):
        first, second = said(response)["tool_calls"]
        assert first["function"] == {"name": "look", "arguments": '{"city": "杭州"}'}
        assert (second["id"], second["function"]["arguments"]) == ("call_1", '{"city": "杭')
    assert emulator.chat().json()["choices"][0]["finish_reason"] == "tool_calls"


def test_the_finish_reason_is_the_one_that_was_asked_for(emulator: Planned) -> None:
    emulator.replies(text="a", finish_reason="content_filter")
    assert emulator.chat().json()["choices"][0]["finish_reason"] == "content_filter"
    assert emulator.generate().json()["output"]["choices"][0]["finish_reason"] == "content_filter"
    assert data_of(emulator.chat(stream=True))[-1]["choices"][0]["finish_reason"] == "content_filter"


def test_usage_is_replaced_field_by_field(emulator: Planned) -> None:
    emulator.replies(text="a", usage={"total_tokens": 7, "made_up": {"x": 1}})
    usage = emulator.chat().json()["usage"]
    assert (usage["prompt_tokens"], usage["total_tokens"], usage["made_up"]) == (PLAIN_TOKENS, 7, {"x": 1})
    assert data_of(emulator.generate(stream=True))[-1]["usage"]["total_tokens"] == 7


def test_limits_of_the_request_cut_a_reply_as_any_other(emulator: Planned) -> None:
    emulator.replies(chunks=("one two", " three four", " five six"))
    response = emulator.chat(stream=True, max_tokens=3)
    assert texts(response) == ["one two", " three"]
    assert data_of(response)[-1]["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(("body", "text"), [("<html>", "<html>"), ({"a": [1]}, '{"a":[1]}'), (None, "")])
def test_a_body_of_its_own_is_answered_as_it_is(emulator: Planned, body: Any, text: str) -> None:
    emulator.replies(status=418, body=body, headers={"Content-Type": "text/html", "X-Own": "é"})
    response = emulator.generate()
    assert (response.status_code, response.text) == (418, text)
    assert response.headers.get_list("content-type") == ["text/html"]
    assert response.headers["x-own"] == "é"


def test_raw_sse_bytes_leave_event_by_event(emulator: Planned) -> None:
    raw = b"data: {broken\n\n: comment\r\n\r\ndata: tail"
    emulator.replies(sse=raw)
    response = emulator.chat(stream=True)
    assert response.content == raw
    assert response.headers["content-type"].startswith("text/event-stream")
    assert len(emulator.journal[-1].events) == 3


def test_a_function_answers_from_the_view(emulator: Planned) -> None:
    emulator.replies(function=lambda view: view.last_user.upper())
    assert said(emulator.chat("abc"))["content"] == "ABC"
    emulator.replies(function=lambda view: ReplySpec(chunks=(view.dialect, view.endpoint)), headers={"X-Own": "1"})
    response = emulator.chat(stream=True)
    assert (texts(response), response.headers["x-own"]) == (["compatible", "chat"], "1")


def test_a_function_that_fails_is_an_internal_error(emulator: Planned) -> None:
    emulator.replies(function=lambda view: str(1 // len(view.tools)))
    assert code_of(emulator.chat()) == "internal_error"


def test_a_template_answers_from_the_request(emulator: Planned) -> None:
    emulator.replies(text="{{ last_user }}!", template=True)
    assert said(emulator.chat("abc"))["content"] == "abc!"


# --- errors


def test_status_and_retry_after_of_an_error_can_be_others(emulator: Planned) -> None:
    response = emulator.chat(words="fault=Throttling.RateQuota status=503 retry_after=2.5")
    assert (response.status_code, response.headers["retry-after"]) == (503, "2.5")
    assert code_of(response) == "limit_requests"
    assert "retry-after" not in emulator.chat(words="fault=Throttling.RateQuota").headers


def test_a_long_retry_after_is_written_in_digits(emulator: Planned) -> None:
    error = ErrorSpec("Throttling.RateQuota", retry_after=1_234_567)
    emulator.stub(Outcome(error=error))
    assert emulator.chat().headers["retry-after"] == "1234567"


def test_a_native_event_tells_the_status_that_was_asked_for(emulator: Planned) -> None:
    response = emulator.generate(words="fault=InternalError after=1 status=599", stream=True)
    assert "event:error\n:HTTP_STATUS/599\n" in response.text


def test_a_scripted_reply_can_be_cut_by_an_error(emulator: Planned) -> None:
    error = ErrorSpec("DataInspectionFailed", after=3)
    emulator.stub(Outcome(reply=ReplySpec(chunks=("a", "b", "c", "d")), error=error))
    response = emulator.chat(stream=True)
    *before, last = data_of(response)
    assert [data["choices"][0]["delta"]["content"] for data in before] == ["", "a", "b"]
    assert last["error"]["code"] == "data_inspection_failed"


def test_outcomes_come_one_after_the_other(emulator: Planned) -> None:
    throttled = Outcome(error=ErrorSpec("Throttling"))
    emulator.stub(throttled, Outcome(), throttled, times=Exactly(3))
    assert [emulator.chat().status_code for _ in range(4)] == [429, 200, 429, 200]


def test_an_invalid_request_is_refused_as_ever(emulator: Planned) -> None:
    assert code_of(emulator.chat(words="text=yes", temperature=9)) == "invalid_parameter_error"
    assert emulator.chat(words="fault=Throttling", temperature=9).status_code == 429


# --- pacing, in virtual time


def test_pacing_is_kept_in_virtual_time(emulator: Planned) -> None:
    emulator.chat(stream=True, words="text=x ttft=2s itl=1s")
    assert emulator.journal[-1].events == (2000, 3000, 4000, 5000)
    assert emulator.clock.now_ms() == NOW_MS + 5000


def test_a_stub_has_a_pace_for_whole_answers_too(emulator: Planned) -> None:
    emulator.stub(Outcome(pacing=Pacing(ttft=3)))
    emulator.chat()
    assert emulator.clock.now_ms() == NOW_MS + 3000


def test_tokens_per_chunk_cuts_the_stream_evenly(emulator: Planned) -> None:
    usages = [
        data["usage"]["output_tokens"]
        for data in data_of(emulator.generate(words="tokens_per_chunk=5", stream=True, max_tokens=17))
    ]
    assert usages == [5, 10, 15, 17, 17]


# --- faults on every endpoint


@pytest.mark.parametrize(("method", "path", "body"), PATHS, ids=[f"{method} {path}" for method, path, _ in PATHS])
def test_errors_and_faults_are_answered_on_every_endpoint(emulator: Planned, method: str, path: str, body: Any) -> None:
    refused = emulator.request(method, path, json=body, words="fault=InternalError")
    assert (refused.status_code, code_of(refused).lower().replace("_", "")) == (500, "internalerror")
    bad = emulator.request(method, path, json=body, words="fault=http-status status=502 body=bad type=text/html")
    assert (bad.status_code, bad.text, bad.headers["content-type"]) == (502, "bad", "text/html")
    with pytest.raises(ConnectionResetError):
        emulator.request(method, path, json=body, words="fault=reset-before-headers")


@pytest.mark.parametrize("path", [path for method, path, _ in PATHS if "embeddings" in path or "tokenizer" in path])
def test_an_error_after_some_events_comes_at_once_where_nothing_is_streamed(emulator: Planned, path: str) -> None:
    [body] = [each for _, known, each in PATHS if known == path]
    headers = {"x-dashscope-sse": "enable"}
    response = emulator.request("POST", path, json=body, words="fault=Throttling after=3", headers=headers)
    assert response.status_code == 429


def test_a_json_answer_can_be_malformed(emulator: Planned) -> None:
    response = emulator.chat(words="fault=malformed-json")
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_a_fault_of_a_stub_that_cannot_be_is_refused_in_words(emulator: Planned) -> None:
    emulator.stub(Outcome(faults=(Fault("error-frame", {"name": "Nope"}),)))
    assert "'Nope'" in message_of(emulator.chat(stream=True))


# --- rate limits


@pytest.mark.parametrize(
    ("limit", "native", "compatible"),
    [
        ("rpm=1", "Throttling.RateQuota", "limit_requests"),
        ("rps=1", "Throttling.RateQuota", "limit_requests"),
        ("tpm=1", "Throttling.AllocationQuota", "insufficient_quota"),
        ("burst=1/10s", "Throttling.BurstRate", "limit_burst_rate"),
    ],
)
def test_each_rate_limit_answers_its_own_code(limit: str, native: str, compatible: str) -> None:
    emulator = Planned(rate_limits=(limit,))
    assert emulator.chat().status_code == 200
    for response, code in ((emulator.generate(), native), (emulator.chat(), compatible)):
        assert (response.status_code, code_of(response)) == (429, code)
    emulator.clock.advance(61_000)
    assert emulator.chat().status_code == 200


def test_limits_hold_for_each_model_and_key() -> None:
    emulator = Planned(rate_limits=("qwen-plus:rpm=1",))
    assert [emulator.chat().status_code, emulator.chat().status_code] == [200, 429]
    assert emulator.chat(model="qwen-max").status_code == 200
    assert emulator.chat(headers={"authorization": "Bearer sk-other"}).status_code == 200


def test_a_place_is_free_again_when_a_request_has_ended() -> None:
    emulator = Planned(rate_limits=("concurrency=1",))
    assert [emulator.chat(stream=True).status_code for _ in range(3)] == [200, 200, 200]
