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
from typing import Self, TypeVar

import uvicorn
from starlette.applications import Starlette

from mockserver.api.app import create_app
from mockserver.clock import Clock, Ids
from mockserver.exchange import Services
from mockserver.mock import Host, key_for
from mockserver.settings import Settings
from mockserver.wire.protocol import OpenProtocol

GRACE_SECONDS = 1
"""How long running streams may go on after a stop. A reader that stalls is cut off then."""
LAST_RESORT_SECONDS = 1.7
"""When a stopping process ends whatever still runs: work in threads cannot be cancelled."""
MAX_HEAD_BYTES = 65_536
KEEP_ALIVE_SECONDS = 75
START_SECONDS = 10
CALL_SECONDS = 10
BACKLOG = 2048

T = TypeVar("T")


class ServerError(RuntimeError):
    """The server cannot start. The text says why."""


class MockServer(Host):
    """A server in a thread of this process, on a free port unless one is given: `Settings.port` is for `serve`.

    A context manager, sync and async; many may run at once. Each start begins without sessions and files; but what
    is said before the first start holds for it, and what was seen may be read after the end.

        with MockServer() as mock:
            mock.on(last_user="weather").fail("Throttling.RateQuota").once()
            client = OpenAI(base_url=mock.compatible_url, api_key=mock.api_key())
            ...
            mock.assert_clean()
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
        self._app: Starlette | None = None
        self._is_over = False
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

    def api_key(self, name: str = "test") -> str:
        """The key of the session called `name`: one the server accepts."""
        return key_for(name, self.settings.api_keys)

    @property
    def services(self) -> Services:
        """What the handlers share, the sessions among it: of this run, of the last one, or of the one to come."""
        if self._app is None:
            self._app = self._new_app()
        services: Services = self._app.state.services
        return services

    def call(self, work: Callable[[], T]) -> T:
        """Do something between two requests: in the thread of the server while it runs."""
        if self._server is None or threading.current_thread() is self._thread:
            return work()
        return self._server.call(work)

    def _new_app(self) -> Starlette:
        return create_app(self.settings, clock=self._clock, ids=self._ids)

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
        if self._app is None or self._is_over:
            self._app = self._new_app()
        self._is_over = False
        self._server = Server(self._app)
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
            self._is_over = True
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

    def call(self, work: Callable[[], T]) -> T:
        """Do something in the loop of this server, asked for by another thread; returns or raises what it does."""

        async def on_loop() -> T:
            return work()

        if self._loop is None:
            raise ServerError("The server does not run.")
        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(CALL_SECONDS)

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
