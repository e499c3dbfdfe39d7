"""The schema layer of the compatible dialect: its texts, and the body that is its own."""

from typing import Any

import pytest
from refusals import USER, compatible_body, refusal, said

ROLE = "{} is not one of ['system', 'assistant', 'user', 'tool', 'function'] - 'messages.['{}].role'"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (compatible_body(seed=-1), "-1 is lesser than the minimum of 0 - 'seed'"),
        (compatible_body("qwen-plus", []), "[] is too short - 'messages'"),
        (compatible_body("qwen-plus", [{"role": "developer", "content": "好"}]), ROLE.format("developer", 0)),
        (compatible_body("qwen-plus", [USER, {"content": "好"}]), ROLE.format("null", 1)),
        (compatible_body("qwen-plus", [USER, {"role": "plugin", "content": ""}]), ROLE.format("plugin", 1)),
    ],
)
@pytest.mark.parametrize("profile", ["2026", "2024"])
def test_the_layer_has_texts_of_its_own(body: dict[str, Any], text: str, profile: str) -> None:
    assert said("compatible", body, profile=profile) == text


@pytest.mark.parametrize("stream", [False, True])
def test_its_body_has_a_request_id_like_a_completion_and_is_never_a_stream(*, stream: bool) -> None:
    body = compatible_body("qwen-plus", [{"role": "developer", "content": "好"}], stream=stream)
    refused = refusal("compatible", body)
    assert refused is not None
    assert (refused.status, refused.content_type) == (400, b"application/json")
    assert refused.body == (
        b'{"error":{"message":"%b","type":"invalid_request_error","param":null,"code":null},'
        b'"request_id":"chatcmpl-<uuid>"}' % ROLE.format("developer", 0).encode()
    )


def test_it_speaks_before_the_gateway_and_the_engine() -> None:
    broken = compatible_body("qwen-plus", seed=-1, enable_thinking=True, top_logprobs=9)
    assert said("compatible", broken) == "-1 is lesser than the minimum of 0 - 'seed'"
