"""The openai SDK in compatible mode: chat, streamed and not, tools, structured output, thinking."""

import asyncio
import json
from typing import Any

import jsonschema
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from clients.samples import (
    CITY_ARGUMENTS,
    CITY_FORMAT,
    CITY_SCHEMA,
    DOCUMENT,
    FILE_EXTRACT,
    JSON_MESSAGES,
    MESSAGES,
    TOOLS,
    about,
)
from mockserver import MockServer

CHAT: dict[str, Any] = {"model": "qwen-plus", "messages": MESSAGES}


class City(BaseModel):
    """What `parse` is asked for."""

    city: str
    degrees: int


@pytest.fixture
def create(openai_client: OpenAI) -> Any:
    return openai_client.chat.completions.create


@pytest.fixture
def whole(create: Any) -> str:
    """The whole reply to `CHAT`."""
    return str(create(**CHAT).choices[0].message.content)


def text_of(chunks: list[Any]) -> str:
    """The text that chunks add up to."""
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def test_a_chat_is_answered(create: Any) -> None:
    answer = create(**CHAT)
    [choice] = answer.choices
    assert answer.object == "chat.completion"
    assert answer.model == "qwen-plus"
    assert (choice.index, choice.finish_reason, choice.message.role) == (0, "stop", "assistant")
    assert choice.message.content
    assert answer.id == f"chatcmpl-{answer._request_id}"
    assert answer.usage.prompt_tokens == 16
    assert answer.usage.total_tokens == 16 + answer.usage.completion_tokens
    assert answer.usage.prompt_tokens_details.cached_tokens == 0


def test_a_stream_adds_up_to_the_whole(create: Any, whole: str) -> None:
    chunks = list(create(**CHAT, stream=True))
    assert text_of(chunks) == whole
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant", *[None] * (len(chunks) - 1)]
    assert [chunk.choices[0].finish_reason for chunk in chunks][-2:] == [None, "stop"]
    assert {chunk.usage for chunk in chunks} == {None}
    assert len({chunk.id for chunk in chunks}) == 1


def test_usage_comes_in_a_last_chunk_without_choices(create: Any) -> None:
    *_, last = create(**CHAT, stream=True, stream_options={"include_usage": True})
    assert last.choices == []
    assert last.usage == create(**CHAT).usage


def test_a_tool_is_called_and_its_result_ends_the_loop(create: Any) -> None:
    first = create(**CHAT, tools=TOOLS).choices[0]
    assert first.finish_reason == "tool_calls"
    assert first.message.content == ""
    [call] = first.message.tool_calls
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == CITY_ARGUMENTS
    result = {"role": "tool", "content": "sunny, 25 degrees", "tool_call_id": call.id}
    second = create(model="qwen-plus", messages=[*MESSAGES, first.message, result], tools=TOOLS).choices[0]
    assert second.finish_reason == "stop"
    assert second.message.content
    assert second.message.tool_calls is None


def test_the_stream_helper_puts_a_tool_call_together(openai_client: OpenAI, create: Any) -> None:
    with openai_client.chat.completions.stream(**CHAT, tools=TOOLS) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    [call] = final.choices[0].message.tool_calls or []
    [at_once] = create(**CHAT, tools=TOOLS).choices[0].message.tool_calls
    assert "tool_calls.function.arguments.done" in kinds
    assert final.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_weather"
    assert (call.id, call.function.arguments) == (at_once.id, at_once.function.arguments)


def test_a_later_delta_of_a_tool_call_has_an_empty_id(create: Any) -> None:
    """Not an absent one, as OpenAI sends it: programs that take any id but None for a new call break here."""
    deltas = [chunk.choices[0].delta for chunk in create(**CHAT, tools=TOOLS, stream=True)]
    calls = [call for delta in deltas for call in delta.tool_calls or []]
    assert calls[0].id.startswith("call_")
    assert {call.id for call in calls[1:]} == {""}
    assert {call.function.name for call in calls[1:]} == {None}


def test_a_forced_tool_is_called_whatever_the_question(create: Any) -> None:
    force = {"type": "function", "function": {"name": "get_time"}}
    [call] = create(**CHAT, tools=TOOLS, tool_choice=force).choices[0].message.tool_calls
    assert call.function.name == "get_time"


def test_no_tool_is_called_when_none_may_be(create: Any) -> None:
    assert create(**CHAT, tools=TOOLS, tool_choice="none").choices[0].message.tool_calls is None


def test_n_choices_are_told_apart_by_index(create: Any) -> None:
    at_once = [choice.message.content for choice in create(**CHAT, n=2).choices]
    texts = ["", ""]
    for chunk in create(**CHAT, n=2, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == at_once
    assert texts[0] != texts[1]


def test_logprobs_have_one_row_for_each_token(create: Any) -> None:
    answer = create(**CHAT, logprobs=True, top_logprobs=3)
    rows = answer.choices[0].logprobs.content
    assert len(rows) == answer.usage.completion_tokens
    assert "".join(row.token for row in rows) == answer.choices[0].message.content
    assert all(len(row.top_logprobs) == 3 for row in rows)


def test_max_tokens_and_stop_cut_the_reply(create: Any, whole: str) -> None:
    short = create(**CHAT, max_tokens=5)
    assert (short.choices[0].finish_reason, short.usage.completion_tokens) == ("length", 5)
    word = whole.split()[3]
    stopped = create(**CHAT, stop=word).choices[0]
    assert stopped.message.content == whole[: whole.index(word)]
    assert stopped.finish_reason == "stop"


def test_reasoning_is_an_extra_field_of_the_delta(create: Any, whole: str) -> None:
    options = {"include_usage": True}
    chunks = list(create(**CHAT, stream=True, stream_options=options, extra_body={"enable_thinking": True}))
    deltas = [chunk.choices[0].delta for chunk in chunks[:-1]]
    thoughts = [delta.model_extra.get("reasoning_content") for delta in deltas]
    assert "".join(thought or "" for thought in thoughts)
    assert text_of(chunks) == whole
    usage = chunks[-1].usage
    assert 0 < usage.completion_tokens_details.reasoning_tokens < usage.completion_tokens


def test_json_mode_gives_an_object(create: Any) -> None:
    answer = create(model="qwen-plus", messages=JSON_MESSAGES, response_format={"type": "json_object"})
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


def test_a_json_schema_is_satisfied(create: Any) -> None:
    answer = create(model="qwen-plus", messages=JSON_MESSAGES, response_format=CITY_FORMAT)
    jsonschema.validate(json.loads(answer.choices[0].message.content), CITY_SCHEMA)


def test_parse_gives_an_object_of_the_class(openai_client: OpenAI) -> None:
    answer = openai_client.chat.completions.parse(model="qwen-plus", messages=JSON_MESSAGES, response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)


def test_extra_fields_of_the_service_are_accepted(create: Any) -> None:
    extra = {
        "enable_search": True,
        "top_k": 20,
        "repetition_penalty": 1.1,
        "search_options": {"forced_search": True},
    }
    assert create(**CHAT, extra_body=extra).choices[0].finish_reason == "stop"


def test_fields_of_openai_alone_are_ignored(create: Any, whole: str) -> None:
    answer = create(**CHAT, user="somebody", store=True, metadata={"a": "b"}, frequency_penalty=0.5)
    assert answer.choices[0].message.content == whole


def test_the_same_seed_gives_the_same_reply(create: Any) -> None:
    replies = [[create(**CHAT, seed=seed).choices[0].message.content for _ in range(2)] for seed in range(5)]
    assert all(first == second for first, second in replies)
    assert len({first for first, _ in replies}) > 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_qwen_long_answers_from_an_uploaded_file(openai_client: OpenAI, create: Any, stream: bool) -> None:
    uploaded = openai_client.files.create(file=("x1.txt", DOCUMENT.encode()), purpose=FILE_EXTRACT)
    answer = create(model="qwen-long", messages=about(uploaded.id), stream=stream)
    assert "5000 mAh" in (text_of(list(answer)) if stream else answer.choices[0].message.content)


def test_the_asynchronous_client_says_the_same(server: MockServer, key: str, whole: str) -> None:
    async def run() -> list[str]:
        async with AsyncOpenAI(base_url=server.compatible_url, api_key=key, max_retries=0) as client:
            create: Any = client.chat.completions.create
            answer = await create(**CHAT)
            chunks = [chunk async for chunk in await create(**CHAT, stream=True)]
            return [answer.choices[0].message.content, text_of(chunks)]

    assert asyncio.run(run()) == [whole, whole]
