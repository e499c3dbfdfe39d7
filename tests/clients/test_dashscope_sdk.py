"""dashscope's `Generation` and `AioGeneration`, as most programs call them, in version 1 and 2 alike."""

import asyncio
import itertools
import json
from typing import Any

import jsonschema
import pytest
import requests

from clients.samples import (
    CITY_ARGUMENTS,
    CITY_FORMAT,
    CITY_SCHEMA,
    JSON_MESSAGES,
    MESSAGES,
    TOOLS,
    Sdk,
    about,
)
from mockserver import MockServer

ONE_PLUS_ONE = "请问 1+1 是多少？"
CHAT: dict[str, Any] = {"model": "qwen-plus", "messages": MESSAGES, "result_format": "message"}


def said(response: Any) -> str:
    """The text of the first choice."""
    return str(response.output.choices[0].message.content)


@pytest.fixture
def whole(sdk: Sdk) -> str:
    """The whole reply to `CHAT`."""
    return said(sdk.Generation.call(**CHAT))


def test_a_prompt_is_answered_as_text(sdk: Sdk) -> None:
    response = sdk.Generation.call(model="qwen-max", prompt=ONE_PLUS_ONE)
    assert response.status_code == 200
    assert (response.code, response.message) == ("", "")
    assert len(response.request_id) == 36
    assert response.output.text
    assert response.output.finish_reason == "stop"
    assert response.output.choices is None
    assert response.usage.input_tokens == 16
    assert response.usage.total_tokens == 16 + response.usage.output_tokens


def test_the_base_address_can_be_given_with_the_call(sdk: Sdk, server: MockServer, key: str) -> None:
    sdk.base_http_api_url = "http://nobody.invalid/api/v1"
    response = sdk.Generation.call(model="qwen-max", prompt=ONE_PLUS_ONE, api_key=key, base_address=server.native_url)
    assert response.status_code == 200


def test_a_prompt_with_history_counts_the_history(sdk: Sdk) -> None:
    alone = sdk.Generation.call(model="qwen-max", prompt=ONE_PLUS_ONE)
    after = sdk.Generation.call(model="qwen-max", prompt=ONE_PLUS_ONE, history=[{"user": "你好", "bot": "你好！"}])
    assert after.usage.input_tokens > alone.usage.input_tokens


def test_messages_are_answered_as_a_message(sdk: Sdk) -> None:
    response = sdk.Generation.call(**CHAT, workspace="ws-1", headers={"X-DashScope-DataInspection": "enable"})
    choice = response.output.choices[0]
    assert response.output.text is None
    assert choice.message.role == "assistant"
    assert choice.message.content
    assert choice.finish_reason == "stop"


def test_a_stream_is_full_unless_asked_otherwise(sdk: Sdk, whole: str) -> None:
    responses = list(sdk.Generation.call(**CHAT, stream=True))
    texts = [said(response) for response in responses]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))
    assert texts[-1] == whole
    assert len({response.request_id for response in responses}) == 1
    reasons = [response.output.choices[0].finish_reason for response in responses]
    assert set(reasons[:-1]) == {"null"}
    assert reasons[-1] == "stop"


def test_an_incremental_stream_adds_up_to_the_whole(sdk: Sdk, whole: str) -> None:
    responses = list(sdk.Generation.call(**CHAT, stream=True, incremental_output=True))
    assert "".join(map(said, responses)) == whole
    spent = [response.usage.output_tokens for response in responses]
    assert spent == sorted(spent)


def test_an_explicit_false_is_rewritten_to_incremental_and_merged_by_the_sdk(sdk: Sdk, whole: str) -> None:
    """Since 1.25.0. A server that sent full text in spite of it would be doubled."""
    with requests.Session() as session:
        sent: list[Any] = []
        session.hooks["response"].append(lambda response, **_: sent.append(response.request))
        texts = list(map(said, sdk.Generation.call(**CHAT, stream=True, incremental_output=False, session=session)))
    assert json.loads(sent[0].body)["parameters"]["incremental_output"] is True
    assert "incremental_to_full/1" in sent[0].headers["user-agent"]
    assert texts[-1] == whole
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))


@pytest.mark.parametrize("incremental", [None, True, False])
def test_a_prompt_streams_the_text_format(sdk: Sdk, incremental: bool | None) -> None:
    call = {"model": "qwen-max", "prompt": ONE_PLUS_ONE}
    parts = list(sdk.Generation.call(**call, stream=True, incremental_output=incremental))
    texts = [part.output.text for part in parts]
    whole = sdk.Generation.call(**call).output.text
    assert ("".join(texts) if incremental else texts[-1]) == whole
    assert parts[-1].output.finish_reason == "stop"


def test_a_tool_is_called_and_its_result_ends_the_loop(sdk: Sdk) -> None:
    first = sdk.Generation.call(**CHAT, tools=TOOLS).output.choices[0]
    assert first.finish_reason == "tool_calls"
    assert first.message.content == ""
    [call] = first.message.tool_calls
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == CITY_ARGUMENTS
    result = {
        "role": "tool",
        "content": "sunny, 25 degrees",
        "tool_call_id": call["id"],
        "name": "get_weather",
    }
    again = CHAT | {"messages": [*MESSAGES, first.message, result]}
    second = sdk.Generation.call(**again, tools=TOOLS).output.choices[0]
    assert second.finish_reason == "stop"
    assert second.message.content
    assert "tool_calls" not in second.message


@pytest.mark.parametrize("incremental", [None, False])
def test_streamed_tool_calls_arrive_whole(sdk: Sdk, incremental: bool | None) -> None:
    *_, last = sdk.Generation.call(**CHAT, tools=TOOLS, stream=True, incremental_output=incremental)
    choice = last.output.choices[0]
    [call] = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == CITY_ARGUMENTS


def test_thinking_streams_reasoning_first_and_counts_it(sdk: Sdk, whole: str) -> None:
    parts = list(sdk.Generation.call(**CHAT, enable_thinking=True, stream=True, incremental_output=True))
    messages = [part.output.choices[0].message for part in parts]
    thinking = [bool(message.reasoning_content) for message in messages]
    assert thinking[0]
    assert thinking == sorted(thinking, reverse=True)
    assert "".join(message.content for message in messages) == whole
    usage = parts[-1].usage
    assert 0 < usage["output_tokens_details"]["reasoning_tokens"] < usage.output_tokens


def test_a_stop_sequence_ends_the_reply_and_is_not_part_of_it(sdk: Sdk, whole: str) -> None:
    stop = whole.split()[3]
    response = sdk.Generation.call(**CHAT, stop=[stop])
    assert said(response) == whole[: whole.index(stop)]
    assert response.output.choices[0].finish_reason == "stop"


def test_max_tokens_ends_the_reply_with_length(sdk: Sdk, whole: str) -> None:
    response = sdk.Generation.call(**CHAT, max_tokens=5)
    assert response.output.choices[0].finish_reason == "length"
    assert response.usage.output_tokens == 5
    assert whole.startswith(said(response))


def test_n_choices_share_the_input(sdk: Sdk) -> None:
    response = sdk.Generation.call(**CHAT, n=2)
    assert [choice["index"] for choice in response.output.choices] == [0, 1]
    assert response.usage.input_tokens == sdk.Generation.call(**CHAT).usage.input_tokens


def test_n_choices_can_be_merged_by_the_sdk(sdk: Sdk) -> None:
    at_once = sdk.Generation.call(**CHAT, n=2)
    last: dict[int, str] = {}
    for part in sdk.Generation.call(**CHAT, n=2, stream=True, incremental_output=False):
        last |= {choice["index"]: choice["message"]["content"] for choice in part.output.choices}
    assert last == {choice["index"]: choice.message.content for choice in at_once.output.choices}


def test_logprobs_have_one_row_for_each_token(sdk: Sdk) -> None:
    response = sdk.Generation.call(**CHAT, logprobs=True, top_logprobs=2)
    rows = response.output.choices[0].logprobs["content"]
    assert "".join(row["token"] for row in rows) == said(response)
    assert all(len(row["top_logprobs"]) == 2 for row in rows)


def test_json_mode_gives_an_object(sdk: Sdk) -> None:
    call = CHAT | {"messages": JSON_MESSAGES}
    assert isinstance(json.loads(said(sdk.Generation.call(**call, response_format={"type": "json_object"}))), dict)


def test_a_json_schema_is_satisfied(sdk: Sdk) -> None:
    call = CHAT | {"messages": JSON_MESSAGES}
    jsonschema.validate(json.loads(said(sdk.Generation.call(**call, response_format=CITY_FORMAT))), CITY_SCHEMA)


def test_the_same_seed_gives_the_same_reply(sdk: Sdk) -> None:
    replies = {seed: [said(sdk.Generation.call(**CHAT, seed=seed)) for _ in range(2)] for seed in range(5)}
    assert all(first == second for first, second in replies.values())
    assert len({first for first, _ in replies.values()}) > 1


def test_search_and_sampling_parameters_are_accepted(sdk: Sdk) -> None:
    response = sdk.Generation.call(
        **CHAT,
        enable_search=True,
        top_p=0.8,
        top_k=50,
        temperature=0.7,
        repetition_penalty=1.1,
        presence_penalty=0.5,
        parallel_tool_calls=True,
        output_in_full=True,
    )
    assert response.status_code == 200


def test_qwen_long_answers_from_an_uploaded_file(sdk: Sdk, document: Any) -> None:
    uploaded = sdk.Files.upload(str(document), purpose="file-extract")
    messages = about(uploaded.output["uploaded_files"][0]["file_id"])
    for options in ({}, {"stream": True, "incremental_output": False}):
        response = sdk.Generation.call(model="qwen-long", messages=messages, result_format="message", **options)
        assert "5000 mAh" in said(list(response)[-1] if options else response)


def test_the_asynchronous_twin_says_the_same(sdk: Sdk, whole: str) -> None:
    async def run() -> list[str]:
        try:
            call = sdk.AioGeneration.call
            full = [said(part) async for part in await call(**CHAT, stream=True)]
            merged = [said(part) async for part in await call(**CHAT, stream=True, incremental_output=False)]
            pieces = [said(part) async for part in await call(**CHAT, stream=True, incremental_output=True)]
            return [said(await call(**CHAT)), full[-1], merged[-1], "".join(pieces)]
        finally:
            await sdk.close_shared_aio_session()

    assert asyncio.run(run()) == [whole] * 4
