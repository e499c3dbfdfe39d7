from typing import Any

import pytest

from mockserver import schemas

EMBEDDING = "/api/v1/services/embeddings/text-embedding/text-embedding"
TOKENIZER = "/api/v1/tokenizer"
Call = Any


@pytest.mark.parametrize(
    "given", [{"prompt": "代码改变世界"}, {"messages": [{"role": "user", "content": "代码改变世界"}]}]
)
def test_the_tokenizer_answers_as_recorded(emulator: Call, given: dict[str, Any]) -> None:
    answer = emulator("POST", TOKENIZER, json={"model": "qwen-max", "input": given})
    assert answer.text == (
        '{"output":{"token_ids":[46100,101933,99489],"tokens":["代码","改变","世界"]},"usage":{"input_tokens":3},'
        f'"request_id":"{answer.headers["x-request-id"]}"}}'
    )
    assert schemas.accepts("native/tokenizer-response", answer.json())


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({}, "BadRequest.EmptyModel", 'Required parameter "model" missing from request.'),
        ({"model": "qwen-max"}, "BadRequest.EmptyInput", "Required input parameter missing from request."),
        ({"model": "qwen-min", "input": {"prompt": "a"}}, "InvalidParameter", "Model not exist."),
        ({"model": ["qwen-max"], "input": {"prompt": "a"}}, "InvalidParameter", "Model not exist."),
        (
            {"model": "qwen-max", "input": "a"},
            "BadRequest.IllegalInput",
            "The input parameter requires json format.",
        ),
        (
            {"model": "qwen-max", "input": {"a": 1}},
            "InvalidParameter",
            'Either "prompt" or "messages" must exist',
        ),
        (
            {"model": "qwen-max", "input": {"prompt": 1}},
            "InvalidParameter",
            "input content must be a string.",
        ),
        (
            {"model": "qwen-max", "input": {"messages": [None]}},
            "InvalidParameter",
            "input content must be a string.",
        ),
        (b"{", "InvalidParameter", "Required body invalid, please check the request body format."),
        (b"\xff", "InvalidParameter", "Required body invalid, please check the request body format."),
    ],
)
def test_a_wrong_tokenizer_request_is_refused(emulator: Call, body: Any, code: str, message: str) -> None:
    request = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = emulator("POST", TOKENIZER, **request)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert message in answer.json()["message"]


def test_a_text_has_a_vector_of_the_models_default_length(emulator: Call) -> None:
    answer = emulator("POST", EMBEDDING, json={"model": "text-embedding-v2", "input": {"texts": ["代码改变世界"]}})
    assert list(answer.json()) == ["output", "usage", "request_id"]
    (row,) = answer.json()["output"]["embeddings"]
    assert (list(row), len(row["embedding"]), row["text_index"]) == (["embedding", "text_index"], 1536, 0)
    assert answer.json()["usage"] == {"total_tokens": 3}
    assert schemas.accepts("native/text-embedding-response", answer.json())


def test_the_dimension_can_be_chosen(emulator: Call) -> None:
    body = {"model": "text-embedding-v4", "input": {"texts": ["a", "b"]}, "parameters": {"dimension": 64}}
    rows = emulator("POST", EMBEDDING, json=body).json()["output"]["embeddings"]
    assert [(len(row["embedding"]), row["text_index"]) for row in rows] == [(64, 0), (64, 1)]


@pytest.mark.parametrize(
    ("given", "parameters", "message"),
    [
        (
            {"texts": ["a"] * 11},
            {},
            "batch size is invalid, it should not be larger than 10.: input.contents",
        ),
        ({"texts": [[1, 2]]}, {}, "contents is neither str nor list of str.: input.contents"),
        ({"texts": []}, {}, "contents is neither str nor list of str.: input.contents"),
        ({"text": "a"}, {}, "contents is neither str nor list of str.: input.contents"),
        ({"texts": ["a"]}, {"dimension": 65}, "dimension"),
        ({"texts": ["a"]}, {"dimension": True}, "dimension"),
        ({"texts": ["a"]}, {"dimension": [64]}, "dimension"),
        ({"texts": [""]}, {}, "Range of input length should be [1, 8192]"),
        ({"texts": ["a b " * 9000]}, {}, "Range of input length should be [1, 8192]"),
    ],
)
def test_a_wrong_embedding_request_is_refused(
    emulator: Call, given: dict[str, Any], parameters: dict[str, Any], message: str
) -> None:
    body = {"model": "text-embedding-v4", "input": given, "parameters": parameters}
    answer = emulator("POST", EMBEDDING, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert message in answer.json()["message"]


def test_models_come_in_pages(emulator: Call) -> None:
    first = emulator("GET", "/api/v1/models", params={"page_no": 1, "page_size": 3}).json()
    second = emulator("GET", "/api/v1/models", params={"page_no": 2, "page_size": 3}).json()
    assert schemas.accepts("native/model-list", first)
    assert len(first["output"]["models"]) == 3
    assert first["output"]["total"] > 100
    assert not {row["model"] for row in first["output"]["models"]} & {
        row["model"] for row in second["output"]["models"]
    }


@pytest.mark.parametrize(("name", "rows"), [("qwen-max", [{"model": "qwen-max"}]), ("qwen-min", [])])
def test_one_model_can_be_asked_for(emulator: Call, name: str, rows: list[dict[str, str]]) -> None:
    answer = emulator("GET", "/api/v1/models", params={"model": name, "page_no": 1, "page_size": 1})
    assert answer.json()["output"] == {"total": len(rows), "page_no": 1, "page_size": 1, "models": rows}


@pytest.mark.parametrize("query", ["page_no=x", "page_no=-1", "page_size=" + "9" * 5000, "page_no=²", "page_size=0"])
def test_a_page_that_cannot_be_read_is_the_first(emulator: Call, query: str) -> None:
    answer = emulator("GET", f"/api/v1/models?{query}")
    assert answer.json() == emulator("GET", "/api/v1/models").json() | {"request_id": answer.headers["x-request-id"]}
