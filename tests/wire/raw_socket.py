"""One tiny server whose only answer goes through `deliver`, and a client that sees every byte as it arrives."""

import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.wire.answer import Answer
from mockserver.wire.deliver import deliver
from mockserver.wire.fault import Fault
from mockserver.wire.fault_kind import ErrorFrame
from mockserver.wire.pacing import Pacing
from mockserver.wire.progress import Ending, Progress
from mockserver.wire.protocol import OpenProtocol

REQUEST = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n"
STREAM = (b"content-type", b"text/event-stream;charset=UTF-8")
SECONDS = 5


def chance(seed: int = 0) -> random.Random:
    """Repeatable chance."""
    return random.Random(seed)  # noqa: S311 - not a secret


def event(number: int, text: str = "x") -> bytes:
    """An event as native streams have it."""
    return b'id:%d\nevent:result\n:HTTP_STATUS/200\ndata:{"output":{"text":"%b"}}\n\n' % (number, text.encode())


def chunk(data: bytes) -> bytes:
    """What a segment looks like in chunked framing."""
    return b"%x\r\n%b\r\n" % (len(data), data)


END = b"0\r\n\r\n"


@dataclass
class Plan:
    """What the server does with the next request."""

    answer: Callable[[], Answer] = lambda: Answer(200, [STREAM], iter(()))
    faults: tuple[Fault, ...] = ()
    pacing: Pacing | None = None
    frame: ErrorFrame | None = None
    sleep_clock: Any = None
    probe: ASGIApp | None = None
    seed: int = 0


@dataclass
class Seen:
    """What a client saw: the reads as they came, and how the connection ended."""

    reads: list[bytes]
    times: list[float]
    ended: str

    @property
    def all(self) -> bytes:
        """Every byte."""
        return b"".join(self.reads)

    @property
    def head(self) -> list[bytes]:
        """The lines of the head."""
        return self.all.partition(b"\r\n\r\n")[0].split(b"\r\n")

    @property
    def body(self) -> bytes:
        """What follows the head, as framed."""
        return self.all.partition(b"\r\n\r\n")[2]

    def content(self) -> bytes:
        """The body without its chunked framing; stops where that breaks off."""
        rest, content = self.body, b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            content, rest = content + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        return content


@dataclass
class Peer:
    """The server, its plan, and the endings it reported."""

    port: int
    plan: Plan = field(default_factory=Plan)
    endings: list[Ending] = field(default_factory=list)
    reported: list[Ending] = field(default_factory=list)

    asked: int = 0

    def forget(self) -> None:
        """Wait for what is still going on, and begin anew."""
        if self.asked:
            self.ending(self.asked)
        self.asked = 0
        self.endings.clear()
        self.reported.clear()

    def connect(self) -> socket.socket:
        """A connection that has asked."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
        client.sendall(REQUEST)
        return client

    def see(self, frames: Sequence[bytes] | bytes, *faults: Fault, patience: float = SECONDS, **plan: Any) -> Seen:
        """Ask once and read to the end, or until nothing comes for `patience` seconds, or the answer is complete."""
        headers = [STREAM] if not isinstance(frames, bytes) else [(b"content-type", b"application/json")]
        headers = plan.pop("headers", headers)
        gzip = plan.pop("gzip", False)
        self.plan = Plan(
            lambda: Answer(200, headers, frames if isinstance(frames, bytes) else iter(frames), gzip=gzip),
            faults,
            **plan,
        )
        with self.connect() as client:
            return read(client, patience)

    def ending(self, count: int = 1) -> Ending:
        """The last ending, when so many have been reported."""
        limit = time.monotonic() + SECONDS
        while len(self.endings) < count and time.monotonic() < limit:
            time.sleep(0.002)
        return self.endings[-1]


def read(client: socket.socket, patience: float = SECONDS) -> Seen:
    """Read until the end, an error, a complete chunked answer, or silence."""
    client.settimeout(patience)
    reads: list[bytes] = []
    times: list[float] = []
    try:
        while data := client.recv(65_536):
            reads.append(data)
            times.append(time.monotonic())
            if is_complete(b"".join(reads)):
                return Seen(reads, times, "complete")
    except TimeoutError:
        return Seen(reads, times, "silence")
    except ConnectionResetError:
        return Seen(reads, times, "reset")
    return Seen(reads, times, "closed")


def is_complete(received: bytes) -> bool:
    """Whether an answer that leaves the connection open has ended."""
    head, _, body = received.partition(b"\r\n\r\n")
    if b"connection: close" in head:
        return False
    length = re.search(rb"content-length: (\d+)", head)
    return len(body) == int(length[1]) if length else body.endswith(END)


@contextmanager
def running(loop: str) -> Iterator[Peer]:
    """The server, in a thread."""
    peer = Peer(0)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        plan = peer.plan
        peer.asked += 1
        if plan.probe is not None:
            await plan.probe(scope, receive, send)
        ending = await deliver(
            plan.answer(),
            pacing=plan.pacing,
            faults=plan.faults,
            scope=scope,
            receive=receive,
            send=send,
            sleep_clock=plan.sleep_clock,
            rng=chance(plan.seed),
            frame=plan.frame,
            progress=Progress(time.monotonic, peer.reported.append),
        )
        peer.endings.append(ending)

    listener = socket.create_server(("127.0.0.1", 0))
    peer.port = listener.getsockname()[1]
    config = uvicorn.Config(
        app,
        http=OpenProtocol,
        loop=loop,
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield peer
    finally:
        server.should_exit = True
        thread.join()
