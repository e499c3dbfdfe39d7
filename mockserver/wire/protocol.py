"""uvicorn's protocol, with its transport within reach of the application."""

import asyncio
import socket

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockserver.wire.connection import EXTENSION, Extension


class OpenProtocol(HttpToolsProtocol):
    """A protocol whose requests can be answered by hand. Others it leaves alone."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connects. Segments shall leave as they are written; not every loop sees to that."""
        super().connection_made(transport)
        connected: socket.socket | None = transport.get_extra_info("socket")
        if connected is not None and connected.family in {socket.AF_INET, socket.AF_INET6}:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def on_headers_complete(self) -> None:
        """The head of a request is complete: give its scope the extension."""
        super().on_headers_complete()
        extension: Extension = {"transport": self.transport, "cycle": self.cycle}
        self.scope["extensions"] = {EXTENSION: extension}  # type: ignore[dict-item]
