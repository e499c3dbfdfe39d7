"""What only a socket can do: be slow, leave, pipeline, speak an older HTTP, come two hundred at a time."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest
from in_process import CHAT, GENERATION, KEY, SSE
from starlette.types import Message
from validated import validated_server

from mockserver.api.app import create_app
from mockserver.server import MockServer
from mockserver.settings import Settings

HEADERS = {**KEY, **SSE}
BOTH = pytest.mark.parametrize("path", [GENERATION, CHAT])
LONG = {
    "type": "json_schema",
    "json_schema": {"name": "long", "schema": {"type": "string", "minLength": 20_000}},
}


def body(question: str = "你好", **parameters: object) -> bytes:
    """A body that both dialects read and stream."""
    messages = [{"role": "user", "content": question}]
    given = {"model": "qwen-turbo", "stream": True, "messages": messages, "input": {"messages": messages}}
    return json.dumps({**given, "parameters": parameters, **parameters}).encode()


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with validated_server() as running:
        yield running


@pytest.fixture(scope="module")
def hasty() -> Iterator[MockServer]:
    with validated_server(Settings(port=0, body_timeout=0.1)) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


@contextmanager
def connected(server: MockServer) -> Iterator[socket.socket]:
    with socket.create_connection((server.host, server.port), timeout=5) as connection:
        yield connection


def head(path: str, *lines: str, method: str = "POST", version: str = "1.1") -> bytes:
    fixed = [f"{method} {path} HTTP/{version}", "Host: x", "Authorization: Bearer sk-test"]
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


def request(path: str, content: bytes, *lines: str, version: str = "1.1") -> bytes:
    return head(path, f"Content-Length: {len(content)}", *lines, version=version) + content


def read_all(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def read_until(connection: socket.socket, met: Callable[[bytes], bool]) -> bytes:
    data = b""
    while not met(data):
        piece = connection.recv(65536)
        assert piece, data[-500:]
        data += piece
    return data


def answers(data: bytes) -> int:
    return data.count(b"HTTP/1.1 ")


@BOTH
def test_a_body_that_trickles_in_is_given_up(hasty: MockServer, path: str) -> None:
    started = time.monotonic()
    with connected(hasty) as connection:
        connection.sendall(head(path, "Content-Length: 1000"))
        connection.settimeout(0.03)
        data = b""
        while b"RequestTimeOut" not in data and time.monotonic() - started < 3:
            connection.sendall(b" ")
            with suppress(TimeoutError):
                data += connection.recv(65536)
    assert data.startswith(b"HTTP/1.1 500 ")
    assert 0.1 < time.monotonic() - started < 2


@BOTH
def test_a_client_that_leaves_frees_its_stream_at_once(path: str) -> None:
    """The application alone: the other end takes a few frames, then is gone."""
    app = create_app()

    async def run() -> tuple[int, int]:
        sent: list[Message] = []
        gone = asyncio.Event()
        asked = iter([{"type": "http.request", "body": body(response_format=LONG)}])
        during = 0

        async def receive() -> Message:
            message = next(asked, None)
            if message is None:
                await gone.wait()
                return {"type": "http.disconnect"}
            return message

        async def send(message: Message) -> None:
            nonlocal during
            sent.append(message)
            during = max(during, app.state.services.streams)
            if len(sent) == 15:
                gone.set()

        given = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": given}
        await app({**scope, "client": ("127.0.0.1", 1), "state": {}}, receive, send)
        assert len(sent) < 60
        return during, app.state.services.streams

    assert asyncio.run(run()) == (1, 0)


@BOTH
def test_clients_that_leave_one_after_the_other_leave_nothing_behind(server: MockServer, path: str) -> None:
    content = request(path, body(response_format=LONG, n=4), "X-DashScope-SSE: enable")
    for _ in range(30):
        with connected(server) as connection:
            connection.sendall(content)
            connection.recv(1)
    deadline = time.monotonic() + 5
    while streams(server) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert streams(server) == 0


def streams(server: MockServer) -> int:
    """How many streams the server believes are running."""
    running = server._server
    assert running is not None
    app = running.config.app._app  # type: ignore[union-attr] # `Validated`
    return int(app.state.services.streams)


@BOTH
def test_a_client_of_http_1_0_gets_its_answer_and_the_end(server: MockServer, path: str) -> None:
    with connected(server) as connection:
        connection.sendall(request(path, body(), "Accept: text/event-stream", version="1.0"))
        data = read_all(connection)
    assert data.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close\r\n" in data
    assert data.endswith(b"\n\n\r\n0\r\n\r\n")  # uvicorn chunks for HTTP/1.0 too; known clients read it


@BOTH
def test_pipelined_requests_are_answered_in_turn(server: MockServer, path: str) -> None:
    one = request(path, body(), "X-DashScope-SSE: enable")
    wrong = request(path, b"{", "X-DashScope-SSE: enable")
    last = request(path, body(), "X-DashScope-SSE: enable", "Connection: close")
    with connected(server) as connection:
        connection.sendall(one * 5 + wrong + last)
        data = read_all(connection)
    assert answers(data) == 7
    assert data.count(b"Required body invalid") == 1


@BOTH
def test_the_connection_goes_on_after_an_error(server: MockServer, path: str) -> None:
    with httpx.Client(base_url=server.url, headers=KEY) as client:
        statuses = [client.post(path, content=content).status_code for content in (b"{", body(), b"[]", body())]
        client.post("/nothing")
        client.post(path, content=b"{}", headers={"authorization": ""})
        assert client.post(path, content=body()).status_code == 200
        pool = client._transport._pool  # type: ignore[attr-defined]
        assert len(pool.connections) == 1
    assert statuses == [400, 200, 400, 200]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", [GENERATION, CHAT, "/", "/api/v1/files", "/__mock__/health"])
def test_head_and_options_leave_the_connection_in_order(server: MockServer, method: str, path: str) -> None:
    with connected(server) as connection:
        connection.sendall(head(path, method=method) + head("/nothing", "Connection: close", method="GET"))
        data = read_all(connection)
    assert answers(data) == 2
    if method == "HEAD":
        assert b"\r\n\r\nHTTP/1.1 404" in data


NONSENSE = {
    "two lengths": head(GENERATION, "Content-Length: 2", "Content-Length: 3") + b"{}}",
    "a length and chunks": head(CHAT, "Content-Length: 2", "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n",
    "a negative length": head(CHAT, "Content-Length: -2"),
    "a length that overflows": head(CHAT, "Content-Length: 99999999999999999999999"),
    "a chunk of nonsense": head(CHAT, "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n0\r\n\r\n",
    "a chunk that overflows": head(CHAT, "Transfer-Encoding: chunked") + b"f" * 40 + b"\r\n",
    "a header that is folded": head(CHAT, "A: b\r\n c"),
    "a header without a name": head(CHAT, ": b"),
    "a NUL in a header": head(CHAT, "A: \x00"),
    "a bare line feed": head(CHAT).replace(b"\r\n", b"\n"),
    "no version": b"GET /\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an absolute address": head("http://elsewhere.test/api/v1/files", "Connection: close", method="GET"),
    "an asterisk": head("*", "Connection: close", method="OPTIONS"),
    "CONNECT": head("elsewhere.test:443", "Connection: close", method="CONNECT"),
    "raw bytes in the path": b"GET /api/v1/\xff\xfe\x80 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "an unfinished escape": head("/api/v1/files/%", "Connection: close", method="GET"),
    "a path of 60,000": head("/api/v1/" + "x" * 60_000, "Connection: close", method="GET"),
    "a path of a megabyte": head("/api/v1/" + "x" * 1_000_000, "Connection: close", method="GET"),
    "line ends in a path": head("/api/v1/files/%0d%0aX-Evil:%20yes", "Connection: close", method="GET"),
}


@pytest.mark.parametrize("sent", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_on_the_wire_harms_nobody(server: MockServer, sent: bytes) -> None:
    with connected(server) as connection:
        connection.settimeout(2)
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            data = read_all(connection)
        except OSError:
            data = b""
    assert b"HTTP/1.1 5" not in data
    assert b"\r\nx-evil" not in data.lower()
    assert httpx.get(f"{server.url}/__mock__/health").status_code == 200


@BOTH
def test_two_hundred_streams_at_once_are_all_complete(server: MockServer, path: str) -> None:
    async def one(client: httpx.AsyncClient, number: int) -> str:
        response = await client.post(path, content=body(f"第{number}个问题", seed=number), headers=SSE)
        assert response.status_code == 200
        return response.text

    async def run() -> list[str]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(base_url=server.url, headers=KEY, limits=limits, timeout=30) as client:
            return await asyncio.gather(*(one(client, number) for number in range(200)))

    started = time.monotonic()
    texts = asyncio.run(run())
    end = "data: [DONE]\n\n" if path == CHAT else '"finish_reason":"stop"'
    assert [text[-600:] for text in texts if end not in text] == []
    assert time.monotonic() - started < 20
    assert streams(server) == 0
