"""Same seed, same script, same clock: the same bytes, ids and timestamps included."""

import asyncio
import json
import socket
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from mockserver import MockServer, Settings
from mockserver.api.app import COMPATIBLE, NATIVE, create_app
from mockserver.clock import VirtualClock

NOW_MS = 1751901115333
CHAT = f"{COMPATIBLE}/chat/completions"
GENERATION = f"{NATIVE}/services/aigc/text-generation/generation"
MESSAGES = [{"role": "user", "content": "Tell me about 杭州."}]
SSE = {"x-dashscope-sse": "enable"}
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]

Call = tuple[str, str, Any, Mapping[str, str]]


def chat(words: str = "", **fields: Any) -> Call:
    return "POST", CHAT, {"model": "qwen-plus", "messages": MESSAGES, **fields}, {"x-mock": words} if words else {}


def generate(words: str = "", *, stream: bool = False, **parameters: Any) -> Call:
    body = {"model": "qwen-plus", "input": {"messages": MESSAGES}, "parameters": parameters}
    return "POST", GENERATION, body, {**(SSE if stream else {}), **({"x-mock": words} if words else {})}


SCRIPT: list[Call] = [
    chat(),
    chat(stream=True, stream_options={"include_usage": True}),
    chat(n=2, temperature=1.9),
    chat(tools=TOOLS, stream=True),
    chat(temperature=9),
    generate(),
    generate(stream=True, result_format="message", incremental_output=True),
    generate(stream=True, enable_thinking=True, result_format="message"),
    chat("ttft=200ms itl=10ms jitter=5ms tokens_per_chunk=7", stream=True),
    chat("fault=garbage size=40", stream=True),
    chat("fault=segments size=700", stream=True),
    chat("fault=Throttling probability=0.5"),
    chat("fault=Throttling probability=0.5"),
    chat("fault=DataInspectionFailed after=2", stream=True),
    generate("fault=InternalError after=2", stream=True),
    generate("fault=Throttling.RateQuota retry_after=3"),
    chat("fault=reset after=1", stream=True),
    chat("foo=1"),
    ("POST", f"{COMPATIBLE}/embeddings", {"model": "text-embedding-v3", "input": "hi"}, {}),
    ("GET", f"{COMPATIBLE}/models", None, {}),
    ("POST", f"{COMPATIBLE}/files", b"hello", {}),
    ("GET", f"{COMPATIBLE}/files", None, {}),
    ("GET", f"{NATIVE}/files", None, {}),
]


async def play(seed: int) -> list[Any]:
    """What a client gets for the script."""
    app = create_app(Settings(seed=seed, chaos=("fault=Throttling probability=0.1",)), clock=VirtualClock(NOW_MS))
    transport = httpx.ASGITransport(app)
    seen: list[Any] = []
    async with httpx.AsyncClient(transport=transport, base_url="http://mock") as client:
        client.headers = httpx.Headers({"authorization": "Bearer sk-same"})
        for method, path, body, headers in SCRIPT:
            seen.append(await answer(client, method, path, body, headers))
    return seen


async def answer(client: httpx.AsyncClient, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Any:
    """Status, headers and body, or the name of the error that the client saw."""
    given: dict[str, Any] = {} if body is None else {"json": body}
    if isinstance(body, bytes):
        given = {"files": {"file": ("a.txt", body)}, "data": {"purpose": "file-extract"}}
    try:
        response = await client.request(method, path, headers=headers, **given)
    except OSError as error:
        return type(error).__name__
    return response.status_code, response.headers.raw, response.content


def test_the_same_script_gets_the_same_bytes_twice() -> None:
    first, second = asyncio.run(play(11)), asyncio.run(play(11))
    for call, one, other in zip(SCRIPT, first, second, strict=True):
        assert one == other, call


def test_another_seed_makes_other_ids() -> None:
    first, second = asyncio.run(play(11)), asyncio.run(play(12))
    assert all(one != other for one, other in zip(first, second, strict=True) if not isinstance(one, str))


def test_the_script_holds_what_it_is_meant_to() -> None:
    seen = asyncio.run(play(11))
    assert "ConnectionResetError" in seen
    assert {200, 400, 429} <= {each[0] for each in seen if not isinstance(each, str)}
    assert any(b"InternalError" in each[2] for each in seen if not isinstance(each, str))


@pytest.mark.parametrize("call", [chat(stream=True), generate("ttft=50ms itl=5ms jitter=2ms", stream=True)])
def test_the_bytes_on_the_socket_are_the_same_too(call: Call) -> None:
    assert over_a_socket(call) == over_a_socket(call)


def over_a_socket(call: Call) -> bytes:
    """Every byte that a fresh server sends."""
    _, path, body, headers = call
    data = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "host: mock", "authorization: Bearer sk-same", "connection: close"]
    lines += [f"content-length: {len(data)}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    received = b""
    with (
        MockServer(Settings(seed=5), clock=VirtualClock(NOW_MS)) as server,
        socket.create_connection((server.host, server.port), timeout=5) as client,
    ):
        client.sendall("\r\n".join(lines).encode() + data)
        while more := client.recv(65_536):
            received += more
    return received
