"""The two ways out: ASGI messages, and bytes written to the transport where ASGI cannot say it.

In process there is no transport. What a fault wants is then brought as near as messages allow: an end that is
none raises what a client would see of it (`ConnectionResetError`, `ConnectionAbortedError`, `TimeoutError`),
and the rest is left out. Both are logged at debug level.
"""

import asyncio
import logging
from typing import NoReturn, Protocol

from starlette.types import Send

from mockserver.wire.connection import Connection
from mockserver.wire.delivery import Delivery, body_bytes, end_bytes, head_parts
from mockserver.wire.timers import Timeline

logger = logging.getLogger("mockserver")


class Outlet(Protocol):
    """Where a delivery goes. `parts` is how many pieces the head is sent in."""

    parts: int

    async def head(self, part: int) -> None:
        """Send a piece of the head, from 0."""
        ...

    async def body(self, number: int, data: bytes) -> None:
        """Send a segment, from 1."""
        ...

    async def finish(self, timeline: Timeline, departure: "asyncio.Task[None]") -> None:
        """End the answer, as its delivery says."""
        ...


class AsgiOutlet:
    """Messages to the server. `is_nearest`: the delivery would need a transport, but there is none."""

    def __init__(self, delivery: Delivery, send: Send, *, is_nearest: bool) -> None:
        self.parts = 1
        self._delivery = delivery
        self._send = send
        self._is_nearest = is_nearest
        if is_nearest:
            logger.debug("A fault is sent as nearly as this server allows: it does not give its transport.")

    async def head(self, _part: int) -> None:
        """Status and headers."""
        await self._send(
            {
                "type": "http.response.start",
                "status": self._delivery.status,
                "headers": self._delivery.headers,
            }
        )

    async def body(self, _number: int, data: bytes) -> None:
        """One body message."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, timeline: Timeline, departure: "asyncio.Task[None]") -> None:
        """The message that ends the body, or the wait for the client to leave."""
        del timeline
        if self._delivery.finish == "clean":
            await self._send({"type": "http.response.body", "body": b""})
        elif self._delivery.finish == "stall" and not self._is_nearest:
            await departure
        else:
            self._raise()

    def _raise(self) -> NoReturn:
        if self._delivery.finish == "stall":
            raise TimeoutError("The answer stalls for ever, by a fault.")
        if self._delivery.finish == "rst":
            raise ConnectionResetError("The connection is reset, by a fault.")
        raise ConnectionAbortedError("The connection is closed before the end, by a fault.")


class RawOutlet:
    """Bytes to the transport."""

    def __init__(self, delivery: Delivery, connection: Connection) -> None:
        self._head = [] if delivery.framing == "none" else head_parts(delivery)
        self.parts = len(self._head)
        self._delivery = delivery
        self._connection = connection

    async def head(self, part: int) -> None:
        """A piece of the head."""
        await self._connection.write(self._head[part])

    async def body(self, number: int, data: bytes) -> None:
        """A segment in its framing."""
        await self._connection.write(body_bytes(self._delivery, number, data))

    async def finish(self, timeline: Timeline, departure: "asyncio.Task[None]") -> None:
        """The end of the body, and of the connection."""
        if self._delivery.finish == "stall":
            await departure
        elif self._delivery.finish == "rst":
            await self._connection.reset(timeline)
        else:
            await self._connection.write(end_bytes(self._delivery))
            await self._connection.close()
