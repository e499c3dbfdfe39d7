"""The whole way of a request: both dialects and every mode tell the same story, and it is a true one."""

import codecs
import copy
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import httpx
import pytest
from conversations import FORMATS, PLAIN, Case, cases
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from in_process import CHAT, GENERATION, SSE, InProcess, in_process
from outcomes import (
    Outcome,
    compatible_json,
    compatible_stream,
    events,
    native_full,
    native_incremental,
    native_json,
)

from mockserver.engine import tokenizer
from mockserver.models import models
from mockserver.settings import Settings


@pytest.fixture(scope="module")
def emulator() -> Iterator[InProcess]:
    with in_process() as client:
        yield client


def accepted(response: httpx.Response) -> httpx.Response:
    assert response.status_code == 200, response.text
    assert "event:error" not in response.text, response.text
    return response


def answers(emulator: InProcess, case: Case) -> dict[str, Outcome]:
    """What every mode says that the model has."""

    def native(headers: dict[str, str], **parameters: Any) -> httpx.Response:
        return accepted(emulator.post(GENERATION, case.native(**parameters), headers))

    def compatible(**fields: Any) -> httpx.Response:
        return accepted(emulator.post(CHAT, case.compatible(**fields)))

    usage = {"include_usage": True}
    found = {
        "native incremental": native_incremental(native(SSE, incremental_output=True)),
        "compatible stream": compatible_stream(compatible(stream=True, stream_options=usage)),
    }
    if not case.thinking:
        found["native full"] = native_full(native(SSE, incremental_output=False))
    if case.answers_json:
        found["native json"] = native_json(native({}))
        found["compatible json"] = compatible_json(compatible())
    return found


def agree(emulator: InProcess, case: Case) -> None:
    found = answers(emulator, case)
    if case.forced:  # recorded: the native dialect ends a forced call with "stop"
        for mode, outcome in found.items():
            for said in outcome.choices.values():
                assert said.finish in ({"stop", "length"} if "native" in mode else {"tool_calls", "length"})
                said.finish = said.finish.replace("tool_calls", "stop")
    event(f"{len(found)} modes of a {case.model.thinking} thinker")
    event(str({said.finish for said in found["native incremental"].choices.values()}))
    event(f"calls: {any(said.calls for said in found['native incremental'].choices.values())}")
    first, *others = found.items()
    for mode, outcome in others:
        assert outcome == first[1], f"{mode} differs from {first[0]}"
    given, out, total, _ = first[1].tokens
    assert total == given + out


@given(case=cases())
@settings(max_examples=120)
def test_both_dialects_and_every_mode_say_the_same(emulator: InProcess, case: Case) -> None:
    agree(emulator, case)


@pytest.mark.slow
@given(case=cases())
@settings(max_examples=2000)
def test_both_dialects_and_every_mode_say_the_same_for_long(emulator: InProcess, case: Case) -> None:
    agree(emulator, case)


@given(case=cases(PLAIN))
@settings(max_examples=60)
def test_the_same_request_gets_the_same_answer(emulator: InProcess, case: Case) -> None:
    first, second = (native_json(accepted(emulator.post(GENERATION, case.native()))) for _ in range(2))
    assert first == second


@given(case=cases(PLAIN))
@settings(max_examples=60)
def test_each_full_event_is_the_incremental_ones_so_far(emulator: InProcess, case: Case) -> None:
    case.parameters.pop("n", None)
    streams = [
        events(emulator.post(GENERATION, case.native(incremental_output=incremental), SSE))
        for incremental in (False, True)
    ]
    full, news = ([event["output"]["choices"][0]["message"] for event in stream] for stream in streams)
    assert [message["content"] for message in full] == list(accumulate(message["content"] for message in news))
    assert [event["usage"] for event in streams[0]] == [event["usage"] for event in streams[1]]


@given(case=cases(PLAIN), limit=st.integers(1, 40))
@settings(max_examples=60)
def test_a_limit_leaves_exactly_that_many_tokens(emulator: InProcess, case: Case, limit: int) -> None:
    for name in ("max_tokens", "stop", "n", "tools", "tool_choice", "parallel_tool_calls"):
        case.parameters.pop(name, None)
    whole, cut = (
        native_json(accepted(emulator.post(GENERATION, case.native(**parameters))))
        for parameters in ({}, {"max_tokens": limit})
    )
    vocabulary = tokenizer.load(case.model.tokenizer)
    ids = vocabulary.encode(whole.only.text)
    decoder = codecs.getincrementaldecoder("utf-8")()
    assert whole.tokens[1] == len(ids)
    assert cut.tokens[1] == min(limit, len(ids))
    assert cut.only.text == "".join(decoder.decode(vocabulary.bytes_of(token)) for token in ids[:limit])
    assert cut.only.finish == ("length" if limit < len(ids) else "stop")


@given(case=cases(PLAIN), data=st.data())
@settings(max_examples=60)
def test_a_stop_sequence_ends_the_text_and_is_not_in_it(emulator: InProcess, case: Case, data: st.DataObject) -> None:
    for name in ("max_tokens", "stop", "n", "tools", "tool_choice", "parallel_tool_calls"):
        case.parameters.pop(name, None)
    whole = native_json(accepted(emulator.post(GENERATION, case.native()))).only.text
    assume(whole)
    start = data.draw(st.integers(0, len(whole) - 1))
    stop = whole[start : start + data.draw(st.integers(1, 6))]
    stopped = compatible_json(accepted(emulator.post(CHAT, case.compatible(stop=[stop]))))
    assert stopped.only.text == whole[: whole.find(stop)]
    assert stopped.only.finish == "stop"
    assert stopped.tokens[1] == tokenizer.load(case.model.tokenizer).count(stopped.only.text)


@given(
    case=cases(),
    stop=st.lists(st.text(min_size=1, max_size=2), max_size=4) | st.lists(st.integers(0, 151_642), max_size=4),
)
@settings(max_examples=60)
def test_no_stop_sequence_is_ever_in_the_text(emulator: InProcess, case: Case, stop: list[Any]) -> None:
    response = emulator.post(GENERATION, case.native(stop=stop, incremental_output=True), SSE)
    vocabulary = tokenizer.load(case.model.tokenizer)
    spelled = [each if isinstance(each, str) else vocabulary.decode([each]) for each in stop]
    for said in native_incremental(accepted(response)).choices.values():
        assert not any(each in said.text for each in spelled if "�" not in each)


@given(case=cases(PLAIN))
@settings(max_examples=50)
def test_the_text_format_says_what_the_message_format_says_once(emulator: InProcess, case: Case) -> None:
    for name in ("n", "tools", "tool_choice", "parallel_tool_calls", "logprobs"):
        case.parameters.pop(name, None)
    message, text = (
        native_json(accepted(emulator.post(GENERATION, case.native(**more))))
        for more in ({"result_format": "message"}, {"result_format": "text", "n": 2})
    )
    streamed = native_incremental(
        accepted(emulator.post(GENERATION, case.native(result_format="text", n=2, incremental_output=True), SSE))
    )
    assert message == text == streamed


@given(case=cases(PLAIN))
@settings(max_examples=50)
def test_a_prompt_is_one_message_of_the_user(emulator: InProcess, case: Case) -> None:
    case.messages[:] = case.messages[-1:]
    case.parameters.pop("response_format", None)  # it may need a word of an earlier message
    body = case.native()
    prompted = copy.deepcopy(body)
    prompted["input"] = {"prompt": case.messages[0]["content"]}
    first, second = (native_json(accepted(emulator.post(GENERATION, each))) for each in (body, prompted))
    assert first == second


@given(case=cases(PLAIN))
@settings(max_examples=50)
def test_every_token_of_the_text_has_its_logprob(emulator: InProcess, case: Case) -> None:
    assume(case.model.logprobs)
    response = emulator.post(GENERATION, case.native(logprobs=True, n=1, max_tokens=20))
    said = native_json(accepted(response)).only
    assert b"".join(bytes(each["bytes"]) for each in said.logprobs).decode(errors="ignore") == said.text


@given(case=cases([models("2024")["qwen-max"], models("2024")["qwen-turbo"]]))
@settings(max_examples=50)
def test_the_documents_of_2024_say_the_same_too(case: Case) -> None:
    for name in ("enable_thinking", "thinking_budget", "max_completion_tokens"):
        case.parameters.pop(name, None)
    case.parameters["temperature"], case.parameters["top_p"] = 0.5, 0.5
    if case.parameters.get("tool_choice") == "required":
        case.parameters["tool_choice"] = "auto"
    assume(case.parameters.get("response_format") in (None, *FORMATS[:2]))
    with in_process(Settings(profile="2024")) as emulator:
        agree(emulator, case)
