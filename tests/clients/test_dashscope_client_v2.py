"""`dashscope.Client`, new in 2.0: one interface over both dialects.

For a native stream it sends `X-DashScope-SSE: enable` with `Accept: */*`, and always asks for increments.
"""

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from dashscope import AsyncClient, Client
from dashscope.v2 import errors

from clients.samples import (
    CITY_ARGUMENTS,
    CITY_FORMAT,
    CITY_SCHEMA,
    DOCUMENT,
    ENGINE_PREFIX,
    JSON_MESSAGES,
    KEY_REFUSED,
    MESSAGES,
    TOKENS_REFUSED,
    TOO_MANY_TOKENS,
    TOOLS,
    about,
)
from mockserver import MockServer

CHAT: dict[str, Any] = {"model": "qwen-plus", "messages": MESSAGES}
PROTOCOLS = ["native", "openai"]


def options(server: MockServer, protocol: str, key: str) -> dict[str, Any]:
    """What every client here is made with; the developer's own configuration file is not read."""
    url = server.native_url if protocol == "native" else server.compatible_url
    nowhere = Path("/nowhere/config.toml")
    return {"base_url": url, "api_key": key, "protocol": protocol, "max_retries": 0, "config_path": nowhere}


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(server: MockServer, protocol: str, key: str) -> Iterator[Any]:
    with Client(**options(server, protocol, key)) as opened:
        yield opened


@pytest.fixture
def native(server: MockServer, key: str) -> Iterator[Any]:
    with Client(**options(server, "native", key)) as opened:
        yield opened


def test_a_chat_is_answered_with_usage_and_a_request_id(client: Any) -> None:
    answer = client.chat.completions.create(**CHAT)
    [choice] = answer.choices
    assert choice.message.content
    assert choice.finish_reason == "stop"
    assert answer.usage.input_tokens == 16
    assert answer.usage.total_tokens == 16 + answer.usage.output_tokens
    assert answer.request_id.removeprefix("chatcmpl-") == answer.headers["x-request-id"]


def test_both_protocols_say_the_same(server: MockServer, key: str) -> None:
    texts = set()
    for protocol in PROTOCOLS:
        with Client(**options(server, protocol, key)) as client:
            create: Any = client.chat.completions.create
            texts.add(create(**CHAT).choices[0].message.content)
            texts.add("".join(create(**CHAT, stream=True).text_stream))
    assert len(texts) == 1


def test_a_native_stream_is_asked_for_with_one_header(server: MockServer, key: str) -> None:
    sent: list[httpx.Request] = []
    key_of_http = {"Authorization": f"Bearer {key}"}
    with httpx.Client(event_hooks={"request": [sent.append]}, headers=key_of_http) as http:
        create: Any = Client(**options(server, "native", key), http_client=http).chat.completions.create
        pieces = list(create(**CHAT, stream=True).text_stream)
    assert len(pieces) > 2
    assert sent[0].headers["x-dashscope-sse"] == "enable"
    assert sent[0].headers["accept"] == "*/*"
    assert json.loads(sent[0].content)["parameters"] == {
        "result_format": "message",
        "incremental_output": True,
    }


def test_increments_are_merged_on_request(client: Any) -> None:
    whole = client.chat.completions.create(**CHAT).choices[0].message.content
    texts = list(client.chat.completions.create(**CHAT, stream=True, incremental_output=False).text_stream)
    assert texts[-1] == whole
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))


def test_the_native_text_format_is_read_too(native: Any) -> None:
    message = native.chat.completions.create(**CHAT)
    text = native.chat.completions.create(**CHAT, parameters={"result_format": "text"})
    assert text.choices[0].message.content == message.choices[0].message.content


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_tool_is_called_and_its_result_ends_the_loop(client: Any, stream: bool) -> None:
    create = client.chat.completions.create

    def ask(messages: list[Any]) -> Any:
        answer = create(model="qwen-plus", messages=messages, tools=TOOLS, stream=stream)
        return (answer.get_final_message() if stream else answer).choices[0]

    first = ask(MESSAGES)
    assert first.finish_reason == "tool_calls"
    [call] = first.message.tool_calls
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == CITY_ARGUMENTS
    asked = {"role": "assistant", "content": "", "tool_calls": [call.model_dump(exclude_none=True)]}
    second = ask([*MESSAGES, asked, {"role": "tool", "content": "sunny", "tool_call_id": call.id}])
    assert second.finish_reason == "stop"
    assert second.message.content


def test_thinking_is_streamed_apart_from_the_answer(client: Any) -> None:
    whole = client.chat.completions.create(**CHAT).choices[0].message.content
    answer = client.chat.completions.create(**CHAT, stream=True, enable_thinking=True).get_final_message()
    assert answer.choices[0].message.reasoning_content
    assert answer.choices[0].message.content == whole


def test_parameters_reach_the_model(client: Any) -> None:
    answer = client.chat.completions.create(**CHAT, n=2, max_tokens=4, seed=7, top_k=20, enable_search=True)
    assert [choice.finish_reason for choice in answer.choices] == ["length", "length"]
    assert answer.usage.output_tokens == 8


def test_a_json_schema_is_satisfied(client: Any) -> None:
    answer = client.chat.completions.create(model="qwen-plus", messages=JSON_MESSAGES, response_format=CITY_FORMAT)
    jsonschema.validate(json.loads(answer.choices[0].message.content), CITY_SCHEMA)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_bad_key_raises(client: Any, protocol: str, stream: bool) -> None:
    with pytest.raises(errors.AuthenticationError) as caught:
        client.chat.completions.create(**CHAT, api_key="bad", stream=stream)
    error = caught.value
    assert error.status_code == 401
    assert error.code == ("InvalidApiKey" if protocol == "native" else "invalid_api_key")
    assert error.message.startswith("Invalid API-key provided." if protocol == "native" else KEY_REFUSED)
    assert error.request_id == error.headers["x-request-id"]


def test_an_unknown_model_is_a_bad_request_natively_and_not_found_compatibly(client: Any, protocol: str) -> None:
    with pytest.raises(errors.APIStatusError) as caught:
        client.chat.completions.create(model="qwen-plusx", messages=MESSAGES)
    wanted = (400, "InvalidParameter") if protocol == "native" else (404, "model_not_found")
    assert (caught.value.status_code, caught.value.code) == wanted


def test_a_value_out_of_range_raises(client: Any) -> None:
    with pytest.raises(errors.BadRequestError) as caught:
        client.chat.completions.create(**CHAT, max_tokens=TOO_MANY_TOKENS)
    assert caught.value.message == ENGINE_PREFIX + TOKENS_REFUSED


def test_a_refused_stream_raises_what_its_frame_says(client: Any, protocol: str) -> None:
    """Natively an `event:error` under status 200; compatibly one frame under 400, without the prefix."""
    with pytest.raises(errors.BadRequestError) as caught:
        list(client.chat.completions.create(**CHAT, max_tokens=TOO_MANY_TOKENS, stream=True))
    wanted = (200, ENGINE_PREFIX) if protocol == "native" else (400, "")
    assert (caught.value.status_code, caught.value.message) == (wanted[0], wanted[1] + TOKENS_REFUSED)


def test_a_document_is_uploaded_asked_about_and_deleted(native: Any, document: Path) -> None:
    file = native.files.upload(file_path=str(document), purpose="file-extract")
    assert native.files.get(file.file_id).size == len(DOCUMENT)
    answer = native.chat.completions.create(model="qwen-long", messages=about(file.file_id))
    assert "5000 mAh" in answer.choices[0].message.content
    assert native.files.list().total_count == 1
    assert native.files.delete(file.file_id).deleted
    with pytest.raises(errors.NotFoundError):
        native.files.get(file.file_id)


def test_embeddings_tokens_and_models_are_native(native: Any) -> None:
    vectors = native.embeddings.create(model="text-embedding-v4", input=["风急天高猿啸哀", "渚清沙白鸟飞回"])
    assert [(row.index, len(row.embedding)) for row in vectors.embeddings] == [(0, 1024), (1, 1024)]
    assert native.tokenization.count(model="qwen-plus", prompt="代码改变世界").input_tokens == 3
    assert native.models.list(page_size=5).total_count > 100
    assert native.models.get("qwen-max").model == "qwen-max"
    with pytest.raises(errors.NotFoundError):
        native.models.get("qwen-maxx")


def test_the_asynchronous_client_says_the_same(server: MockServer, protocol: str, key: str) -> None:
    async def run() -> set[str]:
        async with AsyncClient(**options(server, protocol, key)) as client:
            create: Any = client.chat.completions.create
            answer = await create(**CHAT)
            stream = await create(**CHAT, stream=True)
            with pytest.raises(errors.BadRequestError):
                await create(**CHAT, max_tokens=TOO_MANY_TOKENS)
            return {answer.choices[0].message.content, "".join([text async for text in stream.text_stream])}

    assert len(asyncio.run(run())) == 1
