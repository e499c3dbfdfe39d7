"""uvicorn's protocol, with its transport within reach of the application.

ASGI has no words for a reset, for a body that is too short, for a head that drips. So the scope of a request
carries, as the extension `dashscope_mock`, the transport and the server's record of the answer; `take_over`
makes of it a `Connection` to which bytes can be written as they are. After that the server believes that the
application has answered, and keeps its hands off.
"""

import asyncio
import socket
import struct
from typing import TypedDict

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from mockserver.wire.timers import Timeline

EXTENSION = "dashscope_mock"
LINGER_NOT = struct.pack("ii", 1, 0)
"""SO_LINGER, on, zero seconds: closing sends an RST."""
LAST_BYTES_SECONDS = 0.005
"""What was written before an RST gets so long to be read; some systems throw it away with the connection."""


class Extension(TypedDict):
    """What the scope carries."""

    transport: asyncio.Transport
    cycle: RequestResponseCycle


class OpenProtocol(HttpToolsProtocol):
    """A protocol whose requests can be answered by hand. Without that it does nothing at all."""

    def on_headers_complete(self) -> None:
        """The head of a request is complete: give its scope the extension."""
        super().on_headers_complete()
        extension: Extension = {"transport": self.transport, "cycle": self.cycle}
        self.scope["extensions"] = {EXTENSION: extension}  # type: ignore[dict-item]


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
        """Send what is left, and an RST."""
        while self._transport.get_write_buffer_size() and not self._cycle.disconnected:
            await timeline.until(timeline.now() + LAST_BYTES_SECONDS)
        await timeline.until(timeline.now() + LAST_BYTES_SECONDS)
        if not self._transport.is_closing():
            connection: socket.socket = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self._finish()
        self._transport.abort()

    def _finish(self) -> None:
        self._cycle.response_complete = True
        self._cycle.message_event.set()
