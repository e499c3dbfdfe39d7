import asyncio
import logging
from typing import Any

import pytest

from mockserver.api import generation
from mockserver.dialects import native
from mockserver.errors import catalogue

GENERATION = "/api/v1/services/aigc/text-generation/generation"
CHAT = "/compatible-mode/v1/chat/completions"
QUESTION = {"model": "qwen-max", "input": {"prompt": "你好"}}
Call = Any
CHAT_QUESTION = {"messages": [{"role": "user", "content": "你好"}]}
STREAM = {"x-dashscope-sse": "enable"}


@pytest.mark.parametrize("path", [GENERATION, "/api/v1/made/up", "/api/v1/files", "/api/v1/"])
@pytest.mark.parametrize(
    ("key", "name"),
    [(None, "InvalidApiKey/missing"), ("", "InvalidApiKey/missing"), ("invalid", "InvalidApiKey")],
)
def test_the_key_comes_before_the_path(emulator: Call, path: str, key: str | None, name: str) -> None:
    answer = emulator("GET", path, key=key)
    assert answer.status_code == 401
    assert answer.json() == {
        "code": "InvalidApiKey",
        "message": catalogue()[name].native.message,
        "request_id": answer.headers["x-request-id"],
    }


@pytest.mark.parametrize("path", [CHAT, "/compatible-mode/v1/made/up"])
def test_the_compatible_dialect_says_it_in_its_own_words(emulator: Call, path: str) -> None:
    answer = emulator("POST", path, key="invalid", json={})
    assert answer.status_code == 401
    assert list(answer.json()) == ["error", "request_id"]
    assert answer.json()["error"]["code"] == "invalid_api_key"


def test_a_refused_key_is_plain_json_even_for_a_stream(emulator: Call) -> None:
    answer = emulator("POST", GENERATION, key="invalid", headers={"x-dashscope-sse": "enable"}, json=QUESTION)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/json")
    assert "x-dashscope-call-gateway" not in answer.headers


def test_only_listed_keys_are_accepted(make: Call) -> None:
    emulator = make(api_keys=("sk-a",))
    assert emulator("GET", "/api/v1/models", key="sk-a").status_code == 200
    assert emulator("GET", "/api/v1/models", key="sk-b").status_code == 401


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_a_wrong_method_is_named(emulator: Call, method: str) -> None:
    answer = emulator(method, GENERATION)
    assert answer.status_code == 400
    assert answer.json()["message"] == f"Request method '{method}' is not supported."


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("services/aigc/made/up", 400, "url error, please check url！"),
        ("services/aigc/text-generation/generation/", 400, "url error, please check url！"),
        ("services/embeddings/text-embedding/text-embedding/", 400, "task can not be null"),
        ("services//aigc/text-generation/generation", 400, "task can not be null"),
        ("/services/aigc/text-generation/generation", 404, "Request path not found."),
        ("made/up", 404, "Request path not found."),
        ("", 404, "Request path not found."),
    ],
)
def test_a_wrong_native_path_has_the_services_answer(emulator: Call, path: str, status: int, message: str) -> None:
    answer = emulator("POST", f"/api/v1/{path}")
    assert answer.status_code == status
    assert answer.json()["message"].startswith(message)


def test_a_wrong_native_path_is_an_event_for_a_stream(emulator: Call) -> None:
    answer = emulator("POST", "/api/v1/services/aigc/x", headers={"accept": "text/event-stream"})
    assert answer.headers["content-type"] == "text/event-stream;charset=UTF-8"
    assert answer.headers["x-dashscope-finished"] == "true"
    assert answer.content.startswith(b"id:1\nevent:error\n:HTTP_STATUS/400\ndata:{")


@pytest.mark.parametrize(
    "path", ["services/aigc/multimodal-generation/generation", "tasks/1", "apps/a/completion", "uploads"]
)
def test_a_path_that_is_not_emulated_is_logged(emulator: Call, path: str, caplog: pytest.LogCaptureFixture) -> None:
    emulator("POST", f"/api/v1/{path}")
    assert f"/api/v1/{path}' is not emulated yet" in caplog.text


@pytest.mark.parametrize(
    "path", ["/compatible-mode/v1/made/up", "/compatible-mode/v1/models/", "/compatible-mode/v1//x"]
)
def test_a_wrong_compatible_path_has_no_body(emulator: Call, path: str) -> None:
    answer = emulator("GET", path)
    assert (answer.status_code, answer.content) == (404, b"")
    assert answer.headers["content-length"] == "0"
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/v1/chat/completions", "/api/v2/x", "//api/v1/models", "/compatible-mode/v1"])
def test_outside_of_both_dialects_nobody_is_asked_for_a_key(emulator: Call, path: str) -> None:
    answer = emulator("POST", f"http://mock{path}", key=None)
    assert (answer.status_code, answer.content) == (404, b"")
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(("path", "digit"), [(GENERATION, "9"), (CHAT, "9"), ("/api/v1/files", "4")])
def test_every_answer_has_a_request_id_of_the_service_that_answers(emulator: Call, path: str, digit: str) -> None:
    answer = emulator("POST", path, content=b"nonsense")
    assert answer.headers["x-request-id"][14] == digit


def test_a_session_has_the_profile_it_was_given(make: Call) -> None:
    emulator = make(profile="2024")
    assert emulator("GET", "/api/v1/models").headers["x-dashscope-timeout"] == "180"
    emulator("PUT", "/__mock__/sessions/sk-new", json={"profile": "2026"})
    assert emulator("GET", "/api/v1/models", key="sk-new").headers["x-dashscope-timeout"] == "298"
    assert emulator("GET", "/api/v1/models").headers["x-dashscope-timeout"] == "180"


def test_the_workspace_is_kept(emulator: Call) -> None:
    emulator("GET", "/api/v1/models", headers={"X-DashScope-WorkSpace": "ws-1"})
    emulator("GET", "/api/v1/models")
    session = emulator.services.sessions.find("sk-test")
    assert session is not None
    assert session.workspace == "ws-1"


@pytest.mark.parametrize(("path", "order"), [(GENERATION, ["code", "message", "request_id"]), (CHAT, None)])
def test_the_unforeseen_is_an_internal_error_without_a_traceback(
    emulator: Call,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    path: str,
    order: list[str] | None,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(generation, "judge", fail)
    answer = emulator("POST", path, json=QUESTION | CHAT_QUESTION)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "secret detail" in caplog.text
    if order:
        assert sorted(answer.json()) == order


def test_streams_above_the_limit_are_throttled_and_freed(make: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = make(max_streams=1)
    emulator.asgi = emulator.app  # not judged: the stream is no real one
    closed = []

    def frames(*_: object) -> Any:
        try:
            yield b"data:1\n\n"
        finally:
            closed.append(True)

    monkeypatch.setattr(native, "write_stream", frames)
    assert emulator("POST", GENERATION, json=QUESTION, headers=STREAM).content == b"data:1\n\n"
    assert emulator.services.streams == 0
    emulator.services.streams = 1
    answer = emulator("POST", GENERATION, json=QUESTION, headers=STREAM)
    assert b'"code":"Throttling.Concurrency"' in answer.content


def test_a_request_is_one_line_of_log_with_a_masked_key(emulator: Call, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "mockserver"):
        emulator("GET", "/api/v1/mod%0Aels", key="sk-abcdefghijklmnopqrst")
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == "GET /api/v1/mod\\nels 404 0 ms sk-abc***rst"


def test_a_client_that_leaves_before_its_body_is_complete_gets_nothing(emulator: Call) -> None:
    sent: list[Any] = []

    async def run() -> None:
        async def receive() -> Any:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": GENERATION,
            "headers": [(b"authorization", b"Bearer sk-a")],
            "query_string": b"",
            "client": None,
        }
        await emulator.app(scope, receive, send)

    asyncio.run(run())
    assert sent == []
