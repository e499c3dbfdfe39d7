"""A connection taken from the HTTP server, to be written to by hand.

ASGI has no words for a reset, for a body that is too short, for a head that drips. So the scope of a request
carries, as the extension `dashscope_mock`, the transport and the server's record of the answer (`protocol.py`
sees to that); `take_over` makes of it a `Connection`. From then on the server believes that the application
has answered, and keeps its hands off.
"""

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, TypedDict

from starlette.types import Scope

from mockserver.wire.timers import Timeline

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

EXTENSION = "dashscope_mock"
LAST_BYTES_SECONDS = 0.005
"""What was written before an RST gets so long to be read; some systems throw it away with the connection."""
LINGER_NOT = struct.pack("ii", 1, 0)
"""SO_LINGER, on, zero seconds: closing sends an RST."""

_INTEGER = struct.Struct("i")


class Extension(TypedDict):
    """What the scope carries."""

    transport: asyncio.Transport
    cycle: "RequestResponseCycle"


def take_over(scope: Scope) -> "Connection | None":
    """The connection of a request that has not been answered yet; None where the server is none of ours."""
    extension: Extension | None = (scope.get("extensions") or {}).get(EXTENSION)
    return None if extension is None else Connection(extension)


class Connection:
    """A connection taken from the server. Ends in `close` or `reset`, after which nothing can be written."""

    def __init__(self, extension: Extension) -> None:
        self._transport = extension["transport"]
        self._cycle = extension["cycle"]
        self._cycle.response_started = True
        self._cycle.waiting_for_100_continue = False

    async def write(self, data: bytes) -> None:
        """Write, and wait first if the reader is slow. Writing to a client that has gone does nothing."""
        flow = self._cycle.flow
        if flow.write_paused and not self._cycle.disconnected:
            await flow.drain()
        if not self._cycle.disconnected:
            self._transport.write(data)

    async def close(self) -> None:
        """Send what is left, and a FIN."""
        self._finish()
        self._transport.close()

    async def reset(self, timeline: Timeline) -> None:
        """Wait until the client's machine has all that was written, then send an RST."""
        await timeline.until(timeline.now() + LAST_BYTES_SECONDS)
        while self._is_underway() and not self._cycle.disconnected:
            await timeline.until(timeline.now() + LAST_BYTES_SECONDS)
        if not self._transport.is_closing():
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self._finish()
        self._transport.abort()

    @property
    def _socket(self) -> socket.socket:
        connected: socket.socket = self._transport.get_extra_info("socket")
        return connected

    def _is_underway(self) -> bool:
        return self._transport.get_write_buffer_size() > 0 or _unacknowledged(self._socket) > 0

    def _finish(self) -> None:
        self._cycle.response_complete = True
        self._cycle.message_event.set()


def _unacknowledged(connected: socket.socket) -> int:
    """Bytes that the kernel has taken and the other side has not; 0 where the kernel does not say."""
    try:
        import fcntl  # noqa: PLC0415 - not on every system
        import termios  # noqa: PLC0415

        found: int = _INTEGER.unpack(fcntl.ioctl(connected.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
    except (ImportError, OSError):
        return 0
    return found
