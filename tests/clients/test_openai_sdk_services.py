"""The rest of the openai SDK: files, embeddings, models, headers, and the exceptions that refusals become."""

import asyncio
import json
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from clients.samples import (
    DOCUMENT,
    ENGINE_PREFIX,
    FILE_EXTRACT,
    KEY_REFUSED,
    MESSAGES,
    TOKENS_REFUSED,
    TOO_MANY_TOKENS,
)
from mockserver import MockServer

CHAT: dict[str, Any] = {"model": "qwen-plus", "messages": MESSAGES}


def upload(client: OpenAI, name: str = "x1.txt", content: bytes = DOCUMENT.encode()) -> Any:
    """Upload a document."""
    return client.files.create(file=(name, content), purpose=FILE_EXTRACT)


def test_a_file_goes_up_is_shown_read_and_deleted(openai_client: OpenAI) -> None:
    files = openai_client.files
    file = upload(openai_client)
    assert file.id.startswith("file-fe-")
    assert (file.filename, file.bytes, file.purpose) == ("x1.txt", len(DOCUMENT), "file-extract")
    assert file.status == "processed"
    assert files.retrieve(file.id) == file
    assert files.content(file.id).read() == DOCUMENT.encode()
    assert files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        files.retrieve(file.id)


def test_the_file_list_is_walked_page_by_page(openai_client: OpenAI) -> None:
    uploaded = [upload(openai_client, f"文件 {number}.txt").id for number in range(5)]
    page = openai_client.files.list(limit=2)
    assert page.has_more
    assert [file.id for file in page] == uploaded[::-1]


def test_another_key_does_not_see_the_file(openai_client: OpenAI, server: MockServer) -> None:
    file = upload(openai_client)
    stranger = openai_client.with_options(api_key=server.api_key("somebody-else"))
    assert stranger.files.list().data == []
    with pytest.raises(openai.NotFoundError):
        stranger.files.content(file.id)


def test_a_wrong_purpose_is_refused(openai_client: OpenAI) -> None:
    purpose: Any = "vision"
    with pytest.raises(openai.BadRequestError) as caught:
        openai_client.files.create(file=("a.txt", b"text"), purpose=purpose)
    assert caught.value.param == "purpose"


def test_models_are_listed_and_found(openai_client: OpenAI) -> None:
    listed = {model.id: model for model in openai_client.models.list()}
    assert {"qwen-plus", "qwen-max", "qwen-long"} <= set(listed)
    assert openai_client.models.retrieve("qwen-plus") == listed["qwen-plus"]
    with pytest.raises(openai.NotFoundError):
        openai_client.models.retrieve("qwen-plusx")


@pytest.mark.parametrize("encoding", ["left out", "float", "base64"])
def test_embeddings_are_lists_of_numbers_whatever_encoding_is_asked_for(openai_client: OpenAI, encoding: str) -> None:
    """The SDK asks for base64 by itself, and takes lists too."""
    extra: dict[str, Any] = {} if encoding == "left out" else {"encoding_format": encoding}
    answer = openai_client.embeddings.create(model="text-embedding-v4", input=["a", "b"], dimensions=256, **extra)
    assert [row.index for row in answer.data] == [0, 1]
    assert all(len(row.embedding) == 256 for row in answer.data)
    assert all(isinstance(number, float) for row in answer.data for number in row.embedding)
    assert answer.usage.prompt_tokens == 2


def test_token_arrays_are_refused_as_the_service_refuses_them(openai_client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="contents is neither str nor list of str"):
        openai_client.embeddings.create(model="text-embedding-v4", input=[[1, 2, 3]])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_bad_key_is_an_authentication_error(openai_client: OpenAI, stream: bool) -> None:
    create: Any = openai_client.with_options(api_key="bad").chat.completions.create
    with pytest.raises(openai.AuthenticationError) as caught:
        create(**CHAT, stream=stream)
    error = caught.value
    assert (error.status_code, error.code, error.type) == (401, "invalid_api_key", "invalid_request_error")
    assert f"Error code: 401 - {KEY_REFUSED}" in error.message
    assert error.request_id == error.response.json()["request_id"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_unknown_model_is_not_found(openai_client: OpenAI, stream: bool) -> None:
    create: Any = openai_client.chat.completions.create
    with pytest.raises(openai.NotFoundError) as caught:
        create(model="qwen-plusx", messages=MESSAGES, stream=stream)
    assert caught.value.code == "model_not_found"
    assert "The model `qwen-plusx` does not exist or you do not have access to it." in caught.value.message
    assert caught.value.request_id == caught.value.response.json()["request_id"]


def test_a_value_out_of_range_is_a_bad_request(openai_client: OpenAI) -> None:
    create: Any = openai_client.chat.completions.create
    with pytest.raises(openai.BadRequestError) as caught:
        create(**CHAT, max_tokens=TOO_MANY_TOKENS)
    assert (caught.value.code, caught.value.param) == ("invalid_parameter_error", None)
    assert ENGINE_PREFIX + TOKENS_REFUSED in caught.value.message
    body = caught.value.response.json()
    assert body["request_id"] == caught.value.request_id
    assert body["id"] == f"chatcmpl-{caught.value.request_id}"


def test_a_refused_stream_has_a_frame_for_a_body(openai_client: OpenAI) -> None:
    """The SDK cannot parse it: no code and no message, the frame is the body. So it is at the service."""
    create: Any = openai_client.chat.completions.create
    with pytest.raises(openai.BadRequestError) as caught:
        create(**CHAT, max_tokens=TOO_MANY_TOKENS, stream=True)
    error = caught.value
    assert (error.status_code, error.code) == (400, None)
    assert error.response.text.startswith("data: ")
    assert error.response.text.endswith("\n\n")
    frame = json.loads(error.response.text.removeprefix("data: "))
    assert frame["error"]["message"] == TOKENS_REFUSED
    assert frame["id"] == f"chatcmpl-{error.request_id}"


def test_a_wrong_type_is_a_bad_request(openai_client: OpenAI) -> None:
    create: Any = openai_client.chat.completions.create
    with pytest.raises(openai.BadRequestError) as caught:
        create(**CHAT, temperature="hot")
    assert caught.value.code == "invalid_value"
    assert "'temperature' must be Float" in caught.value.message


def test_the_raw_response_has_the_headers_of_the_service(openai_client: OpenAI) -> None:
    raw: Any = openai_client.chat.completions.with_raw_response.create(**CHAT)
    assert raw.headers["content-type"] == "application/json"
    assert raw.headers["server"] == "istio-envoy"
    assert raw.headers["x-dashscope-call-gateway"] == "true"
    assert raw.parse().id == f"chatcmpl-{raw.headers['x-request-id']}"
    assert not [name for name in raw.headers if name.startswith(("x-ratelimit", "retry-after", "openai-"))]


def test_the_raw_stream_has_them_too(openai_client: OpenAI) -> None:
    with openai_client.chat.completions.with_streaming_response.create(**CHAT, stream=True) as raw:
        assert raw.headers["content-type"].lower() == "text/event-stream;charset=utf-8"
        assert list(raw.iter_lines())[-2:] == ["data: [DONE]", ""]


def test_a_wrong_path_has_no_body(openai_client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        openai_client.batches.list()
    assert caught.value.response.content == b""


def test_the_asynchronous_client_has_the_same_services(server: MockServer, key: str) -> None:
    async def run() -> None:
        async with AsyncOpenAI(base_url=server.compatible_url, api_key=key, max_retries=0) as client:
            file = await client.files.create(file=("x1.txt", DOCUMENT.encode()), purpose=FILE_EXTRACT)
            assert [row.id async for row in client.files.list()] == [file.id]
            assert (await client.files.content(file.id)).content == DOCUMENT.encode()
            assert (await client.files.delete(file.id)).deleted
            assert "qwen-plus" in {model.id async for model in client.models.list()}
            assert len((await client.embeddings.create(model="text-embedding-v3", input="x")).data[0].embedding) == 1024
            create: Any = client.chat.completions.create
            with pytest.raises(openai.NotFoundError):
                await create(model="qwen-plusx", messages=MESSAGES)
            with pytest.raises(openai.AuthenticationError):
                await client.with_options(api_key="bad").models.list()

    asyncio.run(run())
