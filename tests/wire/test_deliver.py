"""Each fault as a client sees it on its socket: the exact bytes, the segments they come in, and the end."""

import asyncio
import gzip
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from raw_socket import END, REQUEST, SECONDS, STREAM, Peer, Plan, Seen, chance, chunk, event, read, running
from starlette.types import Receive, Scope, Send

from mockserver.wire.answer import Answer, Headers
from mockserver.wire.deliver import deliver
from mockserver.wire.fault import Fault, fault
from mockserver.wire.faults import FAULTS
from mockserver.wire.pacing import Pacing
from mockserver.wire.progress import Ending

EVENTS = [event(number, "漢字") for number in range(1, 4)]
DONE = b"data: [DONE]\n\n"
WHOLE = b"".join(EVENTS)
HEAD = [b"HTTP/1.1 200 OK", b"content-type: text/event-stream;charset=UTF-8", b"transfer-encoding: chunked"]
BODY = b'{"a": "0123456789"}'


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def server(request: pytest.FixtureRequest) -> Iterator[Peer]:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    with running(request.param) as peer:
        yield peer


@pytest.fixture
def peer(server: Peer) -> Peer:
    server.forget()
    return server


def ask(peer: Peer, kind: str, /, *, frames: list[bytes] | bytes = EVENTS, **params: Any) -> Seen:
    return peer.see(frames, fault(kind, params))


# --- without faults


def test_without_pacing_and_faults_an_answer_is_sent_as_ever(peer: Peer) -> None:
    seen = peer.see(EVENTS)
    assert seen.head == HEAD
    assert seen.body == b"".join(map(chunk, EVENTS)) + END
    ending = peer.ending()
    assert (ending.how, ending.events, ending.bytes) == ("finished", 3, len(WHOLE))
    assert peer.reported == [ending]


def test_a_connection_stays_open_after_a_fault_that_http_can_say(peer: Peer) -> None:
    peer.plan = Plan(lambda: Answer(200, [STREAM], iter(EVENTS)), (fault("bom", {}),))
    with peer.connect() as client:
        first = read(client)
        client.sendall(REQUEST)
        assert read(client).all == first.all


def test_the_protocol_leaves_nodelay_on(peer: Peer) -> None:
    found = []

    def answer() -> Answer:
        return Answer(200, [STREAM], iter(EVENTS))

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        transport = scope["extensions"]["dashscope_mock"]["transport"]
        found.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    peer.plan = Plan(answer, probe=app)
    with peer.connect() as client:
        read(client)
    assert found == [1]


# --- the answer as a whole


def test_http_status_with_any_body_and_headers(peer: Peer) -> None:
    seen = ask(peer, "http-status", status=502, body="<html>", type="text/html", headers="retry-after: 3")
    assert seen.all == (
        b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 6\r\nretry-after: 3\r\n\r\n<html>"
    )


def test_http_status_that_no_server_has(peer: Peer) -> None:
    seen = ask(peer, "http-status", status=799)
    assert seen.head == [b"HTTP/1.1 799 ", b"content-type: text/plain", b"content-length: 0", b"connection: close"]
    assert seen.ended == "closed"


@pytest.mark.parametrize(("kind", "lines"), [("application/json", [b"content-type: application/json"]), ("", [])])
def test_content_type(peer: Peer, kind: str, lines: list[bytes]) -> None:
    seen = ask(peer, "content-type", type=kind)
    assert seen.head == [HEAD[0], *lines, HEAD[2]]
    assert seen.content() == WHOLE


def test_gzip_on(peer: Peer) -> None:
    seen = ask(peer, "gzip")
    assert b"content-encoding: gzip" in seen.head
    assert gzip.decompress(seen.content()) == WHOLE


def test_gzip_off(peer: Peer) -> None:
    headers: Headers = [STREAM, (b"content-encoding", b"gzip")]
    seen = peer.see(EVENTS, fault("gzip", {"mode": "off"}), headers=headers, gzip=True)
    assert seen.head == HEAD
    assert seen.content() == WHOLE


def test_gzip_broken(peer: Peer) -> None:
    with pytest.raises(zlib.error):
        zlib.decompress(ask(peer, "gzip", mode="broken").content(), 31)


def test_http10_ends_with_the_connection(peer: Peer) -> None:
    seen = ask(peer, "http10")
    assert seen.head == [b"HTTP/1.0 200 OK", HEAD[1]]
    assert seen.body == WHOLE
    assert seen.ended == "closed"
    assert peer.ending().how == "finished"


def test_connection_close(peer: Peer) -> None:
    seen = ask(peer, "connection-close")
    assert b"connection: close" in seen.head
    assert seen.content() == WHOLE
    assert seen.ended == "closed"


@pytest.mark.parametrize(("status", "line"), [("100", b"100 Continue"), ("103", b"103 Early Hints")])
def test_an_interim_answer_comes_first(peer: Peer, status: str, line: bytes) -> None:
    seen = ask(peer, "interim", status=status)
    assert seen.all.startswith(b"HTTP/1.1 " + line + b"\r\n")
    interim, _, answer = seen.all.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in interim
    assert answer.startswith(HEAD[0] + b"\r\n")
    assert answer.endswith(END)


def test_a_bad_status_line(peer: Peer) -> None:
    assert ask(peer, "bad-status-line").head[:2] == [b"ICY 200 OK", HEAD[1]]


def test_huge_headers(peer: Peer) -> None:
    assert b"x-padding: " + b"x" * 100_000 in ask(peer, "huge-headers", size=100_000).head


# --- events and lines: what arrives is what the pure functions make (tests/wire/test_faults.py)


@pytest.mark.parametrize("kind", [name for name, each in FAULTS.items() if each.stage in {"events", "lines"}])
def test_the_stream_that_arrives_is_the_stream_that_was_bent(peer: Peer, kind: str) -> None:
    seen = peer.see([*EVENTS, DONE], fault(kind, {}), frame=lambda _fault, number: b"data:error %d\n\n" % number)
    expected = {
        "error-frame": b"data:error 1\n\n",
        "malformed-json": EVENTS[0].replace('xt":"漢字"}}'.encode(), b"") + b"".join([*EVENTS[1:], DONE]),
        "truncated-event": EVENTS[0][: len(EVENTS[0]) // 2],
        "garbage": EVENTS[0] + b"<html>502 Bad Gateway</html>\n\n" + b"".join([*EVENTS[1:], DONE]),
        "duplicate": EVENTS[0] + WHOLE + DONE,
        "reorder": EVENTS[1] + EVENTS[0] + EVENTS[2] + DONE,
        "drop": EVENTS[1] + EVENTS[2] + DONE,
        "no-finish": EVENTS[0] + EVENTS[1],
        "no-done": WHOLE,
        "line-ends": (WHOLE + DONE).replace(b"\n", b"\r\n"),
        "bom": b"\xef\xbb\xbf" + WHOLE + DONE,
        "comments": b"".join(b": keep-alive\n\n" + each for each in [*EVENTS, DONE]),
        "extra-blank-lines": (WHOLE + DONE).replace(b"\n\n", b"\n\n\n\n"),
        "missing-blank-lines": (WHOLE + DONE).replace(b"\n\n", b"\n"),
        "colon-space": (WHOLE + DONE).replace(b"data: ", b"data:"),
        "multi-line-data": (WHOLE + DONE).replace(b'data:{"', b'data:{\ndata:"'),
        "unknown-fields": b"".join(b"x-unknown:1\nlone\n" + each for each in [*EVENTS, DONE]),
    }
    assert seen.content() == expected[kind]
    assert seen.body.endswith(END)
    assert peer.ending().how == "finished"


# --- segments


def test_segments_of_one_byte_reach_the_client_as_such(peer: Peer) -> None:
    seen = ask(peer, "segments", frames=[b"data: {}\n\n" * 5], pause="2ms")
    assert seen.content() == b"data: {}\n\n" * 5
    assert seen.reads.count(chunk(b"d")) >= 4, "boundaries were lost on the way"
    assert len(seen.reads) >= 45


@pytest.mark.parametrize(("cut", "left"), [("in-utf8", b"\xe6"), ("in-data", b"\nda"), ("in-crlf", b"\r")])
def test_cuts_reach_the_client(peer: Peer, cut: str, left: bytes) -> None:
    seen = ask(peer, "segments", cut=cut, pause="4ms")
    content = seen.content().replace(b"\r\n", b"\n")
    assert content == WHOLE
    assert sum(each.endswith(left + b"\r\n") for each in seen.reads) >= len(EVENTS) - 1


def test_merged_events_are_one_segment(peer: Peer) -> None:
    assert ask(peer, "merge", events=2).body == chunk(EVENTS[0] + EVENTS[1]) + chunk(EVENTS[2]) + END


def test_a_drip_takes_its_time(peer: Peer) -> None:
    seen = ask(peer, "drip", frames=[b"0123456789"], size=2, every="20ms")
    assert seen.content() == b"0123456789"
    assert seen.times[-1] - seen.times[0] >= 4 * 0.02 - 0.002


# --- the connection


@pytest.mark.parametrize(
    ("kind", "ended", "how"), [("reset-before-headers", "reset", "reset"), ("close-before-headers", "closed", "closed")]
)
def test_nothing_comes_but_the_end(peer: Peer, kind: str, ended: str, how: str) -> None:
    seen = ask(peer, kind)
    assert (seen.all, seen.ended) == (b"", ended)
    assert peer.ending() == Ending(how)  # type: ignore[arg-type]


def test_reset_after_headers(peer: Peer) -> None:
    seen = ask(peer, "reset-after-headers")
    assert (seen.head, seen.body, seen.ended) == (HEAD, b"", "reset")


@pytest.mark.parametrize(("kind", "ended"), [("reset", "reset"), ("close", "closed")])
def test_the_connection_ends_after_so_many_events(peer: Peer, kind: str, ended: str) -> None:
    seen = ask(peer, kind, after=2)
    assert (seen.head, seen.body, seen.ended) == (HEAD, chunk(EVENTS[0]) + chunk(EVENTS[1]), ended)
    ending = peer.ending()
    assert (ending.how, ending.events, ending.bytes) == (ended, 2, len(EVENTS[0] + EVENTS[1]))
    assert peer.reported == [ending]


@pytest.mark.parametrize(("kind", "ended"), [("reset", "reset"), ("close", "closed")])
def test_the_connection_ends_after_so_many_bytes(peer: Peer, kind: str, ended: str) -> None:
    seen = ask(peer, kind, bytes=100)
    assert (seen.content(), seen.ended) == (WHOLE[:100], ended)
    seen = ask(peer, kind, frames=BODY, bytes=5)
    assert (seen.content(), seen.ended) == (BODY[:5], ended)


def test_a_large_answer_arrives_whole_before_the_reset(peer: Peer) -> None:
    frames = [b"data: " + b"x" * 100_000 + b"\n\n"] * 30
    seen = ask(peer, "reset", frames=frames, after=30)
    assert (seen.content(), seen.ended) == (b"".join(frames), "reset")


def test_a_short_body(peer: Peer) -> None:
    seen = ask(peer, "short-body", frames=BODY, missing=7)
    assert seen.head == [HEAD[0], b"content-type: application/json", b"content-length: %d" % (len(BODY) + 7)]
    assert (seen.body, seen.ended) == (BODY, "closed")
    assert peer.ending().how == "closed"


def test_a_bad_chunk_size(peer: Peer) -> None:
    assert ask(peer, "bad-chunk-size", segment=2).body == (
        chunk(EVENTS[0]) + chunk(EVENTS[1]).replace(b"%x" % len(EVENTS[1]), b"zz", 1) + chunk(EVENTS[2]) + END
    )


def test_a_stall_for_ever_lasts_until_the_client_leaves(peer: Peer) -> None:
    for kind, params, received in (
        ("stall-before-headers", {}, b""),
        ("stall", {"after": 0}, b""),
        ("stall", {"after": 2}, chunk(EVENTS[0]) + chunk(EVENTS[1])),
    ):
        peer.forget()
        seen = peer.see(EVENTS, fault(kind, params), patience=0.1)
        assert (seen.body, seen.ended) == (received, "silence")
        assert bool(seen.all) == (kind == "stall")
        assert peer.ending().how == "stalled"


def test_a_stall_for_a_while(peer: Peer) -> None:
    for kind, params in (("stall-before-headers", {}), ("stall", {"after": 0}), ("stall", {"after": 2})):
        began = time.monotonic()
        seen = peer.see(EVENTS, fault(kind, {"duration": "60ms", **params}))
        assert seen.content() == WHOLE
        assert seen.times[-1] - began >= 0.06
        assert (kind == "stall") == (seen.times[-1] - seen.times[0] >= 0.058)


def test_slow_headers(peer: Peer) -> None:
    seen = ask(peer, "slow-headers", size=40, every="10ms")
    assert seen.reads[0] == b"\r\n".join(HEAD)[:40]
    assert seen.content() == WHOLE
    assert seen.times[2] - seen.times[0] >= 0.018


# --- pacing


def test_a_paced_stream_arrives_event_by_event_at_its_times(peer: Peer) -> None:
    began = time.monotonic()
    seen = peer.see([event(n) for n in range(10)], pacing=Pacing(ttft=0.05, itl=0.01))
    assert seen.content() == b"".join(event(n) for n in range(10))
    assert seen.times[0] - began >= 0.05
    ending = peer.ending()
    assert all(offset >= 50 + 10 * number for number, offset in enumerate(ending.offsets_ms))
    assert len(ending.offsets_ms) == 10


def test_a_body_comes_whole_at_its_time(peer: Peer) -> None:
    began = time.monotonic()
    seen = peer.see(BODY, pacing=Pacing(ttft=0.05))
    assert seen.times[0] - began >= 0.05
    assert seen.content() == BODY


def test_many_paced_streams_arrive_complete_and_in_order(peer: Peer) -> None:
    frames = [event(n) for n in range(20)]
    peer.plan = Plan(lambda: Answer(200, [STREAM], iter(frames)), pacing=Pacing(itl=0.01, jitter=0.005))
    seen: list[Seen] = []

    def one() -> None:
        with peer.connect() as client:
            seen.append(read(client))

    threads = [threading.Thread(target=one) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.content() for each in seen] == [b"".join(frames)] * 60
    assert {peer.ending(60).how for _ in peer.endings} == {"finished"}


def test_a_reader_that_stalls_holds_up_nobody_else_and_gets_everything_at_last(peer: Peer) -> None:
    frames = [b"data: " + b"x" * 200_000 + b"\n\n"] * 40
    peer.plan = Plan(lambda: Answer(200, [STREAM], iter(frames)), pacing=Pacing(itl=0.001))
    with peer.connect() as slow:
        time.sleep(0.1)
        assert peer.see(EVENTS, pacing=Pacing(itl=0.001)).content() == WHOLE
        assert read(slow).content() == b"".join(frames)


@pytest.mark.parametrize("faults", [(), (fault("http10", {}),)])
def test_a_client_that_leaves_ends_a_paced_stream_at_once(peer: Peer, faults: tuple[Fault, ...]) -> None:
    closed = threading.Event()

    def frames() -> Iterator[bytes]:
        try:
            for number in range(100):
                yield event(number)
        finally:
            closed.set()

    peer.plan = Plan(lambda: Answer(200, [STREAM], frames()), faults, Pacing(ttft=0.001, itl=30))
    with peer.connect() as client:
        client.recv(1000)
    assert closed.wait(SECONDS)
    ending = peer.ending()
    assert (ending.how, ending.events) == ("client-left", 1)
    assert peer.reported == [ending]


# --- a virtual clock, and no transport


class Asleep:
    """A clock whose time passes at once."""

    def __init__(self) -> None:
        self.slept = 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds


def test_on_a_virtual_clock_a_slow_stream_runs_at_once(peer: Peer) -> None:
    clock = Asleep()
    seen = peer.see(EVENTS, pacing=Pacing(ttft=600, itl=60), sleep_clock=clock)
    assert seen.content() == WHOLE
    assert clock.slept == pytest.approx(720)
    assert peer.ending().offsets_ms == (600_000, 660_000, 720_000)


def in_process(*faults: Fault, frames: list[bytes] = EVENTS) -> httpx.Response:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(200, [STREAM], iter(frames))
        await deliver(
            answer, faults=faults, scope=scope, receive=receive, send=send, rng=chance(), sleep_clock=Asleep()
        )

    async def run() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.get("/")

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("reset", ConnectionResetError),
        ("reset-before-headers", ConnectionResetError),
        ("close", ConnectionAbortedError),
        ("short-body", ConnectionAbortedError),
        ("stall", TimeoutError),
        ("stall-before-headers", TimeoutError),
    ],
)
def test_in_process_an_end_that_is_none_is_raised(
    kind: str, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", "mockserver"), pytest.raises(error):
        in_process(fault(kind, {}))
    assert "as nearly as this server allows" in caplog.text


@pytest.mark.parametrize("kind", ["http10", "slow-headers", "bad-chunk-size", "interim", "bad-status-line"])
def test_in_process_what_messages_cannot_say_is_left_out(kind: str) -> None:
    assert in_process(fault(kind, {})).content == WHOLE


def test_in_process_other_faults_are_what_they_are(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "mockserver"):
        assert in_process(fault("drop", {}), fault("drip", {})).content == EVENTS[1] + EVENTS[2]
    assert not caplog.text
