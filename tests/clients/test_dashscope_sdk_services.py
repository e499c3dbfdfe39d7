"""The rest of the dashscope SDK: files, embeddings, tokenizer, models, and how it shows a refusal."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from clients.samples import DOCUMENT, ENGINE_PREFIX, MESSAGES, TOKENS_REFUSED, TOO_MANY_TOKENS, Sdk
from mockserver import MockServer

CHAT: dict[str, Any] = {"model": "qwen-plus", "messages": MESSAGES, "result_format": "message"}
BAD_KEY = ({"api_key": "bad"}, 401, "InvalidApiKey", "Invalid API-key provided.")
BAD_MODEL = ({"model": "qwen-plusx"}, 400, "InvalidParameter", "Model not exist.")
BAD_RANGE = ({"max_tokens": TOO_MANY_TOKENS}, 400, "InvalidParameter", ENGINE_PREFIX + TOKENS_REFUSED)
REFUSALS = pytest.mark.parametrize(
    ("change", "status", "code", "message"), [BAD_KEY, BAD_MODEL, BAD_RANGE], ids=["key", "model", "range"]
)


def shown(response: Any) -> tuple[int, str, str]:
    """What a program sees of a refusal."""
    assert response.output is None
    assert len(response.request_id) == 36
    return response.status_code, response.code, response.message


@REFUSALS
def test_a_refusal_is_a_response_and_not_an_exception(
    sdk: Sdk, change: dict[str, Any], status: int, code: str, message: str
) -> None:
    assert shown(sdk.Generation.call(**CHAT | change)) == (status, code, message)


@REFUSALS
def test_a_refused_stream_has_one_response(
    sdk: Sdk, change: dict[str, Any], status: int, code: str, message: str
) -> None:
    """The model and the range arrive as `event:error` with status 200, of which the SDK makes a 400."""
    [response] = sdk.Generation.call(**CHAT | change, stream=True)
    assert shown(response) == (status, code, message)


@REFUSALS
def test_the_asynchronous_twin_is_refused_likewise(
    sdk: Sdk, change: dict[str, Any], status: int, code: str, message: str
) -> None:
    async def run() -> list[tuple[int, str, str]]:
        try:
            responses = [await sdk.AioGeneration.call(**CHAT | change)]
            responses += [part async for part in await sdk.AioGeneration.call(**CHAT | change, stream=True)]
            return [shown(response) for response in responses]
        finally:
            await sdk.close_shared_aio_session()

    assert asyncio.run(run()) == [(status, code, message)] * 2


def test_several_wrong_values_are_told_at_once(sdk: Sdk) -> None:
    message = sdk.Generation.call(**CHAT, top_p="many", temperature="hot").message
    assert message.startswith(ENGINE_PREFIX)
    assert message.count("Input should be a valid number") == 2
    assert " & " in message


def test_a_file_goes_up_is_listed_shown_and_deleted(sdk: Sdk, document: Path) -> None:
    uploaded = sdk.Files.upload(str(document), purpose="file-extract", description="a phone")
    assert uploaded.status_code == 200
    assert uploaded.output["failed_uploads"] == []
    [file] = uploaded.output["uploaded_files"]
    assert file["name"] == "x1.txt"

    listed = sdk.Files.list(page=1, page_size=5).output
    assert listed["total"] == 1
    assert sdk.Files.get(file["file_id"]).output == listed["files"][0]
    assert listed["files"][0]["size"] == len(DOCUMENT)
    assert listed["files"][0]["description"] == "a phone"

    assert sdk.Files.delete(file["file_id"]).status_code == 200
    assert sdk.Files.list().output["total"] == 0
    assert sdk.Files.get(file["file_id"]).status_code != 200


def test_another_key_does_not_see_the_file(sdk: Sdk, document: Path, server: MockServer) -> None:
    sdk.Files.upload(str(document), purpose="file-extract")
    assert sdk.Files.list(api_key=server.api_key("somebody-else")).output["total"] == 0


def test_files_come_in_pages(sdk: Sdk, document: Path) -> None:
    for _ in range(3):
        sdk.Files.upload(str(document), purpose="file-extract")
    pages = [sdk.Files.list(page=number, page_size=2).output["files"] for number in (1, 2, 3)]
    assert list(map(len, pages)) == [2, 1, 0]


@pytest.mark.parametrize(
    ("model", "length"), [("text-embedding-v1", 1536), ("text-embedding-v4", 1024)], ids=["v1", "v4"]
)
def test_embeddings_are_vectors_of_the_length_of_the_model(sdk: Sdk, model: str, length: int) -> None:
    response = sdk.TextEmbedding.call(model=model, input=["风急天高猿啸哀", "渚清沙白鸟飞回"])
    rows = response.output["embeddings"]
    assert [row["text_index"] for row in rows] == [0, 1]
    assert [len(row["embedding"]) for row in rows] == [length, length]
    assert response.usage["total_tokens"] > 0
    assert rows[0]["embedding"] == sdk.TextEmbedding.call(model, "风急天高猿啸哀").output["embeddings"][0]["embedding"]


def test_too_many_texts_are_refused(sdk: Sdk) -> None:
    response = sdk.TextEmbedding.call(model="text-embedding-v4", input=["x"] * 11)
    assert (response.status_code, response.code) == (400, "InvalidParameter")
    assert response.message.endswith("it should not be larger than 10.: input.contents")


@pytest.mark.parametrize("text", ["代码改变世界", "Hello, world!", "你好？ 1+1=2 🙂"])
def test_the_server_and_the_local_tokenizer_agree(sdk: Sdk, text: str) -> None:
    by_server = sdk.Tokenization.call(model="qwen-turbo", prompt=text)
    by_itself = sdk.get_tokenizer("qwen-turbo").encode(text)
    assert by_server.output["token_ids"] == by_itself
    assert by_server.usage["input_tokens"] == len(by_itself)


def test_usage_is_what_the_local_tokenizer_counts(sdk: Sdk) -> None:
    """A user message costs 5 more tokens than its text, and the opening of the answer 3."""
    tokenizer = sdk.get_tokenizer("qwen-plus")
    response = sdk.Generation.call(**CHAT)
    text = response.output.choices[0].message.content
    assert response.usage.input_tokens == len(tokenizer.encode(MESSAGES[0]["content"])) + 5 + 3
    assert response.usage.output_tokens == len(tokenizer.encode(text))


def test_the_tokenizer_takes_messages(sdk: Sdk) -> None:
    response = sdk.Tokenization.call(model="qwen-turbo", messages=[{"role": "user", "content": "你好？"}])
    assert response.output == {"token_ids": [108386, 11319], "tokens": ["你好", "？"]}
    assert response.usage == {"input_tokens": 2}


def test_models_are_listed_in_pages(sdk: Sdk) -> None:
    first, second = (sdk.Models.list(page=page, page_size=5).output for page in (1, 2))
    assert first["total"] > 100
    assert len({row["model"] for row in first["models"] + second["models"]}) == 10


def test_one_model_is_found_and_another_is_not(sdk: Sdk) -> None:
    assert sdk.Models.get("qwen-max").output["model"] == "qwen-max"
    assert sdk.Models.get("qwen-maxx").status_code == 404
