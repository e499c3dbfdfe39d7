"""The judge of the other tests notices what it is there to notice."""

import asyncio
from typing import Any

import httpx
import pytest
from in_process import CHAT, GENERATION
from starlette.types import Receive, Scope, Send
from validated import BrokenAnswer, Validated

ID = "5b441aa7-0b9c-9fbc-ae0a-e2b212b71eac"
JSON, EVENTS = "application/json", "text/event-stream;charset=UTF-8"
EVENT = (
    'id:1\nevent:result\n:HTTP_STATUS/200\ndata:{"output":{"finish_reason":"stop","text":"你"},'
    f'"usage":{{"total_tokens":2,"input_tokens":1,"output_tokens":1}},"request_id":"{ID}"}}\n\n'
)
ERROR = f'{{"code":"InvalidParameter","message":"Model not exist.","request_id":"{ID}"}}'
CHUNK = (
    'data: {"choices":[{"delta":{"content":"你"},"finish_reason":null,"index":0,"logprobs":null}],'
    '"object":"chat.completion.chunk","usage":null,"created":1,"system_fingerprint":null,"model":"qwen-max",'
    f'"id":"chatcmpl-{ID}"}}\n\n'
)
DONE = "data: [DONE]\n\n"


def judge(path: str, status: int, content_type: str, *parts: str | bytes, request_id: str = ID) -> None:
    """Let an application answer just that."""

    async def app(_: Scope, __: Receive, send: Send) -> None:
        headers = [(b"x-request-id", request_id.encode()), (b"content-type", content_type.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for part in parts:
            body = part.encode() if isinstance(part, str) else part
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(Validated(app)), base_url="http://x") as client:
            await client.post(path)

    asyncio.run(run())


def test_right_answers_pass() -> None:
    judge(GENERATION, 200, EVENTS, EVENT, EVENT.replace("id:1", "id:2"))
    judge(GENERATION, 400, JSON, ERROR)
    judge(CHAT, 200, EVENTS, CHUNK, DONE)


SECOND = EVENT.replace("id:1", "id:2")
WRONG: dict[str, tuple[Any, ...]] = {
    "two events in one message": (GENERATION, 200, EVENTS, EVENT + SECOND),
    "an event in two messages": (GENERATION, 200, EVENTS, EVENT[:40], EVENT[40:]),
    "a cut character": (GENERATION, 200, EVENTS, EVENT.encode().replace("你".encode(), b"\xe4\xbd")),
    "an id twice": (GENERATION, 200, EVENTS, EVENT, EVENT),
    "another request's id": (GENERATION, 200, EVENTS, EVENT.replace(ID, ID.replace("5", "6"))),
    "a negative count": (GENERATION, 200, EVENTS, EVENT.replace('"total_tokens":2', '"total_tokens":-2')),
    "no number": (GENERATION, 200, EVENTS, EVENT.replace('"total_tokens":2', '"total_tokens":NaN')),
    "a result with an error's status": (GENERATION, 200, EVENTS, EVENT.replace("STATUS/200", "STATUS/400")),
    "CRLF": (GENERATION, 200, EVENTS, EVENT.replace("\nevent", "\r\nevent")),
    "no events": (GENERATION, 200, EVENTS),
    "a stream that does not end": (CHAT, 200, EVENTS, CHUNK),
    "something after the end": (CHAT, 200, EVENTS, DONE, CHUNK),
    "an error of the other dialect": (CHAT, 400, JSON, ERROR),
    "a made-up error": (GENERATION, 400, JSON, ERROR.replace("Model", "Modell")),
    "an error of another status": (GENERATION, 404, JSON, ERROR),
    "an empty refusal": (GENERATION, 400, JSON),
    "a document of the wrong type": (GENERATION, 200, "text/html", "{}"),
    "a document that is not as described": (GENERATION, 200, JSON, "{}"),
    "no JSON": (GENERATION, 200, JSON, "Internal Server Error"),
    "words outside of both dialects": ("/", 404, "text/plain", "Not Found"),
    "an answer to a path that is none": ("/api/v1/nothing", 200, JSON, "{}"),
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_wrong_answers_do_not(answer: tuple[Any, ...]) -> None:
    with pytest.raises(BrokenAnswer):
        judge(*answer)


def test_an_id_of_another_version_is_noticed() -> None:
    other = ID.replace("-9", "-4")
    with pytest.raises(BrokenAnswer, match="version"):
        judge(GENERATION, 400, JSON, ERROR.replace(ID, other), request_id=other)
