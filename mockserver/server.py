"""The emulator under a real HTTP server: in a thread for tests (`MockServer`), or as the whole process.

uvicorn speaks HTTP (httptools, uvloop where there is one). Its own `server` and `date` headers are off, since
ours stand where the service has them; so is its reading of `X-Forwarded-For`, which would let anybody claim
to be this machine.
"""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette

from mockserver.api.app import COMPATIBLE, NATIVE, create_app
from mockserver.clock import Clock, Ids
from mockserver.settings import Settings
from mockserver.wire.protocol import OpenProtocol

GRACE_SECONDS = 1
"""How long running streams may go on after a stop. A reader that stalls is cut off then."""
LAST_RESORT_SECONDS = 1.7
"""When a stopping process ends whatever still runs: work in threads cannot be cancelled."""
MAX_HEAD_BYTES = 65_536
KEEP_ALIVE_SECONDS = 75
START_SECONDS = 10
BACKLOG = 2048


class ServerError(RuntimeError):
    """The server cannot start. The text says why."""


class MockServer:
    """A server in a thread of this process, on a free port unless one is given: `Settings.port` is for `serve`.

    A context manager, sync and async; many may run at once. Each start begins without sessions and files.

        with MockServer() as server:
            OpenAI(base_url=server.compatible_url, api_key=server.api_key())
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        port: int = 0,
        clock: Clock | None = None,
        ids: Ids | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self._port = port
        self._clock = clock
        self._ids = ids
        self._socket: socket.socket | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The origin, e.g. `http://127.0.0.1:49152`. Known while the server runs."""
        return origin(self._listener)

    @property
    def host(self) -> str:
        """The address, as the socket has it."""
        return str(self._listener.getsockname()[0])

    @property
    def port(self) -> int:
        """The port, as the socket has it."""
        return int(self._listener.getsockname()[1])

    @property
    def native_url(self) -> str:
        """The base URL for native clients, as `dashscope.base_http_api_url` takes it."""
        return self.url + NATIVE

    @property
    def compatible_url(self) -> str:
        """The base URL for OpenAI clients."""
        return self.url + COMPATIBLE

    def api_key(self, name: str = "test") -> str:
        """The key of the session called `name`: one the server accepts."""
        return self.settings.api_keys[0] if self.settings.api_keys else f"sk-{name}"

    @property
    def _listener(self) -> socket.socket:
        if self._socket is None:
            raise ServerError("The server does not run: use it as a context manager, or call start().")
        return self._socket

    def start(self) -> Self:
        """Listen, and return once connections are accepted.

        Raises:
            ServerError: the address is taken or is none.
        """
        self._socket = listen(self.settings.host, self._port)
        self._server = Server(create_app(self.settings, clock=self._clock, ids=self._ids))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="dashscope-mock", daemon=True
        )
        self._thread.start()
        if not self._server.ready.wait(START_SECONDS):
            raise ServerError(f"The server did not start within {START_SECONDS} s.")
        return self

    def stop(self) -> None:
        """Let running answers end, for at most a second, and free the port. Stopping twice is harmless."""
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join()
        if self._socket is not None:
            self._socket.close()
        self._server = self._thread = self._socket = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)


class Server(uvicorn.Server):
    """uvicorn's server, but it wakes up to stop instead of looking ten times a second whether it should."""

    def __init__(self, app: Starlette, *, when_ready: Callable[[], None] = lambda: None) -> None:
        super().__init__(_config(app))
        self._when_ready = when_ready
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and say so."""
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        await super().startup(sockets)
        self.ready.set()
        self._when_ready()

    async def main_loop(self) -> None:
        """Wait for the end. uvicorn's loop also renews its `date` header, which is off."""
        if self._stopping is not None and not self.should_exit:
            await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let running answers end, and cut off what has not ended after the grace."""
        cut = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._cut_off)
        try:
            await super().shutdown(sockets)
        finally:
            cut.cancel()
            self._cut_off()

    def _cut_off(self) -> None:
        """Drop every connection, sent or not: uvloop would wait for a stalled reader for ever."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def stop(self) -> None:
        """Stop soon. May be called from any thread and from a signal handler."""
        self.should_exit = True
        if self._loop is not None and self._stopping is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal asks to stop; a second Ctrl+C does not wait for running answers."""
        super().handle_exit(sig, frame)
        self.stop()
        last_resort = threading.Timer(LAST_RESORT_SECONDS, os._exit, args=(0,))
        last_resort.daemon = True
        last_resort.start()


class BoundedProtocol(OpenProtocol):
    """uvicorn's protocol, but a request line and headers that do not end are refused instead of kept."""

    _unread: int | None = None
    """Bytes of a head that has begun and not ended; None outside of one."""

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._unread = 0

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._unread = None
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes arrive."""
        super().data_received(data)
        if self._unread is not None:
            self._unread += len(data)
            if self._unread > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("Request header too large.")


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Until the end of this block, SIGTERM and Ctrl+C end the block and nothing else. For the main thread."""
    previous = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGINT)}
    with suppress(SystemExit):  # uvicorn raises the signal once more when it is done: `_leave` makes it this
        yield
    for number, handler in previous.items():
        signal.signal(number, handler)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        ServerError: the port is in use or not allowed, or the host has no such address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ServerError(f"Cannot listen on {host}: {error.strerror}.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        hint = " Choose another port with --port; 0 takes a free one." if port else ""
        raise ServerError(f"Cannot listen on {host}, port {port}: {error.strerror}.{hint}") from None
    return listener


def origin(listener: socket.socket) -> str:
    """The URL under which this machine reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        loop="auto",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=2 * GRACE_SECONDS,
    )
