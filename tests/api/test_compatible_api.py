from typing import Any

import pytest

from mockserver import schemas

EMBEDDINGS = "/compatible-mode/v1/embeddings"
MODELS = "/compatible-mode/v1/models"
Call = Any


def test_embeddings_answer_lists_of_numbers_whatever_is_asked_for(emulator: Call) -> None:
    body = {
        "model": "text-embedding-v4",
        "input": ["代码改变世界", "a"],
        "dimensions": 64,
        "encoding_format": "base64",
    }
    answer = emulator("POST", EMBEDDINGS, json=body)
    found = answer.json()
    assert list(found) == ["data", "model", "object", "usage", "id"]
    assert [list(row) for row in found["data"]] == [["embedding", "index", "object"]] * 2
    assert [len(row["embedding"]) for row in found["data"]] == [64, 64]
    assert found["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert found["id"] == answer.headers["x-request-id"]
    assert schemas.accepts("compatible/embeddings-response", found)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"input": "a"}, 400, "you must provide a model parameter"),
        (
            {"model": "gpt-4", "input": "a"},
            404,
            "The model `gpt-4` does not exist or you do not have access to it.",
        ),
        ({"model": 4, "input": "a"}, 404, "The model `4` does not exist or you do not have access to it."),
        ({"model": "text-embedding-v4"}, 400, "contents is neither str nor list of str.: input.contents"),
        ({"model": "text-embedding-v4", "input": [[1, 2]]}, 400, "contents is neither str nor list of str."),
        ({"model": "text-embedding-v4", "input": ["a"] * 11}, 400, "it should not be larger than 10."),
    ],
)
def test_a_wrong_embedding_request_is_refused(emulator: Call, body: Any, status: int, message: str) -> None:
    answer = emulator("POST", EMBEDDINGS, json=body)
    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]
    assert schemas.accepts("compatible/error", answer.json())


def test_the_list_has_the_models_of_this_dialect(emulator: Call) -> None:
    found = emulator("GET", MODELS).json()
    assert schemas.accepts("compatible/model-list", found)
    assert "qwen-plus" in {row["id"] for row in found["data"]}


def test_one_model_is_its_row_of_the_list(emulator: Call) -> None:
    rows = emulator("GET", MODELS).json()["data"]
    assert emulator("GET", f"{MODELS}/qwen-plus").json() in rows


def test_an_unknown_model_is_not_found(emulator: Call) -> None:
    answer = emulator("GET", f"{MODELS}/qwen-minus")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
