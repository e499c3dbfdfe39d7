import asyncio
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

import mockserver
from mockserver.clock import FixedClock, Ids
from mockserver.dialects import native
from mockserver.server import GRACE_SECONDS, MockServer, ServerError
from mockserver.settings import Settings
from mockserver.wire import sse

GENERATION = "/api/v1/services/aigc/text-generation/generation"
BODY = b'{"model":"qwen-max","input":{"prompt":"hi"}}'
ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-9[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(Settings(body_timeout=0.1), clock=FixedClock(1751901115333)) as running:
        yield running


@contextmanager
def connected(server: MockServer) -> Iterator[socket.socket]:
    with socket.create_connection((server.host, server.port), timeout=5) as connection:
        yield connection


def request(path: str, body: bytes = BODY, *lines: bytes, method: bytes = b"POST") -> bytes:
    head = [b"%b %b HTTP/1.1" % (method, path.encode()), b"Host: x", b"Authorization: Bearer sk-test", *lines]
    return b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", body])


def read_until(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        piece = connection.recv(65536)
        assert piece, data
        data += piece
    return data


def exchange_bytes(server: MockServer, sent: bytes, end: bytes = b"\r\n0\r\n\r\n") -> bytes:
    with connected(server) as connection:
        connection.sendall(sent)
        return read_until(connection, end)


def frames_of(monkeypatch: pytest.MonkeyPatch, make_frames: Any) -> None:
    monkeypatch.setattr(native, "write_stream", lambda *_: make_frames())


def test_a_stream_is_on_the_wire_as_recorded(server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    frames_of(monkeypatch, lambda: iter([sse.native_frame(1, b'{"a":1}'), sse.native_frame(2, "你".encode())]))
    data = exchange_bytes(
        server, request(GENERATION, BODY, b"X-DashScope-SSE: enable", b"Content-Type: application/json")
    )
    assert ID.sub(b"ID", data) == (
        b"HTTP/1.1 200 OK\r\n"
        b"vary: Origin,Access-Control-Request-Method,Access-Control-Request-Headers\r\n"
        b"x-request-id: ID\r\n"
        b"content-type: text/event-stream;charset=UTF-8\r\n"
        b"x-dashscope-call-gateway: true\r\n"
        b"x-dashscope-timeout: 298\r\n"
        b"x-dashscope-finished: false\r\n"
        b"req-cost-time: 0\r\n"
        b"req-arrive-time: 1751901115333\r\n"
        b"resp-start-time: 1751901115333\r\n"
        b"x-envoy-upstream-service-time: 0\r\n"
        b"date: Mon, 07 Jul 2025 15:11:55 GMT\r\n"
        b"server: istio-envoy\r\n"
        b"transfer-encoding: chunked\r\n\r\n"
        b'31\r\nid:1\nevent:result\n:HTTP_STATUS/200\ndata:{"a":1}\n\n\r\n'
        b"2d\r\nid:2\nevent:result\n:HTTP_STATUS/200\ndata:\xe4\xbd\xa0\n\n\r\n"
        b"0\r\n\r\n"
    )


def test_json_is_chunked_without_a_length(server: MockServer) -> None:
    data = exchange_bytes(server, request("/api/v1/models?model=qwen-max", b"", method=b"GET"))
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.endswith(b"server: istio-envoy\r\ntransfer-encoding: chunked")
    assert b"content-length" not in head
    assert body.count(b"\r\n") == 4


def test_a_real_stream_has_one_chunk_per_frame_and_line_feeds_only(server: MockServer) -> None:
    data = exchange_bytes(server, request(GENERATION, BODY, b"Accept: text/event-stream"))
    chunks = data.partition(b"\r\n\r\n")[2].split(b"\r\n")
    frames = chunks[1::2]
    assert len(frames) > 3
    for number, frame in enumerate(frames[:-1], 1):
        assert int(chunks[2 * number - 2], 16) == len(frame)
        assert frame.startswith(b"id:%d\nevent:result\n:HTTP_STATUS/200\ndata:{" % number)
        assert frame.endswith(b"}\n\n")
        assert b"\r" not in frame


def test_the_same_seed_and_clock_give_the_same_bytes() -> None:
    def answers() -> list[bytes]:
        with MockServer(clock=FixedClock(1), ids=Ids(3)) as running:
            return [
                exchange_bytes(running, request(GENERATION, BODY, line))
                for line in (b"A: b", b"Accept: text/event-stream")
            ]

    assert answers() == answers()


def test_a_client_that_leaves_mid_stream_ends_the_generator(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    made = []

    def endless() -> Iterator[bytes]:
        try:
            while True:
                made.append(1)
                yield b"data:" + b"x" * 10_000 + b"\n\n"
        finally:
            closed.append(len(made))

    frames_of(monkeypatch, endless)
    with connected(server) as connection:
        connection.sendall(request(GENERATION, BODY, b"X-DashScope-SSE: enable", b"Content-Type: application/json"))
        connection.recv(100)
    deadline = time.monotonic() + 5
    while not closed and time.monotonic() < deadline:
        time.sleep(0.01)
    assert closed
    assert exchange_bytes(server, request("/api/v1/models", b"", method=b"GET")).startswith(b"HTTP/1.1 200")


def test_a_reader_that_stalls_stalls_only_itself(server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def large() -> Iterator[bytes]:
        for _ in range(100_000):
            made.append(1)
            yield b"x" * 1000

    frames_of(monkeypatch, large)
    with connected(server) as connection:
        connection.sendall(request(GENERATION, BODY, b"X-DashScope-SSE: enable", b"Content-Type: application/json"))
        connection.recv(1)
        assert httpx.get(f"{server.url}/__mock__/health").status_code == 200
        time.sleep(0.1)
        assert len(made) < 50_000


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (request(GENERATION, b"\xff\xfe"), 400, b"Required body invalid"),
        (request(GENERATION, b'{"model":"qwen-max","input":{"prompt":NaN}}'), 400, b"Required body invalid"),
        (request(GENERATION, b"[" * 100_000), 400, b"Required body invalid"),
        (request(GENERATION, b'{"model":"\\ud800"}'), 400, b"Required body invalid"),
        (request(GENERATION, BODY, b"Content-Type: image/png"), 200, b"output"),
        (request(GENERATION, BODY, b"Authorization: Bearer sk-b"), 401, b"InvalidApiKey"),
        (request("/api/v1/%00%0d%0ax-evil:%201", b""), 404, b"NotFound"),
        (request("/api/v1/../v1/models", b"", method=b"GET"), 404, b"NotFound"),
        (request(GENERATION, b"", method=b"GET"), 400, b"Request method 'GET' is not supported."),
    ],
)
def test_hostile_requests_get_the_services_answer(server: MockServer, sent: bytes, status: int, code: bytes) -> None:
    data = exchange_bytes(server, sent)
    assert data.startswith(b"HTTP/1.1 %d " % status)
    assert code in data
    assert b"x-evil" not in data.partition(b"\r\n\r\n")[0].lower()


def test_a_body_of_fifty_megabytes_is_refused_and_the_connection_goes_on(server: MockServer) -> None:
    big = b"x" * 50_000_000
    with httpx.Client(base_url=server.url, headers={"authorization": "Bearer sk-test"}) as client:
        for content in (big, iter([big[:25_000_000]] * 2)):
            answer = client.post(GENERATION, content=content)
            assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest.TooLarge")
        assert client.post(GENERATION, content=BODY).status_code == 200


def test_a_wrong_key_is_answered_before_the_body_is_sent(server: MockServer) -> None:
    sent = request(GENERATION, b"x" * 1000).replace(b"sk-test", b"invalid")[:-1000]
    assert exchange_bytes(server, sent).startswith(b"HTTP/1.1 401 ")


def test_a_body_that_does_not_come_is_given_up_and_the_connection_closed(server: MockServer) -> None:
    with connected(server) as connection:
        connection.sendall(request(GENERATION)[:-10])
        data = read_until(connection, b"\r\n0\r\n\r\n")
        assert b"RequestTimeOut" in data
        assert connection.recv(1) == b""


def test_headers_that_never_end_are_refused(server: MockServer) -> None:
    with connected(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nx: " + b"y" * 100_000)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_nonsense_is_refused_and_the_server_goes_on(server: MockServer) -> None:
    for nonsense in (
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ):
        with connected(server) as connection:
            connection.sendall(nonsense + b"\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert httpx.get(f"{server.url}/__mock__/health").status_code == 200


def test_an_upgrade_to_websocket_is_no_upgrade(server: MockServer) -> None:
    lines = (
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Key: eA==",
        b"Sec-WebSocket-Version: 13",
    )
    data = exchange_bytes(server, request("/api-ws/v1/inference", b"", *lines, method=b"GET"), b"\r\n\r\n")
    assert data.startswith(b"HTTP/1.1 404 ")


def test_the_urls_are_what_clients_are_set_to(server: MockServer) -> None:
    assert server.native_url == f"http://127.0.0.1:{server.port}/api/v1"
    assert server.compatible_url == f"http://127.0.0.1:{server.port}/compatible-mode/v1"
    assert server.api_key() == "sk-test"
    assert server.api_key("mine") == "sk-mine"
    assert MockServer(Settings(api_keys=("sk-only",))).api_key() == "sk-only"


def test_many_servers_run_at_once_and_can_be_started_again() -> None:
    with MockServer() as one, MockServer() as two:
        assert one.port != two.port
        httpx.get(f"{one.compatible_url}/models", headers={"authorization": "Bearer sk-a"})
        assert len(httpx.get(f"{one.url}/__mock__/sessions").json()["sessions"]) == 1
        assert httpx.get(f"{two.url}/__mock__/sessions").json()["sessions"] == []
        one.stop()
        one.start()
        assert httpx.get(f"{one.url}/__mock__/sessions").json()["sessions"] == []


def test_a_server_can_be_used_in_async_code() -> None:
    async def run() -> int:
        async with mockserver.MockServer() as server, httpx.AsyncClient() as client:
            return (await client.get(f"{server.url}/__mock__/health")).status_code

    assert asyncio.run(run()) == 200


def test_the_server_stops_fast_although_clients_hold_connections() -> None:
    with MockServer() as server, httpx.Client() as client:
        client.get(f"{server.url}/__mock__/health")
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin < 0.5


def test_a_stalled_reader_holds_the_server_for_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 100_000
        finally:
            closed.append(True)

    frames_of(monkeypatch, endless)
    with MockServer() as server, connected(server) as connection:
        connection.sendall(request(GENERATION, BODY, b"X-DashScope-SSE: enable", b"Content-Type: application/json"))
        connection.recv(1)
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin < GRACE_SECONDS + 1
    assert closed


def test_a_port_that_is_taken_is_named(server: MockServer) -> None:
    with pytest.raises(
        ServerError, match=rf"Cannot listen on 127.0.0.1, port {server.port}: .* in use. Choose another"
    ):
        MockServer(port=server.port).start()


def test_a_host_that_is_none_is_named() -> None:
    with pytest.raises(ServerError, match=r"Cannot listen on no\.such\.host\.invalid"):
        MockServer(Settings(host="no.such.host.invalid")).start()


def test_a_server_that_does_not_run_has_no_url() -> None:
    with pytest.raises(ServerError, match="does not run"):
        _ = MockServer().url


def test_the_package_exports_what_it_documents() -> None:
    names = {"Mock", "MockServer", "Settings", "FixedClock", "VirtualClock", "create_app", "mock_of", "__version__"}
    assert set(mockserver.__all__) == names
    assert all(getattr(mockserver, name) for name in mockserver.__all__)
    with pytest.raises(AttributeError):
        _ = mockserver.nothing
